"""What a training keeps of its speed beside another program, and beside another training.

Trainings as the page starts them, each thread on a core of its own, and trainings whose threads go where the system
sends them; in turns, and whoever's turn it is not stands still.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil

from tests.benchmarks.rows import Effort, Row
from tests.benchmarks.server import own_home
from vgg_demo.config import RunConfig
from vgg_demo.errors import RunError
from vgg_demo.presets import get_preset
from vgg_demo.runs.manager import start_run
from vgg_demo.runs.processes import one_thread_a_core
from vgg_demo.runs.reader import RunReader

ROUNDS, QUICK_ROUNDS = 10, 2
SECONDS, SETTLE_SECONDS, START_SECONDS = 3.0, 0.5, 60.0
KEPT, FREE = "threads on cores", "threads free"
ALONE, PROGRAM, TRAINING = "alone", "beside a program that never rests", "beside another training"


class Trained:
    """A run that trains until stopped, and stands still whenever it is told to."""

    def __init__(self, config: RunConfig) -> None:
        self.run = start_run(config)
        self.process = psutil.Process(self.run.status().pid)
        self.reader = RunReader(self.run)

    @property
    def step(self) -> int:
        """The last step that is recorded. Raises RunError when the run has ended."""
        if self.run.status().is_over:
            raise RunError("the training ended before it was measured")
        return self.reader.refresh().last_step

    def steps_after(self, first: int) -> int:
        """How many steps it made after that one, once there is one. Raises RunError when none comes."""
        deadline = time.monotonic() + START_SECONDS
        while not (steps := self.step - first):
            if time.monotonic() > deadline:
                raise RunError(f"the training made no step within {START_SECONDS:.0f} s")
            time.sleep(0.1)
        return steps


def measure(effort: Effort) -> Iterator[Row]:
    """Steps a second in the three situations, with either way, and how the ways compare."""
    if not one_thread_a_core():
        yield Row("sharing", "a training beside others", "steps/s", (), "here, threads are not kept on cores")
        return
    rounds = QUICK_ROUNDS if effort.quick else ROUNDS
    speeds = in_turns(get_preset("classroom").config.with_changes(steps=1_000_000, validation_images=0), rounds)
    for situation in (ALONE, PROGRAM, TRAINING):
        kept, free = speeds[situation, KEPT], speeds[situation, FREE]
        yield Row("sharing", f"{situation}, {KEPT}", "steps/s", tuple(kept))
        yield Row("sharing", f"{situation}, {FREE}", "steps/s", tuple(free))
        ratios = tuple(one / other for one, other in zip(kept, free, strict=True))
        yield Row("sharing", f"{situation}, on cores / free", "ratio", ratios)


def in_turns(config: RunConfig, rounds: int) -> dict[tuple[str, str], list[float]]:
    """By situation and way: steps a second of one training in each round. config: of a run that does not end."""
    speeds: dict[tuple[str, str], list[float]] = {}
    with own_home(), ExitStack() as stack:
        program = stack.enter_context(busy_program())
        pairs = {KEPT: stack.enter_context(two_trainings(config))}
        os.environ["OMP_PROC_BIND"] = "false"
        try:
            pairs[FREE] = stack.enter_context(two_trainings(config))
        finally:
            del os.environ["OMP_PROC_BIND"]
        for _ in range(rounds):
            for way, (training, other) in pairs.items():
                for situation, beside in ((ALONE, None), (PROGRAM, program), (TRAINING, other.process)):
                    speed = speed_beside(training, beside)
                    speeds.setdefault((situation, way), []).append(speed)
    return speeds


def speed_beside(training: Trained, beside: psutil.Process | None) -> float:
    """Steps a second of a training, while another process goes on, too; over more time when there was no step in it."""
    processes = [training.process, *([beside] if beside else [])]
    for process in processes:
        process.resume()
    time.sleep(SETTLE_SECONDS)
    first, started = training.step, time.perf_counter()
    time.sleep(SECONDS)
    speed = training.steps_after(first) / (time.perf_counter() - started)
    for process in processes:
        process.suspend()
    return speed


@contextmanager
def two_trainings(config: RunConfig) -> Iterator[tuple[Trained, Trained]]:
    """Two runs of the config that have begun and stand still. Raises RunError when one does not begin."""
    trainings: list[Trained] = []
    try:
        for _ in range(2):
            trainings.append(Trained(config))
            trainings[-1].steps_after(0)
            trainings[-1].process.suspend()
        yield trainings[0], trainings[1]
    finally:
        for training in trainings:
            training.process.kill()
            training.process.wait()


@contextmanager
def busy_program() -> Iterator[psutil.Process]:
    """A program that takes all of one core that it can get, standing still."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True) as program:
        process = psutil.Process(program.pid)
        process.suspend()
        try:
            yield process
        finally:
            program.kill()
