"""When it is time again for what takes time from a training: to save, to keep a copy."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pacer:
    """Says when something that costs time is due: every so often, but never more than its share of the time."""

    def __init__(self, every_seconds: float, share: float) -> None:
        self.every_seconds, self.share = every_seconds, share
        self.last, self.cost = time.perf_counter(), 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time again."""
        return time.perf_counter() - self.last > max(self.every_seconds, self.cost / self.share)

    def run(self, action: Callable[[], None]) -> None:
        """Do it, and remember what it cost."""
        started = time.perf_counter()
        action()
        self.last = time.perf_counter()
        self.cost = self.last - started
