"""Which worker may write into a run's folder, and the heartbeat by which others know that it lives."""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

from vgg_demo.errors import RunError
from vgg_demo.runs.liveness import BEAT_SECONDS
from vgg_demo.runs.processes import machine, process_started
from vgg_demo.runs.store import Run, store_lock
from vgg_demo.text import N_

RECENT_SECONDS = 3.0  # less than it takes until others hold a worker for dead


class Claim:
    """Lost when the folder is deleted, or the run is put into the queue again because its worker was held for dead."""

    def __init__(self, run: Run) -> None:
        """The claim of the process that the run's status names. Raises RunError when it cannot be read."""
        status = run.stored_status()
        self.run, self.identity, self.attempt = run, status.identity, status.attempt
        self.checked = clocks()

    def require(self) -> None:
        """Raise RunError when it is lost. A folder or status that cannot be read says nothing."""
        self.checked = (-math.inf, -math.inf)
        status, is_there = None, True
        with contextlib.suppress(RunError):
            status = self.run.stored_status()
        with contextlib.suppress(OSError):
            is_there = self.run.path.is_dir()
        if not is_there or (status and status.identity != self.identity):
            raise RunError(N_("run {name!r}: its folder was deleted while it trained"), name=self.run.name)
        if status and status.attempt != self.attempt:
            raise RunError(N_("run {name!r}: another process has gone on with it"), name=self.run.name)
        self.checked = clocks()

    def require_recent(self) -> None:
        """The same, for what is written often: it looks only where the last look was a while ago, as after a halt."""
        if any(abs(now - then) > RECENT_SECONDS for now, then in zip(clocks(), self.checked, strict=True)):
            self.require()

    @contextlib.contextmanager
    def beating(self) -> Iterator[None]:
        """Give a heartbeat for as long as the claim holds, in a thread."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(BEAT_SECONDS):
                try:
                    self.require()
                    os.utime(self.run.worker_path)
                except RunError:
                    return
                except OSError:  # the file system is away for a moment
                    continue

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def clocks() -> tuple[float, float]:
    """Two clocks: the first one stands still while the machine sleeps, the second one can be set."""
    return time.monotonic(), time.time()


def take(run: Run, attempt: int | None) -> Claim | None:
    """The claim of this process; None where another works on the run, or has to.

    attempt: of a run that a cluster takes out of the queue. None for one that was given to this process.
    """
    with store_lock():  # the process that started this one writes its number before it releases the lock
        status = run.status()
        if attempt is not None:
            if status.state != "queued" or status.attempt != attempt:
                return None
            begin(run, pid=None, pid_started=None)  # commands since it was put into the queue are for this process
        elif not status.is_active:
            run.update_status(state="running", host=machine(), pid=os.getpid(), pid_started=None, started=time.time())
        elif status.pid not in (os.getpid(), os.getppid()):  # on Windows a launcher stands in between
            return None
        return Claim(run)


def say_running(run: Run, pid: int) -> None:
    """Write into the status which process of this machine works on the run."""
    begin(run, engine=None, pid=pid, pid_started=process_started(pid), control_from=run.commands_size())


def begin(run: Run, **process: Any) -> None:
    """Write into the status that a process of this machine begins. process: what the status says of it besides."""
    run.worker_path.unlink(missing_ok=True)  # of an earlier process
    run.update_status(state="running", host=machine(), started=time.time(), ended=None, reason=None, **process)
