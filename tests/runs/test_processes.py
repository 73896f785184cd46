"""A process of low priority is so for the whole machine; one that trains keeps each thread on a core of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.helpers import TINY, kill, wait_for_state, wait_for_step, wait_until
from vgg_demo.runs.engines import local
from vgg_demo.runs.engines.local import WarmWorker
from vgg_demo.runs.manager import queue_run, start_run
from vgg_demo.runs.processes import GPU_DRIVERS, OMP_SETTINGS, one_thread_a_core, training_environment
from vgg_demo.runs.store import Run

AUTOGROUP = Path("/proc/self/autogroup")
LONG = TINY.with_changes(steps=100_000, batch_size=500)
LOWER_PRIORITY = """
import os
from pathlib import Path
from vgg_demo.runs.processes import lower_priority
lower_priority(os.getpid(), 7)
group = Path("/proc/self/autogroup")
name_and_niceness = group.read_text().split() if group.exists() else []  # none: the group is the computer's first
print(os.nice(0), name_and_niceness[-1] if name_and_niceness else None)
"""


def after_lowering(in_own_session: bool) -> list[str]:
    """The niceness of a process whose priority was lowered, and of its session's group."""
    command = [sys.executable, "-c", LOWER_PRIORITY]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, start_new_session=in_own_session
    ).stdout.split()


@pytest.mark.skipif(os.name != "posix", reason="niceness is POSIX's")
def test_lower_priority_lowers_the_process() -> None:
    assert int(after_lowering(in_own_session=True)[0]) == max(os.nice(0), 7)


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="Linux's groups of processes, where they are built in")
def test_lower_priority_lowers_the_group_of_its_own_session_and_no_other() -> None:
    before = AUTOGROUP.read_text(encoding="utf-8")

    assert after_lowering(in_own_session=True)[1] == "7"
    after_lowering(in_own_session=False)

    assert AUTOGROUP.read_text(encoding="utf-8") == before


@pytest.mark.skipif(os.name != "posix", reason="niceness is POSIX's")
@pytest.mark.usefixtures("home")
def test_warm_worker_with_a_run_has_the_environment_and_priority_of_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    monkeypatch.setattr(WarmWorker, "prepare_when_idle", lambda self: None)
    monkeypatch.setattr(local, "warm_worker", warm := WarmWorker())
    warm.prepare()
    waiting = warm.process
    assert waiting is not None

    run = start_run(LONG)
    wait_for_step(run, 1)
    process = psutil.Process(waiting.pid)
    environment, niceness = process.environ(), process.nice()
    kill(run)

    assert run.status().pid == waiting.pid
    assert environment["GOMP_SPINCOUNT"] == "10000"
    assert niceness == max(os.nice(0), 5)


def test_environment_that_the_caller_has_set_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")

    assert training_environment()["GOMP_SPINCOUNT"] == "7"


linux = pytest.mark.skipif(sys.platform != "linux", reason="only there a thread can be kept on a core")
KEEPS_THREADS_ON_CORES = (
    sys.platform == "linux"
    and (psutil.cpu_count(logical=False) or 1) > 1
    and not any(Path(driver).exists() for driver in GPU_DRIVERS)
)


def cores_of_threads(process: psutil.Process) -> list[tuple[int, ...]]:
    """Of each of its threads that has worked, the cores that it may be on."""
    busy = [thread.id for thread in process.threads() if thread.user_time > 0.1]
    return [tuple(psutil.Process(thread).cpu_affinity()) for thread in busy]


def assert_each_thread_has_its_core(run: Run) -> None:
    """Of a run that has begun, and is over afterwards."""
    wait_for_step(run, 1)
    process = psutil.Process(run.status().pid)
    wait_until(lambda: len(cores_of_threads(process)) > 1)
    threads = cores_of_threads(process)
    kill(run)
    assert len(set(threads)) > 1
    assert all(len(cores) < len(psutil.Process().cpu_affinity()) for cores in threads)


@pytest.mark.skipif(not KEEPS_THREADS_ON_CORES, reason="no Linux, one core, or a GPU: threads go where there is room")
@pytest.mark.usefixtures("home")
def test_training_on_all_cores_keeps_each_thread_on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)  # as when there are as many threads as cores

    assert_each_thread_has_its_core(start_run(LONG))


@pytest.mark.skipif(os.name != "posix", reason="niceness is POSIX's")
@pytest.mark.usefixtures("home")
def test_next_in_the_queue_has_the_environment_and_priority_of_training_and_all_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    first, second = queue_run(TINY.with_changes(steps=20), "a"), queue_run(LONG, "b")
    wait_for_state(first, "finished")  # its process, whose first thread was kept on one core, starts the second
    wait_for_step(second, 1)
    process = psutil.Process(second.status().pid)
    environment, niceness = process.environ(), process.nice()

    assert environment["GOMP_SPINCOUNT"] == "10000"
    assert niceness == max(os.nice(0), 5)  # not twice as low, though one that was lowered has started it
    if KEEPS_THREADS_ON_CORES:
        assert_each_thread_has_its_core(second)


@linux
@pytest.mark.parametrize("name", OMP_SETTINGS)
def test_environment_that_says_where_threads_run_decides(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for other in OMP_SETTINGS:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setattr("vgg_demo.runs.processes.GPU_DRIVERS", ())
    assert one_thread_a_core()

    monkeypatch.setenv(name, "1")
    assert one_thread_a_core() == {}


def test_beside_a_gpu_threads_go_where_there_is_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in OMP_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("vgg_demo.runs.processes.GPU_DRIVERS", (str(tmp_path),))

    assert one_thread_a_core() == {}
