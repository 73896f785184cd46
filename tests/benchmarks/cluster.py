"""Many short runs on a Ray cluster of two nodes, one core each, on this machine: is one lost, what does a run cost?"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks.rows import Effort, Row
from tests.benchmarks.server import own_home
from tests.cluster import nodes
from vgg_demo.presets import get_preset
from vgg_demo.runs.engines import engine
from vgg_demo.runs.engines.cluster import RayEngine
from vgg_demo.runs.manager import queue_run
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.store import Run

NODES, RUNS, QUICK_RUNS, STEPS = 2, 200, 10, 20
LONGEST_SECONDS = 1800.0


def measure(effort: Effort) -> Iterator[Row]:
    """All at once into the queue; then what came of each."""
    count = QUICK_RUNS if effort.quick else RUNS
    config = get_preset("classroom").config.with_changes(steps=STEPS, validation_images=0)
    with own_home(), cluster_engine():
        started = time.monotonic()
        runs = [queue_run(config, f"student {number}") for number in range(count)]
        queued = time.monotonic() - started
        while not all(run.status().is_over for run in runs) and time.monotonic() - started < LONGEST_SECONDS:
            time.sleep(0.5)
        wall = time.monotonic() - started
        yield from rows(runs, queued, wall)


def rows(runs: list[Run], queued: float, wall: float) -> Iterator[Row]:
    """The table."""
    statuses = [run.status() for run in runs]
    finished = sum(status.state == "finished" for status in statuses)
    again = sum(status.attempt > 0 or RunReader(run).refresh().steps != list(range(1, STEPS + 1))
                for run, status in zip(runs, statuses, strict=True))  # fmt: skip
    training = [status.result["seconds"] for status in statuses if status.result]
    working = [(status.ended or 0) - (status.started or 0) for status in statuses]
    yield Row("cluster", f"runs finished, of {len(runs)}", "count", (float(finished),))
    yield Row("cluster", "runs begun twice, or with steps that are missing or doubled", "count", (float(again),))
    yield Row("cluster", "all of them", "s", (wall,), f"{NODES} nodes of one core; {STEPS} steps of classroom each")
    yield Row("cluster", "putting one into the queue", "s", (queued / len(runs),))
    yield Row("cluster", "training, a run", "s", tuple(training))
    yield Row("cluster", "from its worker's claim to its end, a run", "s", tuple(working))
    if training:
        overhead = wall * NODES / len(runs) - sum(training) / len(training)
        yield Row("cluster", "a node's time without training, a run", "s", (overhead,), "starting Python, torch, MNIST")


@contextmanager
def cluster_engine() -> Iterator[None]:
    """A cluster, and this process set to it."""
    with nodes(NODES) as cluster:
        os.environ["VGG_DEMO_RAY"] = cluster.address
        try:
            yield
        finally:
            chosen = engine()
            assert isinstance(chosen, RayEngine)
            chosen.close()
            del os.environ["VGG_DEMO_RAY"]
