"""Trainings in processes of this machine, one at a time by default; the others wait in the project's own queue."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

from vgg_demo.runs.claims import say_running
from vgg_demo.runs.processes import lower_priority, machine
from vgg_demo.runs.queue import readable, slots, waiting
from vgg_demo.runs.spawning import TRAINING_NICENESS, spawn
from vgg_demo.runs.store import Run, home, store_lock

IDLE_POLL_SECONDS = 1.0  # a look takes under a hundredth of that with 50 runs


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
                self.process = spawn("vgg_demo.runs.warm", niceness=0, stdin=subprocess.PIPE)

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


class LocalEngine:
    """Starts a process for each run: the warm worker where there is one."""

    has_queue = True

    def prepare(self) -> None:
        """Have a warm worker."""
        global warm_worker
        warm_worker = WarmWorker()
        threading.Thread(target=warm_worker.prepare_when_idle, name="warm-worker", daemon=True).start()

    def require(self) -> None:
        """A process can always be started."""

    def launch(self, run: Run, attached: bool) -> None:
        """Start the process, now."""
        if attached or not _give_to_warm_worker(run):
            stdin, words = (subprocess.PIPE, ["attached"]) if attached else (subprocess.DEVNULL, [])
            say_running(run, spawn("vgg_demo.runs.worker", str(run.path), *words, stdin=stdin).pid)
        self._prepare_next()

    def work_here(self, run: Run) -> None:
        """Have this very process work on the run; the store's lock is held."""
        say_running(run, os.getpid())
        self._prepare_next()

    def _prepare_next(self) -> None:
        if warm_worker:
            threading.Thread(target=warm_worker.prepare_when_idle, name="warm-again", daemon=True).start()

    def dispatch(self) -> None:
        """Start waiting runs as long as fewer than slots() train here; those that wait for a cluster are left to it."""
        if all(status.state != "queued" for _run, status in readable()):
            return
        with store_lock():
            entries = [(run, status) for run, status in readable() if status.engine is None]
            free = slots() - sum(status.is_active and status.host in (None, machine()) for _run, status in entries)
            for run in waiting(entries)[: max(0, free)]:
                self.launch(run, attached=False)

    def problem(self) -> str:
        """Nothing is in the way."""
        return ""


def _give_to_warm_worker(run: Run) -> bool:
    """Let the warm worker take the run. False where there is none, or it ends in this very moment."""
    warm = warm_worker.take() if warm_worker else None
    if warm is None or warm.stdin is None:
        return False
    say_running(run, warm.pid)
    lower_priority(warm.pid, TRAINING_NICENESS)
    try:
        warm.stdin.write(f"{run.path}\n".encode("utf-8", "surrogateescape"))
        warm.stdin.close()
    except OSError:
        return False
    return True
