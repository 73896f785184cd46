"""Where trainings run: an engine has processes work on runs. Starting a run is the same with each of them."""

from __future__ import annotations

import os
from typing import Protocol

from vgg_demo.runs.store import Run, home


class Engine(Protocol):
    """One place where trainings run. What each run needs is in its folder; an engine keeps nothing that may be lost."""

    has_queue: bool  # whether waiting runs start one after the other, in the order of runs/queue.py

    def prepare(self) -> None:
        """Get ready, in the background, so that trainings start at once; for a page, which goes on for long."""

    def require(self) -> None:
        """Raise RunError, which says why, when no training can be started now."""

    def launch(self, run: Run, attached: bool) -> None:
        """Have a process work on a waiting run, as soon as there is one; the store's lock is held.

        attached: the run is stopped when this process ends. Raises RunError.
        """

    def dispatch(self) -> None:
        """Start waiting runs as long as there is room, and forget those that were withdrawn."""

    def problem(self) -> str:
        """Why no waiting run can start, in a sentence; "" where nothing is wrong."""


def engine() -> Engine:
    """The engine that VGG_DEMO_RAY chooses: this machine's processes without it, else the Ray cluster that it names."""
    address = cluster_address()
    if address is None:
        from vgg_demo.runs.engines.local import LocalEngine

        return LocalEngine()
    from vgg_demo.runs.engines.cluster import ray_engine

    return ray_engine(address, home())


def cluster_address() -> str | None:
    """What VGG_DEMO_RAY says: "auto" for the cluster that this machine belongs to, or HOST:PORT; None without it."""
    return os.environ.get("VGG_DEMO_RAY", "").strip() or None
