"""Measuring how long trainings take: it comes to an end, whatever becomes of the process that measures."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers import TINY, wait_until
from vgg_demo.presets import get_preset
from vgg_demo.runs.child import Ending
from vgg_demo.runs.cost import estimate_seconds, record_speed
from vgg_demo.ui.shared import resources
from vgg_demo.ui.train import settings

pytestmark = pytest.mark.usefixtures("home")
CHANGED = get_preset("classroom").config.with_changes(batch_size=17)


def processes_that(*codes: str) -> list[subprocess.Popen[bytes]]:
    """Processes that run these lines of Python, the last first."""
    return [subprocess.Popen([sys.executable, "-c", code]) for code in reversed(codes)]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit(1)", "the measurement failed"),
        ("", "the measurement failed"),  # it could not write down what it found
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "the measurement failed"),
        (f"raise SystemExit({int(Ending.TOO_LONG)})", "a few steps take more than 2 min"),
        (f"raise SystemExit({int(Ending.TOO_LARGE)})", "it needs more memory than is free"),
    ],
)
def test_measurement_that_gives_nothing_is_made_once_and_its_reason_kept(
    monkeypatch: pytest.MonkeyPatch, code: str, reason: str
) -> None:
    started = processes_that(code)
    monkeypatch.setattr(resources, "spawn_budget", lambda config: started.pop())
    measuring = resources.Measuring()

    measuring.ask(CHANGED)
    wait_until(lambda: CHANGED in measuring.unknown)
    measuring.ask(CHANGED)

    assert str(measuring.unknown[CHANGED]) == reason
    assert not measuring.pending


def test_measurement_that_fails_in_an_unknown_way_does_not_end_the_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    other = CHANGED.with_changes(batch_size=18)

    def spawn(_config: object) -> subprocess.Popen[bytes]:
        raise ValueError("embedded null byte")

    monkeypatch.setattr(resources, "spawn_budget", spawn)
    measuring = resources.Measuring()

    measuring.ask(CHANGED)
    measuring.ask(other)
    wait_until(lambda: other in measuring.unknown, seconds=10)

    assert [str(measuring.unknown[config]) for config in (CHANGED, other)] == ["embedded null byte"] * 2


def test_measurement_that_a_training_ends_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    started = processes_that("import time; time.sleep(100)", "")
    busy = [False, False, True, True]
    first = started[-1]

    def spawn(_config: object) -> subprocess.Popen[bytes]:
        if len(started) == 1:
            record_speed(CHANGED, 0.5)
        return started.pop()

    monkeypatch.setattr(resources, "spawn_budget", spawn)
    monkeypatch.setattr(resources, "is_busy", lambda: bool(busy) and busy.pop(0))
    monkeypatch.setattr(resources, "BUSY_POLL_SECONDS", 0.01)
    measuring = resources.Measuring()

    measuring.ask(CHANGED)
    wait_until(lambda: not measuring.pending)

    assert first.wait() != 0
    assert not started
    assert not measuring.unknown
    assert estimate_seconds(CHANGED) is not None


def test_measurement_that_cannot_be_started_does_not_hold_up_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_config: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(resources, "spawn_budget", refuse)
    measuring = resources.Measuring()

    measuring.ask(CHANGED)
    measuring.ask(TINY)
    wait_until(lambda: len(measuring.unknown) == 2)


def test_page_says_that_it_could_not_be_measured_and_does_not_look_again(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "a few steps take more than 2 min"
    measuring = SimpleNamespace(unknown={CHANGED: reason}, ask=lambda config: None)
    monkeypatch.setattr(resources, "measuring", lambda: measuring)
    app.run()

    app.number_input(key="set-classroom-batch_size").set_value(17).run()

    assert not app.exception
    assert any(f"could not be measured: {reason}" in str(caption.value) for caption in app.caption)
    assert settings.TICK_SECONDS[settings._measurement_state(CHANGED, None)] is None
