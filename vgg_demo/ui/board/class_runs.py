"""The runs of the class as the board shows them: thin curves of all, what trains, what waits. Numbers and names."""

from __future__ import annotations

import math
import time
from functools import lru_cache
from typing import Any

from vgg_demo.errors import RunError
from vgg_demo.runs.class_settings import ClassSettings
from vgg_demo.runs.queue import readable, waiting
from vgg_demo.runs.reader import SMOOTHED_LOSS, Curve, RunReader
from vgg_demo.runs.status import Status
from vgg_demo.runs.store import Run
from vgg_demo.ui.shared import resources

LESSON_HOURS = 12.0  # older runs are another lesson's
MOST_RUNS = 60  # with a curve: the newest
MOST_POINTS = 120  # of a curve: there are many, and they are thin
MOST_WAITING = 12  # names; the others are counted


def overview(settings: ClassSettings) -> dict[str, Any]:
    """The class's runs and the queue. Losses are smoothed as the figure of the Train tab is."""
    entries = readable()
    since = time.time() - 3600 * LESSON_HOURS
    recent = [entry for entry in entries if entry[1].created >= since or not entry[1].is_over]
    started = [entry for entry in recent if entry[1].state != "queued"]
    queue = waiting(entries)
    return {
        "paused": settings.queue_paused,
        "training": [_progress(run, status) for run, status in entries if status.is_active],
        "waiting": [run.name for run in queue[:MOST_WAITING]],
        "more_waiting": max(0, len(queue) - MOST_WAITING),
        "finished": sum(status.state == "finished" for _run, status in recent),
        "runs": [row for run, status in started[:MOST_RUNS] if (row := _row(run, status))],
    }


def _progress(run: Run, status: Status) -> dict[str, Any]:
    """A run that trains, and how far it is: 0 to 1."""
    try:
        done = _curve(run).last_step / run.config().train.total_steps
    except RunError:
        done = 0.0
    return {"name": run.name, "done": round(min(1.0, done), 3), "paused": status.state == "paused"}


def _row(run: Run, status: Status) -> dict[str, Any] | None:
    """A run with its thin curve; None for one without a point, or that cannot be read."""
    try:
        preset = run.config().preset
        if status.is_over:
            file = run.metrics_path.stat()
            points = _points_of_file(run, status.identity, file.st_size, file.st_mtime_ns)
        else:
            points = thin(_curve(run))
    except (OSError, RunError):
        return None
    return {"name": run.name, "preset": preset, **points} if points["steps"] else None


def thin(curve: Curve) -> dict[str, Any]:
    """At most MOST_POINTS of the smoothed losses, with the last one, and the last validation accuracy."""
    losses = curve.smoothed(SMOOTHED_LOSS)
    count = min(len(curve.steps), len(losses))  # a reader in another thread may just be adding one
    every = max(1, math.ceil(count / MOST_POINTS))
    places = [place for place in range((count - 1) % every, count, every) if math.isfinite(losses[place])]
    accuracies = curve.val_accuracies
    return {
        "steps": [curve.steps[place] for place in places],
        "losses": [float(f"{losses[place]:.4g}") for place in places],
        "accuracy": accuracies[-1][1] if accuracies else None,
    }


def _curve(run: Run) -> Curve:
    return resources.run_reader(str(run.path)).refresh()


@lru_cache(maxsize=4 * MOST_RUNS)
def _points_of_file(run: Run, *_version: object) -> dict[str, Any]:
    return thin(RunReader(run).refresh())  # not by resources.run_reader, which keeps whole curves
