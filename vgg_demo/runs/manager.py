"""Start runs, queue them and go on with them. They go on when the process that calls this ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import psutil

from vgg_demo.config import RunConfig
from vgg_demo.errors import RunError
from vgg_demo.files import write_text
from vgg_demo.places import PROJECT
from vgg_demo.runs.class_settings import read_class_settings
from vgg_demo.runs.pinned import PinnedDigit, pin
from vgg_demo.runs.processes import detached, leave_core, lower_priority, process_started, training_environment
from vgg_demo.runs.queue import readable, slots, waiting
from vgg_demo.runs.store import Prepare, Run, create_run, home, store_lock
from vgg_demo.text import N_

IDLE_POLL_SECONDS = 1.0  # a look takes under a hundredth of that with 50 runs
TRAINING_NICENESS, MEASURING_NICENESS = 5, 10  # the page comes first
PROBE_SECONDS = 120.0  # that a measurement or the quick checks may take
PROBE_MEMORY = 0.8  # of what is free when they start
_children: list[subprocess.Popen[bytes]] = []


class WarmWorker:
    """A worker that has loaded everything and waits for a run, so that Start is quick. It ends with this process."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.home: Path | None = None  # the store that it was started for, and works in
        self.lock = threading.Lock()

    def prepare(self) -> None:
        """Start one, unless it is there."""
        with self.lock:
            if self.process is None or self.process.poll() is not None:
                self.home = home()
                self.process = _spawn("vgg_demo.runs.warm", niceness=0, stdin=subprocess.PIPE)

    def prepare_when_idle(self) -> None:
        """Start one as soon as no run trains: loading takes a core for seconds."""
        while any(status.state == "running" for _run, status in readable()):
            time.sleep(IDLE_POLL_SECONDS)
        self.prepare()

    def take(self) -> subprocess.Popen[bytes] | None:
        """The waiting process, if there is one for this store; it is the caller's from now on."""
        with self.lock:
            if self.home != home():
                return None
            process, self.process = self.process, None
        return process if process is not None and process.poll() is None else None


warm_worker: WarmWorker | None = None  # the page sets it; the command line starts its workers cold


def start_run(
    config: RunConfig,
    name: str | None = None,
    here: bool = False,
    attached: bool = False,
    prepare: Prepare | None = None,
) -> Run:
    """Make a run folder and start a process that works in it, now. Raises RunError or StorageError.

    here: this very process is going to work in it. attached: the run is stopped when this process ends.
    """
    with store_lock():  # held from the first moment: no other process may start it as a waiting run
        run = create_run(config, name, prepare=prepare)
        _launch(run, here, attached)
    return run


def queue_run(
    config: RunConfig,
    owner: str | None,
    pinned: Iterable[PinnedDigit] = (),
    prepare: Prepare | None = None,
) -> Run:
    """Make a run folder that waits for its turn, which may be at once; it watches the pinned digits.

    Raises StorageError, and what prepare raises.
    """

    def prepare_and_pin(run: Run) -> None:
        if prepare:
            prepare(run)
        for digit in pinned:
            pin(run, digit)

    run = create_run(config, owner=owner, prepare=prepare_and_pin)
    dispatch()
    return run


def resume_run(run: Run, in_queue: bool = False, here: bool = False, attached: bool = False) -> None:
    """Go on from the last save with a run that has stopped, failed or died. Raises RunError when it has not.

    here and attached: as in start_run.
    """
    if run.status().state == "finished":
        raise RunError(N_("run {name!r} has finished; there is nothing to resume"), name=run.name)
    with store_lock():
        if not run.status().is_over:
            raise RunError(N_("run {name!r} is still going; there is nothing to resume"), name=run.name)
        _wait_or_launch(run, in_queue, here, attached)
    dispatch()


def continue_run(run: Run, epochs: int, in_queue: bool = False) -> None:
    """Train a run that is over for more epochs. Raises RunError while it goes on, ConfigError for odd epochs."""
    with store_lock():
        config = run.config()
        if not run.status().is_over:
            raise RunError(N_("run {name!r} is still going; it can be continued when it is over"), name=run.name)
        if config.train.steps is None:
            longer = replace(config.train, epochs=config.train.epochs + epochs)
        else:
            longer = replace(config.train, steps=config.train.steps + epochs * config.train.steps_per_epoch)
        write_text(run.config_path, json.dumps(replace(config, train=longer).to_dict(), indent=1))
        _wait_or_launch(run, in_queue)
    dispatch()


