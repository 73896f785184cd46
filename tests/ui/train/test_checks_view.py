"""The three quick checks: made one after the other, and only while somebody waits for them."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.helpers import wait_until
from vgg_demo.presets import get_preset
from vgg_demo.ui.shared import jobs
from vgg_demo.ui.train import checks_view
from vgg_demo.ui.train.checks_view import Checking

CONFIG = get_preset("classroom").config
SLOW = "import time; time.sleep(60)"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that were started; each sleeps instead of checking."""
    processes: list[subprocess.Popen[bytes]] = []

    def spawn(_config: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", SLOW]
        processes.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        return processes[-1]

    monkeypatch.setattr(checks_view, "spawn_checks", spawn)
    monkeypatch.setattr(jobs, "this_page", jobs.Page)
    return processes


def test_checks_of_several_pages_are_made_one_after_the_other(started: list[subprocess.Popen[bytes]]) -> None:
    checkings = [Checking(CONFIG) for _ in range(3)]
    wait_until(lambda: started)
    time.sleep(0.3)

    assert len(started) == 1

    for number, process in enumerate(started, 1):  # it grows
        process.kill()
        wait_until(lambda number=number: len(started) == min(number + 1, 3))  # type: ignore[misc]
    wait_until(lambda: all(checking.is_over for checking in checkings))
    assert [checking.checks for checking in checkings] == [[], [], []]


def test_checks_end_when_their_page_was_closed(
    started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LEFT_SECONDS", 0.0)
    checking = Checking(CONFIG)
    wait_until(lambda: started)

    checking.page.close()

    wait_until(lambda: checking.is_over)
    assert started[0].returncode not in (None, 0)


def test_checks_that_cannot_be_started_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_config: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(checks_view, "spawn_checks", fail)
    monkeypatch.setattr(jobs, "this_page", jobs.Page)

    checking = Checking(CONFIG)

    wait_until(lambda: checking.is_over)
    assert checking.checks == []
