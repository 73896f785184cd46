"""A class of thirty on one server: who watches, draws, evaluates and queues beside a training, and what each waits.

Six pages are open in a real browser, four of them on phones; the others speak the page's own protocol, with requests
that such a browser has sent before. Browsers and clients have the lowest priority: in a class they are other machines.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from websockets.exceptions import WebSocketException

from tests.benchmarks.browsers import Browsers, Requests
from tests.benchmarks.rows import Effort, Row
from tests.benchmarks.server import Server, open_page, own_home
from tests.benchmarks.sharing import Trained
from vgg_demo.errors import VggDemoError
from vgg_demo.presets import get_preset
from vgg_demo.runs.store import list_runs

WATCHERS, DRAWERS, EVALUATORS, QUEUERS = 30, 6, 3, 3  # without those in a browser
ROUNDS, ROUND_SECONDS, QUICK_ROUND_SECONDS = 3, 100.0, 15.0
PAUSE_SECONDS = 3.0, 7.0  # between two things that a student does


@dataclass
class Log:
    """What was measured, in seconds, and what went wrong, by all at once."""

    strokes: list[float] = field(default_factory=list)
    browser_strokes: list[float] = field(default_factory=list)
    evaluations: list[float] = field(default_factory=list)
    queued: list[float] = field(default_factory=list)
    lateness: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class StepClock:
    """When each step of a run was first seen in its folder: every 50 ms it is looked at."""

    def __init__(self, trained: Trained, ended: threading.Event) -> None:
        self.steps, self.times = [0], [time.monotonic()]
        self.trained, self.ended = trained, ended

    def watch(self) -> None:
        """Look until it has ended."""
        while not self.ended.wait(0.05):
            if (step := self.trained.step) > self.steps[-1]:
                self.steps.append(step)
                self.times.append(time.monotonic())

    def lateness(self, shown: int) -> float:
        """For how long there has been a later step than the one that is shown, in seconds."""
        place = bisect_right(self.steps, shown)
        return time.monotonic() - self.times[place] if place < len(self.times) else 0.0


def measure(effort: Effort) -> Iterator[Row]:
    """Three rounds, each with all of the class; then what each waited for, at the 95th percentile."""
    seconds = QUICK_ROUND_SECONDS if effort.quick else ROUND_SECONDS
    with own_home() as home, Server(home) as server, training() as trained:
        alone = speed(trained, seconds / 3)
        log, memory, shares = Log(), [], []
        with Browsers(server.url) as browsers:
            requests = browsers.record()
            os.nice(19)
            for _ in range(ROUNDS):
                first, started = trained.step, time.monotonic()
                one_round(server, browsers, requests, trained, log, seconds)
                shares.append((trained.step - first) / (time.monotonic() - started) / alone)
                memory.append(server.memory_bytes / 1e6)
    yield from rows(log, memory, shares)


def rows(log: Log, memory: list[float], shares: list[float]) -> Iterator[Row]:
    """The table."""
    for what, values in (
        ("a stroke answered, clients", log.strokes),
        ("a stroke answered, browsers", log.browser_strokes),
        ("Evaluate drawn", log.evaluations),
        ("Start pressed, until it says that the run waits", log.queued),
        ("how late the curve is just before it is drawn again", log.lateness),
    ):
        if values:
            note = f"of {len(values)}, median {np.median(values):.2f} s"
            yield Row("lesson_hour", f"{what}, 95th percentile", "s", (float(np.percentile(values, 95)),), note)
        else:
            yield Row("lesson_hour", what, "s", (), "nothing was answered")
    yield Row("lesson_hour", "training beside the class / alone", "ratio", tuple(shares))
    for number, megabytes in enumerate(memory, 1):
        yield Row("lesson_hour", f"the server's memory after round {number}", "MB", (megabytes,))
    yield Row(
        "lesson_hour", "errors and lost sessions", "count", (float(len(log.errors)),), "; ".join(set(log.errors))[:300]
    )


@contextmanager
def training() -> Iterator[Trained]:
    """A training that goes on for the whole time."""
    trained = Trained(get_preset("classroom").config.with_changes(steps=1_000_000, validation_images=0))
    try:
        trained.steps_after(0)
        yield trained
    finally:
        trained.process.kill()
        trained.process.wait()


def speed(trained: Trained, seconds: float) -> float:
    """Steps a second."""
    first, started = trained.step, time.monotonic()
    time.sleep(seconds)
    return trained.steps_after(first) / (time.monotonic() - started)


def one_round(
    server: Server, browsers: Browsers, requests: Requests, trained: Trained, log: Log, seconds: float
) -> None:
    """All of the class for that long; what they queued is withdrawn at the end."""
    ended = threading.Event()
    clock = StepClock(trained, ended)
    name = trained.run.name
    jobs = [
        (clock.watch,),
        *[(watch, server, name, clock, log, ended)] * WATCHERS,
        *[(draw, server, requests, log, ended)] * DRAWERS,
        *[(evaluate, server, log, ended)] * EVALUATORS,
        *[(queue, server, requests, log)] * QUEUERS,
    ]
    with ThreadPoolExecutor(len(jobs)) as pool:
        for job in jobs:
            pool.submit(guarded, log, *job)
        browsers.use(name, log.browser_strokes, log.errors, time.monotonic() + seconds)
        ended.set()
    for run in list_runs():
        if run.status().state == "queued":
            run.update_status(state="stopped")


def guarded(log: Log, job: object, *arguments: object) -> None:
    """Do a job; what ends it too early is an error of the log."""
    try:
        job(*arguments)  # type: ignore[operator]
    except (OSError, WebSocketException, VggDemoError, AssertionError) as error:
        log.errors.append(f"{type(error).__name__}: {error}")


def watch(server: Server, name: str, clock: StepClock, log: Log, ended: threading.Event) -> None:
    """A student whose page shows the curve."""
    with server.open_feed() as ask:
        shown = json.loads(ask([name]))["runs"][0]["last_step"]
        while not ended.wait(0):
            answer = json.loads(ask())
            log.lateness.append(clock.lateness(shown))
            shown = answer["runs"][0]["last_step"]


def draw(server: Server, requests: Requests, log: Log, ended: threading.Event) -> None:
    """A student who draws, stroke after stroke."""
    with open_page(server, "tab=Draw") as viewer:
        viewer.load()
        for request in itertools.islice(itertools.cycle(requests.strokes), random.randrange(10), None):
            if ended.wait(random.uniform(*PAUSE_SECONDS)):
                return
            started = time.monotonic()
            viewer.send(request)
            log.strokes.append(time.monotonic() - started)


def evaluate(server: Server, log: Log, ended: threading.Event) -> None:
    """A student who looks at the shipped network's figures, each time on a page that was just opened."""
    while not ended.wait(random.uniform(*PAUSE_SECONDS)):
        started = time.monotonic()
        with open_page(server, "tab=Evaluate") as viewer:
            viewer.load()
        log.evaluations.append(time.monotonic() - started)


def queue(server: Server, requests: Requests, log: Log) -> None:
    """A student who presses Start: the run waits."""
    with open_page(server) as viewer:
        viewer.load()
        started = time.monotonic()
        viewer.send(requests.start)
        log.queued.append(time.monotonic() - started)