def withdraw_run(run: Run) -> None:
    """Take a waiting run out of the queue. Raises RunError when it has started already."""
    with store_lock():
        if run.status().state != "queued":
            raise RunError(N_("run {name!r} does not wait any more"), name=run.name)
        run.update_status(state="stopped", ended=time.time(), reason=N_("withdrawn before it started"))


def dispatch() -> None:
    """Start waiting runs as long as there is room."""
    if read_class_settings().queue_paused:
        return
    entries = readable()
    if all(status.state != "queued" for _run, status in entries):
        return
    with store_lock():
        entries = readable()
        free = slots() - sum(status.is_active for _run, status in entries)
        for run in waiting(entries)[: max(0, free)]:
            _launch(run)


def _wait_or_launch(run: Run, in_queue: bool, here: bool = False, attached: bool = False) -> None:
    """Put a run that is over into the queue, or start it now; the store's lock is held."""
    run.update_status(state="queued", queued=time.time(), reason=None, ended=None)
    if not in_queue:
        _launch(run, here, attached)


def _launch(run: Run, here: bool = False, attached: bool = False) -> None:
    """Start the process for a run that none works on; the store's lock is held. here and attached: as in start_run.

    Raises RunError when one works on it.
    """
    status = run.status()
    if status.is_active:
        raise RunError(N_("run {name!r} is still going; two processes cannot work on one run"), name=run.name)
    if here:
        _say_running(run, os.getpid())
    elif attached or not _give_to_warm_worker(run):
        stdin, words = (subprocess.PIPE, ["attached"]) if attached else (subprocess.DEVNULL, [])
        _say_running(run, _spawn("vgg_demo.runs.worker", str(run.path), *words, stdin=stdin).pid)
    if warm_worker:
        threading.Thread(target=warm_worker.prepare_when_idle, name="warm-again", daemon=True).start()


def _give_to_warm_worker(run: Run) -> bool:
    """Let the warm worker take the run. False where there is none, or it ends in this very moment."""
    warm = warm_worker.take() if warm_worker else None
    if warm is None or warm.stdin is None:
        return False
    _say_running(run, warm.pid)
    lower_priority(warm.pid, TRAINING_NICENESS)
    try:
        warm.stdin.write(f"{run.path}\n".encode("utf-8", "surrogateescape"))
        warm.stdin.close()
    except OSError:
        return False
    return True


def _say_running(run: Run, pid: int) -> None:
    """Write into the status which process works on the run."""
    run.update_status(
        state="running",
        pid=pid,
        pid_started=process_started(pid),
        started=time.time(),
        ended=None,
        reason=None,
        control_from=run.control_path.stat().st_size if run.control_path.exists() else 0,
    )


def spawn_budget(config: RunConfig) -> subprocess.Popen[bytes]:
    """Start measuring how long a training with these settings takes here."""
    return _spawn_limited("vgg_demo.runs.cost", config, MEASURING_NICENESS)


def spawn_checks(config: RunConfig) -> subprocess.Popen[bytes]:
    """Start the three quick checks of a config; the result comes on standard output."""
    return _spawn_limited("vgg_demo.diagnosis.checks", config, 0, stdout=subprocess.PIPE)  # a person waits for it


def _spawn_limited(
    module: str, config: RunConfig, niceness: int, stdout: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Start a module with a config: it ends with this process, or at a limit. Its standard input must stay open."""
    limits = str(PROBE_SECONDS), str(PROBE_MEMORY * psutil.virtual_memory().available)
    arguments = "vgg_demo.runs.child", *limits, module, json.dumps(config.to_dict())
    return _spawn(*arguments, niceness=niceness, stdin=subprocess.PIPE, stdout=stdout)


def reap_children() -> None:
    """Release processes that have ended, so that none is left as a zombie."""
    for child in _children:
        if child.poll() is not None and child.stdin:
            child.stdin.close()
    _children[:] = [child for child in _children if child.returncode is None]


def _spawn(
    module: str,
    *arguments: str,
    niceness: int = TRAINING_NICENESS,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a module so that what ends its parent does not end it. niceness: 0 to 19, as in lower_priority."""
    reap_children()
    leave_core()  # the process inherits where this thread may run
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT,
        env={**os.environ, **training_environment(), "VGG_DEMO_HOME": str(home())},
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.DEVNULL,
        **detached(),
    )
    if niceness:
        lower_priority(process.pid, niceness)
    _children.append(process)
    return process
