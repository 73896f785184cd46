"""What the page starts ends with it, however that ends, and keeps within limits; a training outlives it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.helpers import PROJECT, TINY, wait_for_state, wait_for_step, wait_until
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.presets import get_preset
from vgg_demo.runs import manager, spawning, store
from vgg_demo.runs.child import Ending
from vgg_demo.runs.engines import local
from vgg_demo.runs.processes import detached, is_alive, lower_priority, process_started
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.store import Run, get_run

pytestmark = pytest.mark.usefixtures("home")
SLOW = get_preset("blog").config
PARENT = """
import sys, threading
from vgg_demo.presets import get_preset
from vgg_demo.runs import manager, spawning, store
from vgg_demo.runs.engines import local
from vgg_demo.runs.store import get_run
slow = get_preset("blog").config
if sys.argv[1] == "measurement":
    children = [spawning.spawn_budget(slow)]
elif sys.argv[1] == "checks":
    children = [spawning.spawn_checks(slow)]
else:
    local.warm_worker = local.WarmWorker()
    local.warm_worker.prepare()
    children = [local.warm_worker.process]
if sys.argv[1] == "warm worker with a run":
    manager.start_run(get_preset("classroom").config.with_changes(width=0.05, batch_size=8), "mine")
print(children[0].pid, flush=True)
threading.Event().wait()
"""


def is_running(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.fixture
def started(request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], psutil.Process]]:
    """A process that has started a child of the kind that the test names, and that child."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, request.param], cwd=PROJECT, stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    yield parent, child
    parent.kill()
    parent.communicate()
    if is_running(child):
        child.kill()


@pytest.mark.parametrize("started", ["measurement", "checks", "warm worker"], indirect=True)
def test_child_of_a_killed_page_ends(started: tuple[subprocess.Popen[str], psutil.Process]) -> None:
    parent, child = started
    assert is_running(child)

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    wait_until(lambda: not is_running(child), seconds=spawning.PROBE_SECONDS / 4)  # long before its own limit


@pytest.mark.parametrize("started", ["warm worker with a run"], indirect=True)
def test_warm_worker_that_has_a_run_outlives_a_killed_page(
    started: tuple[subprocess.Popen[str], psutil.Process],
) -> None:
    parent, child = started

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    wait_for_step(get_run("mine"), 200)
    assert get_run("mine").status().pid == child.pid


@pytest.mark.parametrize(
    ("limit", "value", "ending"), [("PROBE_SECONDS", 1.0, Ending.TOO_LONG), ("PROBE_MEMORY", 1e-9, Ending.TOO_LARGE)]
)
def test_measurement_beyond_a_limit_ends_and_says_which(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: float, ending: Ending
) -> None:
    monkeypatch.setattr(spawning, limit, value)

    assert spawning.spawn_budget(SLOW).wait(timeout=60) == ending


def test_is_alive_is_of_that_very_process() -> None:
    assert is_alive(os.getpid(), process_started(os.getpid()))
    assert not is_alive(os.getpid(), 1.0)  # an earlier one with the same number


def ends_with_its_terminal() -> None:
    """Undo what nohup does, in case that the tests run under it."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def train(home: Path, *more: str) -> subprocess.Popen[str]:
    """The command line training a run named mine, and its first step."""
    command = [sys.executable, "-m", "vgg_demo", "train", "--run", "mine", "--width", "0.05", "--json", *more]
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=ends_with_its_terminal if os.name == "posix" else None,
    )
    wait_until(lambda: (home / "mine" / "status.json").is_file() and RunReader(get_run("mine")).refresh().steps)
    return process


def assert_stopped_and_kept(run: Run) -> None:
    wait_until(lambda: run.status().is_over, seconds=60)
    status = run.status()
    assert status.state == "stopped", status.reason
    assert load_checkpoint(run.checkpoint_path)[1].metrics["steps"] == RunReader(run).refresh().last_step > 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_train_that_is_ended_stops_and_keeps_as_after_an_interrupt(home: Path, name: str) -> None:
    process = train(home, "--steps", "100000")

    process.send_signal(getattr(signal, name))
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    assert json.loads(output)["steps"] > 0
    assert_stopped_and_kept(get_run("mine"))


def test_train_that_is_killed_stops_and_keeps(home: Path) -> None:
    process = train(home, "--steps", "100000")

    process.kill()
    process.communicate()

    assert_stopped_and_kept(get_run("mine"))


def test_train_detached_returns_and_trains_to_the_end(home: Path) -> None:
    process = train(home, "--steps", "300", "--detach")

    output, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    assert json.loads(output)["run"] == "mine"
    wait_for_state(get_run("mine"), "finished")
    assert RunReader(get_run("mine")).refresh().last_step == 300


@pytest.mark.usefixtures("quick_workers")
def test_warm_worker_is_not_started_beside_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = []
    warm = local.WarmWorker()  # this one alone: that of a page of another test may still wait for its turn
    monkeypatch.setattr(warm, "prepare", lambda: prepared.append(running.status().state))
    monkeypatch.setattr(local, "IDLE_POLL_SECONDS", 0.05)
    running = manager.start_run(TINY.with_changes(steps=20))

    warm.prepare_when_idle()

    assert prepared == ["finished"]


@pytest.mark.usefixtures("quick_workers")
def test_run_that_the_warm_worker_cannot_take_any_more_is_given_to_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import os, time; os.close(0); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()  # it lives, and its end of the pipe is closed
        monkeypatch.setattr(local, "warm_worker", warm := local.WarmWorker())
        monkeypatch.setattr(warm, "prepare_when_idle", lambda: None)
        warm.process, warm.home = deaf, store.home()

        run = manager.start_run(TINY.with_changes(steps=2))
        wait_for_state(run, "finished")
        deaf.kill()

    assert run.status().pid != deaf.pid


def test_warm_worker_finds_a_folder_with_any_letters_in_any_encoding(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VGG_DEMO_HOME", str(home / "Jürgen 数"))
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    warm = local.WarmWorker()
    monkeypatch.setattr(local, "warm_worker", warm)
    warm.prepare()
    waiting = warm.process
    monkeypatch.setattr(local.WarmWorker, "prepare_when_idle", lambda self: None)

    run = manager.start_run(TINY.with_changes(steps=3))

    assert waiting is not None
    assert run.status().pid == waiting.pid
    wait_for_state(run, "finished")


def test_process_started_on_windows_has_a_console_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(subprocess, "CREATE_NO_WINDOW", 0x08000000, raising=False)
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0x00000200, raising=False)

    assert detached() == {"creationflags": 0x08000200}


@pytest.mark.parametrize(("niceness", "priority"), [(5, 0x4000), (10, 0x40)])
def test_lower_priority_on_windows_lowers_the_class(
    monkeypatch: pytest.MonkeyPatch, niceness: int, priority: int
) -> None:
    asked = []
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", 0x4000, raising=False)
    monkeypatch.setattr(psutil, "IDLE_PRIORITY_CLASS", 0x40, raising=False)
    monkeypatch.setattr(psutil.Process, "nice", lambda self, value: asked.append(value))

    lower_priority(os.getpid(), niceness)

    assert asked == [priority]


def test_child_that_has_not_read_all_when_it_ends_is_released() -> None:
    child = spawning.spawn("json.tool", "--help", stdin=subprocess.PIPE)
    child.wait()
    assert child.stdin is not None
    child.stdin.write(b"what it does not read")

    spawning.reap_children()

    assert child.stdin.closed
    assert child not in spawning._children
