"""Whether a run's worker lives, as another machine sees it; and that a worker that was held for dead writes no more."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from pathlib import Path

import pytest
from lightning_fabric import Fabric

from tests.forked import ForkedWorker
from tests.helpers import TINY, RunsHere, losses, pause, plain_losses, stop, wait_for_state, wait_for_step, wait_until
from vgg_demo.data import Digits
from vgg_demo.errors import RunError
from vgg_demo.runs import claims, liveness
from vgg_demo.runs import processes as system
from vgg_demo.runs.claims import Claim, begin
from vgg_demo.runs.manager import resume_run, start_run
from vgg_demo.runs.reasons import DIED
from vgg_demo.runs.store import Run, create_run
from vgg_demo.runs.worker import run_worker

ELSEWHERE = "lab-7/0123abcd"


def run_on_other_machine(pid: int | None) -> Run:
    """A run whose status names a process of another machine, and which has a heartbeat."""
    run = create_run(TINY)
    begin(run, pid=pid, pid_started=None)
    run.update_status(host=ELSEWHERE)
    run.worker_path.touch()
    return run


def make_older(path: Path, seconds: float) -> None:
    """Set a file's time back, in its file system's own clock."""
    before = path.stat().st_mtime
    os.utime(path, (before - seconds, before - seconds))


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("pid", [None, 1, 2**22 + 1], ids=["cluster", "number-used-here", "number-not-used-here"])
def test_run_of_another_machine_lives_as_long_as_its_heart_beats(pid: int | None) -> None:
    run = run_on_other_machine(pid)
    assert run.status().state == "running"
    assert run.has_worker is False  # nothing is written in that file

    make_older(run.worker_path, 7)

    assert (run.status().state, run.status().reason) == ("failed", DIED)


@pytest.mark.usefixtures("home")
def test_run_of_another_machine_that_loads_torch_is_not_held_for_dead() -> None:
    run = run_on_other_machine(None)
    run.worker_path.unlink()
    make_older(run.status_path, 30)
    assert run.status().state == "running"

    make_older(run.status_path, 31)

    assert run.status().reason == DIED


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("hours", [-3, 3])
def test_heartbeat_is_read_in_the_clock_of_the_file_system(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    run = run_on_other_machine(None)

    monkeypatch.setattr(time, "time", lambda: run.worker_path.stat().st_mtime + hours * 3600)

    assert run.status().state == "running"


def test_worker_gives_a_heartbeat_while_it_trains_and_while_it_is_paused(runs_here: RunsHere) -> None:
    run = runs_here.start(TINY)
    for command, state in (("pause", "paused"), ("resume", "running")):
        run.send(command)
        wait_for_state(run, state)
        before = run.worker_path.stat().st_mtime

        wait_until(lambda before=before: run.worker_path.stat().st_mtime > before, seconds=10)  # type: ignore[misc]

    stop(run)
    runs_here.wait(run)
    assert not run.worker_path.exists()


def test_worker_held_for_dead_and_gone_on_elsewhere_writes_nothing_more(
    home: Path, quick_workers: list[ForkedWorker], mnist: tuple[Digits, Digits], fabric: Fabric
) -> None:
    """It stood still, as with its machine: another machine resumed the run in between."""
    config = TINY.with_changes(steps=400)
    run = start_run(config)
    wait_for_step(run, 5)
    pause(run)
    run.send("resume")
    wait_for_state(run, "running")  # it is in its loop, and not in the pause
    old = quick_workers[0]
    os.kill(old.pid, signal.SIGSTOP)
    run.update_status(host=ELSEWHERE)
    make_older(run.worker_path, 7)
    assert run.status().reason == DIED
    time.sleep(claims.RECENT_SECONDS)  # as long as it could think that all is well

    resume_run(run)
    wait_for_step(run, 7)
    os.kill(old.pid, signal.SIGCONT)

    wait_until(lambda: old.poll() is not None, seconds=20)
    wait_for_state(run, "finished")
    assert losses(run) == plain_losses(config, mnist[0], fabric)
    assert not run.worker_path.exists()


def test_standstill_after_which_a_worker_looks_is_shorter_than_that_after_which_it_is_held_for_dead() -> None:
    assert claims.RECENT_SECONDS + liveness.BEAT_SECONDS < liveness.DEAD_SECONDS


@pytest.mark.usefixtures("home")
def test_claim_of_an_earlier_attempt_is_lost() -> None:
    run = create_run(TINY)
    claim = Claim(run)
    claim.require()

    run.update_status(attempt=1)

    with pytest.raises(RunError, match="another process has gone on"):
        claim.require()


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("clock", ["monotonic", "time"])  # one of them stands still while a machine sleeps
@pytest.mark.parametrize("seconds", [claims.RECENT_SECONDS - 1, claims.RECENT_SECONDS + 1])
def test_claim_is_looked_at_after_a_halt_by_either_clock(
    monkeypatch: pytest.MonkeyPatch, clock: str, seconds: float
) -> None:
    claim = Claim(create_run(TINY))
    claim.run.update_status(attempt=1)
    claim.require_recent()  # the last look was a moment ago
    later = getattr(time, clock)() + seconds

    monkeypatch.setattr(time, clock, lambda: later)

    with pytest.raises(RunError) if seconds > claims.RECENT_SECONDS else contextlib.nullcontext():
        claim.require_recent()


@pytest.mark.usefixtures("home")
def test_claim_on_a_folder_that_the_file_system_cannot_look_into_at_present_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claim = Claim(create_run(TINY))

    def is_stale(*_arguments: object, **_options: object) -> object:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(Path, "is_dir", is_stale)
    claim.require()


@pytest.mark.parametrize(("address", "name"), [(0x00163E5A1B2C, "163e5a1b2c"), (0x01163E5A1B2C, "desk")])
def test_machine_without_a_boot_id_is_known_by_its_adapter_or_by_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: int, name: str
) -> None:
    """Python makes an address up where it finds none, and sets that bit in it (RFC 9562, section 6.10)."""
    monkeypatch.setattr(system, "PROC", tmp_path)
    monkeypatch.setattr(system.uuid, "getnode", lambda: address)
    monkeypatch.setattr(system.platform, "node", lambda: "desk")

    assert system.machine.__wrapped__() == name


def test_worker_of_a_cluster_obeys_what_was_asked_while_the_run_waited_for_it(runs_here: RunsHere) -> None:
    run = create_run(TINY)
    run.send("stop")

    assert run_worker(run, lambda: runs_here.digits, attempt=1) == 2  # another attempt is due
    assert run.status().state == "queued"
    assert run_worker(run, lambda: runs_here.digits, attempt=0) == 0

    assert run.status().state == "stopped"
    assert run.status().pid is None
