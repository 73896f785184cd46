"""Who trains next: one at a time by default, the others wait, fair between browsers."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress

from vgg_demo.errors import RunError
from vgg_demo.runs.status import Status
from vgg_demo.runs.store import Run, list_runs


def slots() -> int:
    """How many may train at a time: VGG_DEMO_TRAININGS, a number or "auto" (one a GPU); 1 without it."""
    text = os.environ.get("VGG_DEMO_TRAININGS", "1")
    if text == "auto":
        import torch

        return max(1, torch.cuda.device_count())
    return max(1, int(text)) if text.isdecimal() else 1


def readable() -> list[tuple[Run, Status]]:
    """The runs whose status can be read, with it."""
    found = []
    for run in list_runs():
        with suppress(RunError):
            found.append((run, run.status()))
    return found


def waiting(entries: list[tuple[Run, Status]] | None = None) -> list[Run]:
    """The waiting runs in the order in which they will start.

    Owners take turns: the next is the one with the fewest active runs and earlier turns; then the oldest run counts.
    """
    entries = readable() if entries is None else entries
    queued = sorted((item for item in entries if item[1].state == "queued"), key=lambda item: item[1].queued or 0)
    turns = Counter(status.owner for _run, status in entries if status.is_active)
    order = []
    while queued:
        run, status = chosen = min(queued, key=lambda item: turns[item[1].owner])  # of equals the first in the list
        queued.remove(chosen)
        turns[status.owner] += 1
        order.append(run)
    return order


def others_wait(run: Run) -> bool:
    """Whether runs wait for what this one has: a place on this machine, or on the cluster."""
    entries = readable()
    own = dict(entries).get(run)
    return own is not None and any(status.state == "queued" and status.engine == own.engine for _run, status in entries)
