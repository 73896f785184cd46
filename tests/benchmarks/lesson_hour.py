"""A class of thirty on one server: who watches, draws, evaluates and queues beside a training, and what each waits.

Six pages are open in a real browser, four of them on phones, one of them the board; the others speak the page's own
protocol, with requests that such a browser has sent before. Browsers and clients have the processor when nothing else
wants it: in a class they are other machines.
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
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context

import numpy as np
import psutil
from websockets.exceptions import WebSocketException

from tests.benchmarks.browsers import PHONES, Browsers, Requests, come_last, give_way
from tests.benchmarks.rows import Effort, Row
from tests.benchmarks.server import Server, open_page, own_home
from tests.benchmarks.sharing import Trained
from vgg_demo.collection.store import get_collection, open_collection
from vgg_demo.errors import VggDemoError
from vgg_demo.presets import get_preset
from vgg_demo.runs.manager import withdraw_run
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.store import get_run, list_runs

WATCHERS, DRAWERS, COLLECTORS, EVALUATORS, QUEUERS = 29, 3, 3, 5, 3  # beside four phones that draw, and the board
ROUNDS, ROUND_SECONDS, QUICK_ROUND_SECONDS = 3, 100.0, 15.0
PAUSE_SECONDS = 3.0, 7.0  # between two things that a student does


@dataclass
class Log:
    """What was measured in one round, in seconds, and what went wrong, by all at once."""

    strokes: list[float] = field(default_factory=list)
    browser_strokes: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    evaluations: list[float] = field(default_factory=list)
    queued: list[float] = field(default_factory=list)
    lateness: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    training_speed: float = 0.0  # steps a second
    server_share: float = 0.0  # of one core
    drawings_lost: int = 0


class StepClock:
    """When each step of a run was first seen in its folder: every 50 ms it is looked at."""

    def __init__(self, run: str, ended: threading.Event) -> None:
        self.reader, self.ended = RunReader(get_run(run)), ended
        self.first = self.reader.refresh().last_step
        self.steps, self.times = [self.first], [time.monotonic()]

    def watch(self) -> None:
        """Look until it has ended."""
        while not self.ended.wait(0.05):
            if (step := self.reader.refresh().last_step) > self.steps[-1]:
                self.steps.append(step)
                self.times.append(time.monotonic())

    def lateness(self, shown: int) -> float:
        """For how long there has been a later step than the one that is shown, in seconds."""
        place = bisect_right(self.steps, shown)
        return time.monotonic() - self.times[place] if place < len(self.times) else 0.0


@dataclass(frozen=True)
class Lesson:
    """What the class works with: the server, its process, the run that all watch, and the collection."""

    server: Server
    pid: int
    run: str
    collection: str


def measure(effort: Effort) -> Iterator[Row]:
    """Three rounds, each with all of the class; then what each waited for, at the 95th percentile."""
    seconds = QUICK_ROUND_SECONDS if effort.quick else ROUND_SECONDS
    with own_home() as home, Server(home) as server, training() as trained, other_machines() as pool:
        collection = open_collection("Digits of the class").id
        lesson = Lesson(Server(home, server.port), server.process.pid, trained.run.name, collection)
        trained.process.suspend()  # nobody waits for it meanwhile
        requests = pool.submit(record, lesson).result()
        trained.process.resume()
        alone = speed(trained, seconds / 3)
        logs, memory = [], []
        for _ in range(ROUNDS):
            logs.append(pool.submit(one_round, lesson, requests, seconds).result())
            memory.append(server.memory_bytes / 1e6)
        elsewhere = pool.submit(round_of_clients, lesson, requests, seconds).result()
    yield from rows(logs, memory, alone)
    share = elsewhere.training_speed / alone
    yield Row("lesson_hour", "training beside the class / alone, all pages on other machines", "ratio", (share,))
    yield Row("lesson_hour", "errors and lost sessions then", "count", (float(len(elsewhere.errors)),))


def rows(logs: list[Log], memory: list[float], alone: float) -> Iterator[Row]:
    """The table. alone: steps a second of the training without the class."""
    for what, values in (
        ("a stroke answered, clients", [value for log in logs for value in log.strokes]),
        ("a stroke answered, browsers", [value for log in logs for value in log.browser_strokes]),
        ("a drawing sent to the collection, until the next is asked for", [s for log in logs for s in log.sent]),
        ("Evaluate drawn", [value for log in logs for value in log.evaluations]),
        ("Start pressed, until it says that the run waits", [value for log in logs for value in log.queued]),
        ("how late the curve is just before it is drawn again", [value for log in logs for value in log.lateness]),
    ):
        if values:
            note = f"of {len(values)}, median {np.median(values):.2f} s"
            yield Row("lesson_hour", f"{what}, 95th percentile", "s", (float(np.percentile(values, 95)),), note)
        else:
            yield Row("lesson_hour", what, "s", (), "nothing was answered")
    shares = tuple(log.training_speed / alone for log in logs)
    yield Row("lesson_hour", "training beside the class / alone", "ratio", shares)
    yield Row("lesson_hour", "the server's share of one core", "ratio", tuple(log.server_share for log in logs))
    for number, megabytes in enumerate(memory, 1):
        yield Row("lesson_hour", f"the server's memory after round {number}", "MB", (megabytes,))
    yield Row("lesson_hour", "drawings lost", "count", (float(sum(log.drawings_lost for log in logs)),))
    errors = [error for log in logs for error in log.errors]
    yield Row("lesson_hour", "errors and lost sessions", "count", (float(len(errors)),), "; ".join(set(errors))[:300])


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


@contextmanager
def other_machines() -> Iterator[ProcessPoolExecutor]:
    """A process for the class and its browsers that has the processor only when nothing else wants it."""
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=_come_last) as pool:
        yield pool


def _come_last() -> None:
    if hasattr(os, "setsid"):
        os.setsid()
    come_last()


def speed(trained: Trained, seconds: float) -> float:
    """Steps a second."""
    first, started = trained.step, time.monotonic()
    time.sleep(seconds)
    return trained.steps_after(first) / (time.monotonic() - started)


def record(lesson: Lesson) -> Requests:
    """What a browser sends when somebody draws and presses Start."""
    with Browsers(lesson.server.url) as browsers:
        requests = browsers.record(lesson.collection)
    withdraw_all()
    return requests


def withdraw_all() -> None:
    """Take all waiting runs out of the queue."""
    for run in list_runs():
        if run.status().state == "queued":
            withdraw_run(run)


def one_round(lesson: Lesson, requests: Requests, seconds: float) -> Log:
    """All of the class for that long."""
    log = Log()
    with Browsers(lesson.server.url) as browsers, clients(lesson, requests, log, DRAWERS):
        browsers.use(lesson.run, log.browser_strokes, log.errors, time.monotonic() + seconds)
    return log


def round_of_clients(lesson: Lesson, requests: Requests, seconds: float) -> Log:
    """The class without browsers, whose own work would be done here: what the server's work takes from the training."""
    log = Log()
    give_way()
    with clients(lesson, requests, log, DRAWERS + PHONES):
        time.sleep(seconds)
    return log


