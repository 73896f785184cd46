"""Whoever starts a run at the same moment, one process works on it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lightning_fabric import Fabric

from tests.forked import ForkedWorker
from tests.helpers import (
    PROJECT,
    TINY,
    RunsHere,
    losses,
    pause,
    plain_losses,
    processes,
    steps,
    stop,
    wait_for_state,
    wait_for_step,
)
from vgg_demo.data import Digits
from vgg_demo.errors import RunError
from vgg_demo.runs.manager import continue_run, dispatch, resume_run, start_run
from vgg_demo.runs.store import create_run

pytestmark = pytest.mark.usefixtures("home")


def refused(action: Callable[[], object]) -> bool:
    """Whether it raises RunError."""
    try:
        action()
    except RunError:
        return True
    return False


def all_at_once(action: Callable[[], object], times: int) -> list[bool]:
    """Do it in that many threads at one moment; for each, whether it was refused."""
    barrier = threading.Barrier(times)

    def wait_and_act() -> bool:
        barrier.wait()
        return refused(action)

    with ThreadPoolExecutor(times) as pool:
        return [future.result() for future in [pool.submit(wait_and_act) for _ in range(times)]]


def test_run_resumed_by_eight_at_once_gets_one_process(runs_here: RunsHere, quick_workers: list[ForkedWorker]) -> None:
    run = runs_here.start(TINY)
    wait_for_step(run, 5)
    stop(run)
    runs_here.wait(run)

    answers = all_at_once(lambda: resume_run(run), times=8)

    assert sorted(answers) == [False] + [True] * 7
    assert len(quick_workers) == 1
    wait_for_step(run, steps(run)[-1] + 1)
    assert len(quick_workers) == 1


def test_run_resumed_by_four_processes_at_once_gets_one_process(runs_here: RunsHere) -> None:
    run = runs_here.start(TINY)
    wait_for_step(run, 5)
    stop(run)
    runs_here.wait(run)
    code = (
        "from vgg_demo.runs.manager import resume_run; from vgg_demo.runs.store import get_run; import sys\n"
        f"print('ready', flush=True); sys.stdin.readline(); resume_run(get_run({run.name!r}))"
    )
    callers = [
        subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdin=-1, stdout=-1, stderr=-1, text=True)
        for _ in range(4)
    ]
    for caller in callers:
        assert caller.stdout is not None
        assert caller.stdout.readline() == "ready\n"

    for caller in callers:
        assert caller.stdin is not None
        caller.stdin.write("go\n")
        caller.stdin.flush()
    errors = [caller.communicate(timeout=60)[1] for caller in callers]

    assert sorted(bool(caller.returncode) for caller in callers) == [False, True, True, True]
    assert sum("still going" in error for error in errors) == 3
    assert len(processes(run.path)) == 1
    wait_for_step(run, steps(run)[-1] + 1)
    assert len(processes(run.path)) == 1


def test_run_continued_by_eight_at_once_gets_one_process_and_one_more_epoch(
    runs_here: RunsHere, quick_workers: list[ForkedWorker]
) -> None:
    run = runs_here.start(TINY)
    wait_for_step(run, 5)
    stop(run)
    runs_here.wait(run)

    answers = all_at_once(lambda: continue_run(run, 1), times=8)

    assert sorted(answers) == [False] + [True] * 7
    assert run.config().train.epochs == 2
    assert len(quick_workers) == 1


def test_waiting_run_dispatched_by_eight_at_once_gets_one_process(quick_workers: list[ForkedWorker]) -> None:
    run = create_run(TINY)

    all_at_once(dispatch, times=8)

    assert len(quick_workers) == 1
    wait_for_step(run, 1)
    assert len(quick_workers) == 1


@pytest.mark.usefixtures("quick_workers")
def test_second_worker_on_a_run_that_has_one_leaves_it_alone(
    home: Path, mnist: tuple[Digits, Digits], fabric: Fabric
) -> None:
    """The process that started the first may have been killed before it wrote down its number."""
    config = TINY.with_changes(steps=400)
    run = start_run(config)
    wait_for_step(run, 5)
    pause(run)

    second = subprocess.Popen([sys.executable, "-m", "vgg_demo.runs.worker", str(run.path)], cwd=PROJECT)

    try:
        second.wait(timeout=120)
    finally:
        second.kill()
        second.wait()
    assert run.status().state == "paused"
    run.send("resume")
    wait_for_state(run, "finished")
    assert losses(run) == plain_losses(config, mnist[0], fabric)
