"""Where a waiting run stands in the queue, and about when it starts."""

from __future__ import annotations

from vgg_demo.errors import RunError
from vgg_demo.runs.cost import estimate_seconds
from vgg_demo.runs.queue import readable, slots, waiting
from vgg_demo.runs.store import Run
from vgg_demo.ui.shared import resources
from vgg_demo.ui.train.feed import seconds_left


def place_and_wait(run: Run) -> tuple[int, float | None]:
    """A waiting run's place, from 1, and about how many seconds until it starts; None when that is not known.

    A run that trains takes as long as its own page says: the machine may be busier than when its speed was measured.
    """
    entries = [(run, status) for run, status in readable() if status.engine is None]  # others wait elsewhere
    order = waiting(entries)
    place = next((number for number, other in enumerate(order, 1) if other.name == run.name), 1)
    total = 0.0
    for other in [r for r, status in entries if status.is_active] + order[: place - 1]:
        seconds = _seconds_of(other)
        if seconds is None:
            return place, None
        total += seconds
    return place, total / slots()


def _seconds_of(run: Run) -> float | None:
    """How long the run still takes. One that has no speed yet has all of its training before it."""
    try:
        config = run.config()
        left = seconds_left(config, resources.run_reader(str(run.path)).refresh())
    except RunError:
        return None
    return estimate_seconds(config) if left is None else max(0.0, left)
