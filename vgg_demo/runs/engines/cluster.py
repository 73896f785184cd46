"""Trainings on a Ray cluster, which schedules and queues them.

A process of its own speaks with Ray (agent.py): one that loses its cluster is ended by Ray, and a page must not be. So
this module needs no Ray. Nothing is sent to that process but that there may be something new: it reads the store.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from vgg_demo.errors import RunError
from vgg_demo.runs.spawning import spawn
from vgg_demo.runs.store import Run
from vgg_demo.text import N_, Message, translate

RAY = "ray"  # Status.engine of runs that are the cluster's
INSTALL = f'{sys.executable} -m pip install "ray>=2.60,<2.61"'  # also where there is no checkout
CONNECT_SECONDS = 20.0  # that a cluster may take to answer for the first time
SILENT_SECONDS = 10.0  # after which a cluster that has answered is gone; it answers once a second
HUNG_SECONDS = 90.0  # after which a new process tries; Ray itself gives up connecting after 20 to 60
AGAIN_SECONDS, LONGEST_AGAIN_SECONDS = 3.0, 30.0  # before another process is started
TOO_LARGE = N_("the cluster has not as much as VGG_DEMO_RAY_CPUS, VGG_DEMO_RAY_GPUS and VGG_DEMO_RAY_PROCESSES ask for")
NOT_BEGUN = N_(
    "the cluster's processes end before they train; make sure that every machine has the program and the folder "
    "{folder}, and look into Ray's logs"
)
NO_ANSWER = N_("no Ray cluster answers; start one on this machine with 'ray start', or correct VGG_DEMO_RAY")


@dataclass(frozen=True)
class Share:
    """What a run gets of the cluster. cpus: cores, and threads, of each process. gpus: of each, also a part of one."""

    cpus: int
    gpus: float
    processes: int


def share() -> Share:
    """What VGG_DEMO_RAY_CPUS (1), VGG_DEMO_RAY_GPUS (0) and VGG_DEMO_RAY_PROCESSES (one a GPU) say for each run.

    Raises RunError for what is no number.
    """
    cpus, gpus = _number("VGG_DEMO_RAY_CPUS", 1.0), _number("VGG_DEMO_RAY_GPUS", 0.0)
    processes = int(_number("VGG_DEMO_RAY_PROCESSES", max(1.0, gpus)))
    if cpus < 1 or processes < 1 or cpus % 1 or (gpus > 1 and gpus != processes):
        raise RunError(
            N_("a run on a cluster takes at least one whole core, and a process for each GPU; correct VGG_DEMO_RAY_…")
        )
    return Share(int(cpus), min(1.0, gpus), processes)


def _number(name: str, default: float) -> float:
    text = os.environ.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1024:
        raise RunError(N_("{name} is {value!r}; it is a number"), name=name, value=text)
    return value


class RayEngine:
    """Has a process at hand that hands the store's waiting runs to the cluster, for as long as this one lives."""

    has_queue = False

    def __init__(self, address: str) -> None:
        self.address = address
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.is_closed = False
        self.words = Message("")  # what is wrong, as the process has said last
        self.heard: float | None = None  # when that was
        self.started = self.began = time.monotonic()  # this; the process that speaks with Ray
        self.tried, self.answered = threading.Event(), threading.Event()

    def prepare(self) -> None:
        """Connect."""
        self.dispatch()

    def require(self) -> None:
        """Wait until the cluster has answered. Raises RunError when it does not, or when Ray is not installed."""
        if not is_installed():
            raise RunError(N_("VGG_DEMO_RAY is set, but Ray is not installed: {command}"), command=INSTALL)
        share()
        self.dispatch()
        self.answered.wait(CONNECT_SECONDS)
        if problem := self.problem():
            raise RunError(problem)

    def launch(self, run: Run, attached: bool) -> None:
        """Leave the run to the cluster; whoever is attached stops it with a command, as any other."""
        run.update_status(engine=RAY)
        self.dispatch()

    def dispatch(self) -> None:
        """Have the process look at the store now."""
        if not is_installed():
            return
        with self.lock:
            if self.thread is None:
                self.thread = threading.Thread(target=self._keep_a_process, name="cluster", daemon=True)
                self.thread.start()
        self.tried.wait()
        process = self.process
        if process and time.monotonic() - max(self.began, self.heard or 0.0) > HUNG_SECONDS:
            process.kill()
        if process and process.stdin:
            try:
                process.stdin.write(b"\n")
                process.stdin.flush()
            except (OSError, ValueError):  # it has just ended, and the next one looks by itself
                pass

    def problem(self) -> str:
        """What the process says, or that it says nothing."""
        if not is_installed():
            return translate(N_("Ray is not installed"))
        if words := str(self.words):
            return words
        silence = time.monotonic() - (self.heard or self.started)
        return translate(NO_ANSWER) if silence > (SILENT_SECONDS if self.heard else CONNECT_SECONDS) else ""

    def close(self) -> None:
        """End the connection; what the cluster has goes on."""
        with self.lock:
            self.is_closed = True
            process = self.process
        if process:
            process.kill()
            process.wait()

    def _keep_a_process(self) -> None:
        """Have a process that speaks with Ray, after each another one; the wait grows until one has an answer."""
        wait = AGAIN_SECONDS
        while not self.is_closed:
            process = None
            with self.lock, contextlib.suppress(OSError):  # the system may have no room for one at present
                process = None if self.is_closed else self._start()
            self.process, self.began = process, time.monotonic()
            self.tried.set()
            has_answered = process is not None and self._listen(process)
            wait = AGAIN_SECONDS if has_answered else min(2 * wait, LONGEST_AGAIN_SECONDS)
            time.sleep(wait)

    def _start(self) -> subprocess.Popen[bytes]:
        agent = "vgg_demo.runs.engines.agent"
        return spawn(agent, self.address, niceness=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _listen(self, process: subprocess.Popen[bytes]) -> bool:
        """Note what the process says until it ends; returns whether it had an answer from the cluster."""
        has_answered = False
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                with contextlib.suppress(ValueError):  # half a line, of one that was killed
                    self.words = said(line)
                self.heard = time.monotonic()
                self.answered.set()
                has_answered = has_answered or not self.words.text
        process.wait()
        return has_answered


def is_installed() -> bool:
    """Whether Ray is there; it is not imported."""
    return importlib.util.find_spec("ray") is not None


def said(line: bytes) -> Message:
    """What is wrong, of a line that agent.py writes."""
    answer = json.loads(line)
    return Message(answer["problem"], **answer["values"])


@functools.cache
def ray_engine(address: str, store: Path) -> RayEngine:
    """The one of this process for a cluster and a store."""
    return RayEngine(address)
