"""What one more second of watching a run costs, for runs of different lengths.

On a real server, one viewer and one tick at a time; between two ticks the run records some steps more.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

from tests.benchmarks.rows import Effort, Row
from tests.benchmarks.server import Server, add_steps, make_run, own_home
from vgg_demo.config import RunConfig
from vgg_demo.runs.processes import process_started
from vgg_demo.runs.store import Run

LENGTHS = (500, 5_000, 50_000)
STEPS_A_TICK = 5


def measure(effort: Effort) -> Iterator[Row]:
    """For each length: time and bytes of a tick, and of a first answer, with the whole curve, on a real server."""
    ticks = 10 if effort.quick else 40
    with own_home() as home:
        for length in LENGTHS:
            run, config = make_run(f"run-{length}", length, total_steps=length + 10 * ticks * STEPS_A_TICK)
            yield from tick_rows(run, config, length, ticks)
            with alive(run), Server(home) as server:
                yield from first_answer_rows(server, run, config, length + (ticks + 1) * STEPS_A_TICK, ticks)


def tick_rows(run: Run, config: RunConfig, length: int, ticks: int) -> Iterator[Row]:
    """Ticks without a server: reading what is new, thinning, and answering. Steps are recorded from length on."""
    from vgg_demo.ui.train.feed import snapshot

    milliseconds, sizes = [], []
    for tick in range(ticks + 1):  # the first reads the whole file
        started = time.perf_counter()
        answer = json.dumps(snapshot(run))
        milliseconds.append(1000 * (time.perf_counter() - started))
        sizes.append(len(answer) / 1000)
        add_steps(run, config, length + tick * STEPS_A_TICK, STEPS_A_TICK)
    note = f"after a first look of {milliseconds[0]:.0f} ms"
    yield Row("watching", f"{length:,} steps: a tick: follow, thin, answer", "ms", tuple(milliseconds[1:]), note)
    yield Row("watching", f"{length:,} steps: a tick, down to one viewer", "kB", tuple(sizes[1:]))


def first_answer_rows(server: Server, run: Run, config: RunConfig, recorded: int, ticks: int) -> Iterator[Row]:
    """First answers of a real server. recorded: steps that the run has."""
    length = recorded - (ticks + 1) * STEPS_A_TICK
    milliseconds, sizes = [], []
    with server.open_feed() as ask:
        ask([run.name])  # the first reads the whole file
        processor_started = server.processor_seconds
        for tick in range(ticks):
            add_steps(run, config, recorded + tick * STEPS_A_TICK, STEPS_A_TICK)
            started = time.perf_counter()
            sizes.append(len(ask([run.name])) / 1000)
            milliseconds.append(1000 * (time.perf_counter() - started))
    processor = 1000 * (server.processor_seconds - processor_started) / ticks
    what = f"{length:,} steps: the first answer"
    yield Row("watching", f"{what}, from asked to answered", "ms", tuple(milliseconds))
    yield Row("watching", f"{what}, the server's processor", "ms", (processor,), f"mean of {ticks}")
    yield Row("watching", f"{what}, down to one viewer", "kB", tuple(sizes))


class alive:
    """Let a run count as going on, worked on by this process, and as stopped afterwards."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def __enter__(self) -> None:
        pid = os.getpid()
        self.run.update_status(state="running", pid=pid, pid_started=process_started(pid))

    def __exit__(self, *_error: object) -> None:
        self.run.update_status(state="stopped", ended=time.time())
