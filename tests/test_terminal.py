"""What a terminal says of a run that waits for a cluster, and what Ctrl-C does to it."""

from __future__ import annotations

import pytest

from tests.helpers import TINY
from vgg_demo import terminal
from vgg_demo.runs.claims import begin
from vgg_demo.runs.class_settings import ClassSettings, write_class_settings
from vgg_demo.runs.engines import cluster as ray_side
from vgg_demo.runs.store import create_run

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def interrupts(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Ctrl-C at the first look at a run; a cluster is named that nobody has asked."""
    monkeypatch.setenv("VGG_DEMO_RAY", "auto")
    monkeypatch.setattr(ray_side, "is_installed", lambda: True)
    pressed: list[None] = []

    def press(_seconds: float) -> None:
        if not pressed:
            pressed.append(None)
            raise KeyboardInterrupt

    monkeypatch.setattr(terminal.time, "sleep", press)
    return pressed


@pytest.mark.parametrize("is_paused", [False, True])
def test_follow_of_a_run_that_waits_says_why_and_ctrl_c_withdraws_it(
    interrupts: list[None], capsys: pytest.CaptureFixture[str], is_paused: bool
) -> None:
    write_class_settings(ClassSettings(queue_paused=is_paused))
    run = create_run(TINY)
    run.update_status(engine="ray")

    terminal.follow(run, quiet=False)

    assert (run.status().state, run.status().reason) == ("stopped", "withdrawn before it started")
    terminal.report(run, as_json=False)
    said, reported = capsys.readouterr()[::-1]
    assert reported == f"{run.name}: withdrawn before it started\n"
    assert said.count(f"{run.name}: waits") == 1
    assert ("the teacher has paused the queue" in said) is is_paused
    assert ("as soon as a machine has room" in said) is not is_paused


def test_follow_of_a_run_that_trains_asks_it_to_stop(interrupts: list[None], monkeypatch: pytest.MonkeyPatch) -> None:
    run = create_run(TINY)
    begin(run, pid=None, pid_started=None)
    send = type(run).send

    def stop(self: object, command: str) -> None:
        send(run, command)
        run.update_status(state="stopped")  # as its worker does

    monkeypatch.setattr(type(run), "send", stop)

    terminal.follow(run, quiet=True)

    assert '"command": "stop"' in run.control_path.read_text("utf-8")
