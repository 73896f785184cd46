"""Memory of a real server with 100 runs in its store, over many page loads, each by a new viewer and of another run."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.benchmarks.rows import Effort, Row
from tests.benchmarks.server import Server, make_run, open_page, own_home

RUNS, STEPS = 100, 500
LOADS, QUICK_LOADS = (100, 300, 500, 750, 1000), (20, 40, 60)


def measure(effort: Effort) -> Iterator[Row]:
    """Memory after some loads, and the time and bytes of one."""
    with own_home() as home:
        for number in range(RUNS):
            run, _config = make_run(f"run-{number}", STEPS)
            run.update_status(state="finished", ended=time.time())
        with Server(home) as server:
            yield from load_rows(server, QUICK_LOADS if effort.quick else LOADS, RUNS)


def load_rows(server: Server, counts: tuple[int, ...], runs: int) -> Iterator[Row]:
    """The rows of a server. counts: after how many loads to look. runs: how many there are, run-0 and so on."""
    milliseconds, sizes = [], []
    for number in range(max(counts)):
        started = time.perf_counter()
        with open_page(server, f"run=run-{number % runs}") as viewer:
            sizes.append(viewer.load() / 1000)
        milliseconds.append(1000 * (time.perf_counter() - started))
        if number + 1 in counts:
            what = f"{runs} runs, {number + 1:,} loads: the server's memory"
            yield Row("loads", what, "MB", (server.memory_bytes / 1e6,))
    yield Row("loads", "a page load, from asked to drawn by the server", "ms", tuple(milliseconds))
    yield Row("loads", "a page load, down to the viewer", "kB", tuple(sizes), "without the page's own files")