@contextmanager
def clients(lesson: Lesson, requests: Requests, log: Log, drawers: int) -> Iterator[None]:
    """Students without a browser, until the end; what they queued is withdrawn then."""
    collection, ended = get_collection(lesson.collection), threading.Event()
    drawings = len(collection.contents().drawings)
    clock, server = StepClock(lesson.run, ended), psutil.Process(lesson.pid)
    jobs = [
        (clock.watch,),
        *[(watch, lesson, clock, log, ended)] * WATCHERS,
        *[(draw, lesson, requests, log, ended)] * drawers,
        *[(collect, lesson, requests, log, ended)] * COLLECTORS,
        *[(evaluate, lesson, log, ended)] * EVALUATORS,
        *[(queue, lesson, requests, log)] * QUEUERS,
    ]
    started, used = time.monotonic(), sum(server.cpu_times()[:2])
    with ThreadPoolExecutor(len(jobs)) as pool:
        for job in jobs:
            pool.submit(guarded, log, *job)
        try:
            yield
        finally:
            ended.set()
    took = time.monotonic() - started
    log.training_speed = (clock.reader.refresh().last_step - clock.first) / took
    log.server_share = (sum(server.cpu_times()[:2]) - used) / took
    log.drawings_lost = drawings + len(log.sent) - len(collection.contents().drawings)
    withdraw_all()


def guarded(log: Log, job: object, *arguments: object) -> None:
    """Do a job; what ends it too early is an error of the log."""
    try:
        job(*arguments)  # type: ignore[operator]
    except (OSError, WebSocketException, VggDemoError, AssertionError) as error:
        log.errors.append(f"{type(error).__name__}: {error}")


def watch(lesson: Lesson, clock: StepClock, log: Log, ended: threading.Event) -> None:
    """A student whose page shows the curve."""
    with lesson.server.open_feed() as ask:
        shown = json.loads(ask([lesson.run]))["runs"][0]["last_step"]
        while not ended.wait(0):
            answer = json.loads(ask())
            log.lateness.append(clock.lateness(shown))
            shown = answer["runs"][0]["last_step"]


def draw(lesson: Lesson, requests: Requests, log: Log, ended: threading.Event) -> None:
    """A student who draws, stroke after stroke."""
    with open_page(lesson.server, "tab=Draw") as viewer:
        viewer.load()
        for request in itertools.islice(itertools.cycle(requests.strokes), random.randrange(10), None):
            if ended.wait(random.uniform(*PAUSE_SECONDS)):
                return
            started = time.monotonic()
            viewer.send(request)
            log.strokes.append(time.monotonic() - started)


def collect(lesson: Lesson, requests: Requests, log: Log, ended: threading.Event) -> None:
    """A student who draws for the collection, then somebody else on the same device."""
    with open_page(lesson.server, f"tab=Draw&collect={lesson.collection}") as viewer:
        viewer.load()
        while not ended.wait(random.uniform(*PAUSE_SECONDS)):
            if "next_person" in viewer.widgets:
                viewer.press("next_person")
                continue
            viewer.enter("class-", requests.collected)
            started = time.monotonic()
            viewer.press("send_drawing")
            log.sent.append(time.monotonic() - started)


def evaluate(lesson: Lesson, log: Log, ended: threading.Event) -> None:
    """A student who looks at the shipped network's figures; each choice draws the page anew."""
    with open_page(lesson.server, "tab=Evaluate") as viewer:
        viewer.load()
        while not ended.wait(random.uniform(*PAUSE_SECONDS)):
            started = time.monotonic()
            viewer.load()
            log.evaluations.append(time.monotonic() - started)


def queue(lesson: Lesson, requests: Requests, log: Log) -> None:
    """A student who presses Start: the run waits."""
    with open_page(lesson.server) as viewer:
        viewer.load()
        started = time.monotonic()
        viewer.send(requests.start)
        log.queued.append(time.monotonic() - started)
