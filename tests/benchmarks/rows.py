"""A figure of the benchmark with all the values that it was taken from, and the table of them."""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, dataclass
from typing import Any

FEWEST_FOR_INTERVAL = 6  # with fewer values even their whole range holds the median less often than 95 %


@dataclass(frozen=True)
class Effort:
    """How much to measure. limit_seconds: training time that PyTorch's example may take to reach 99.0 %."""

    quick: bool = False
    limit_seconds: float = 1200.0


@dataclass(frozen=True)
class Row:
    """One figure. values: all that were measured, in order; none when it was not measured, and note says why.

    is_bound: the true value lies above the one given.
    """

    part: str
    what: str
    unit: str
    values: tuple[float, ...]
    note: str = ""
    is_bound: bool = False

    @property
    def median(self) -> float | None:
        """The middle value, or None when nothing was measured."""
        return statistics.median(self.values) if self.values else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the true median lies with at least 95 %, or None with too few values.

        Order statistics: the median splits independent values as a fair coin would. Source: Conover 1999, chapter 3.2.
        """
        count = len(self.values)
        if count < FEWEST_FOR_INTERVAL:
            return None
        below, outside = 0, 0.5**count  # outside: chance that at most `below` values lie under the true median
        while (more := outside + math.comb(count, below + 1) * 0.5**count) <= 0.025:
            below, outside = below + 1, more
        ordered = sorted(self.values)
        return ordered[below], ordered[count - 1 - below]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        spread = {"median": self.median, "lowest": None, "highest": None, "interval": self.interval}
        if self.values:
            spread |= {"lowest": min(self.values), "highest": max(self.values)}
        return {**asdict(self), **spread, "n": len(self.values)}

    def as_line(self) -> str:
        """As a line of the table."""
        if self.median is None:
            return f"{self.what:<58} not measured: {self.note}"
        value = f"{'> ' if self.is_bound else ''}{number(self.median)}"
        line = f"{self.what:<58} {value:>9} {self.unit:<9}"
        if len(self.values) > 1:
            line += f" {number(min(self.values))} to {number(max(self.values))}, n {len(self.values)}"
        if self.interval is not None:
            line += f"; median within {number(self.interval[0])} to {number(self.interval[1])} (95 %)"
        return f"{line}  {self.note}".rstrip()


def number(value: float) -> str:
    """With about four digits: 12,345 and 98.76 and 0.987."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) >= 10 else f"{value:.3f}"
