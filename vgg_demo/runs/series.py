"""A growing series of figures, smoothed and thinned for drawing at the cost of what is new in it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MAX_POINTS = 600


class Smoother:
    """The exponential moving average of a growing series, corrected for its start.

    smoothing: 0 (none) to below 1. What is no number (NaN) only makes older values count less.
    """

    def __init__(self, smoothing: float) -> None:
        self.smoothing = smoothing
        self.averages: list[float] = []
        self._sum, self._weight = 0.0, 0.0

    def follow(self, values: Sequence[float]) -> list[float]:
        """The average up to each of the values, of which the ones seen before must not have changed."""
        for value in values[len(self.averages) :]:
            self._sum *= self.smoothing
            self._weight *= self.smoothing
            if math.isfinite(value):
                self._sum += value
                self._weight += 1
            self.averages.append(self._sum / self._weight if self._weight else math.nan)
        return self.averages


class Thinner:
    """Which values of a growing series to draw: the smallest and the largest of each stretch, so every peak.

    All stretches are equally long. They begin with one value each; when there are too many, they are made twice as
    long, so the choice among old values seldom changes.
    """

    def __init__(self, max_points: int = MAX_POINTS) -> None:
        self.max_points = max_points
        self._length = 1
        self._chosen: list[int] = []  # of whole stretches
        self._covered = 0  # values in them

    def follow(self, values: Sequence[float]) -> list[int]:
        """The places to draw, in order, at most max_points. NaN is left out. Older values must not have changed."""
        while len(values) > self.max_points and 2 * math.ceil(len(values) / self._length) > self.max_points:
            self._length *= 2
            self._chosen, self._covered = [], 0
        whole = len(values) // self._length * self._length
        if whole > self._covered:
            new = np.asarray(values[self._covered : whole], np.float64).reshape(-1, self._length)
            self._chosen += [self._covered + place for place in _extremes(new)]
            self._covered = whole
        rest = np.asarray([values[whole:]], np.float64)
        return self._chosen + [whole + place for place in _extremes(rest)]


def _extremes(stretches: npt.NDArray[np.float64]) -> list[int]:
    """The places, counted through, of the smallest and the largest finite value of each row (N, L), in order."""
    if not stretches.size:
        return []
    first = np.arange(len(stretches)) * stretches.shape[1]
    is_number = np.isfinite(stretches)
    lowest = first + np.where(is_number, stretches, np.inf).argmin(1)
    highest = first + np.where(is_number, stretches, -np.inf).argmax(1)
    places = np.unique([lowest, highest])
    chosen: list[int] = places[is_number.ravel()[places]].tolist()
    return chosen
