"""How long a step takes where nothing disturbs it, for estimates; and when it is time to save."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

import psutil

WARM_UP_STEPS = 2  # the first ones also reserve memory and choose kernels
WINDOW_SECONDS = 0.25  # the system counts a core's time in hundredths of a second
DISTURBING_CORES = 0.5  # that others keep busy of those which the training wants


class StepTimes:
    """Durations of a training's steps, in seconds. Only those count that were warm and undisturbed."""

    def __init__(self, others: Callable[[], float] | None = None) -> None:
        """others: how many cores other programs have taken from the training since it was last asked."""
        self.others = others or CoresTaken().read
        self.seen = 0
        self.window: list[float] = []  # not yet known whether disturbed
        self.undisturbed: list[float] = []
        self.disturbed: list[float] = []

    def add(self, seconds: float) -> None:
        """Add the duration of one step."""
        self.seen += 1
        if self.seen <= WARM_UP_STEPS:
            self.others()  # what was before the first warm step does not matter
            return
        self.window.append(seconds)
        if sum(self.window) >= WINDOW_SECONDS:
            kind = self.disturbed if self.others() > DISTURBING_CORES else self.undisturbed
            kind.extend(self.window)
            self.window = []

    def median(self, enough: int) -> float | None:
        """The median of the undisturbed steps; None while there are not enough."""
        return statistics.median(self.undisturbed) if len(self.undisturbed) >= enough else None


class CoresTaken:
    """How many cores other programs keep busy, beyond those that a training leaves free."""

    def __init__(self) -> None:
        import torch

        self.spare = max(0, (os.cpu_count() or 1) - torch.get_num_threads())
        self.last = self._times()

    def read(self) -> float:
        """The mean since the last time."""
        before, self.last = self.last, self._times()
        wall, busy, own = (now - then for now, then in zip(self.last, before, strict=True))
        return (busy - own) / wall - self.spare if wall > 0 else 0.0

    @staticmethod
    def _times() -> tuple[float, float, float]:
        """Seconds: of the clock, of all cores at work, of this process at work."""
        cores = psutil.cpu_times()
        # "steal" is what other machines on the same computer took; not every system counts it, nor "nice"
        busy = cores.user + cores.system + getattr(cores, "nice", 0.0) + getattr(cores, "steal", 0.0)
        return time.perf_counter(), busy, time.process_time()


class Pacer:
    """Says when an action that takes time is due: every so many seconds, at most a share (0 to 1) of all time."""

    def __init__(self, every_seconds: float, share: float) -> None:
        self.every_seconds, self.share = every_seconds, share
        self.last, self.cost = time.perf_counter(), 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time again."""
        return time.perf_counter() - self.last > max(self.every_seconds, self.cost / self.share)

    def run(self, action: Callable[[], None]) -> None:
        """Call the action, and measure it."""
        started = time.perf_counter()
        action()
        self.last = time.perf_counter()
        self.cost = self.last - started
