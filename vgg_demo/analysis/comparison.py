"""Two networks on the same digits: which one reads what the other does not, and whether that could be chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vgg_demo.errors import DataError
from vgg_demo.predictions import Positions, Predictions
from vgg_demo.text import N_

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Comparison:
    """Counts of digits by who reads them. p_value: McNemar's exact test.

    only_first, only_second: positions of the digits that just one of the two gets right.
    """

    n: int
    both_right: int
    both_wrong: int
    only_first: Positions
    only_second: Positions
    p_value: float

    @property
    def is_significant(self) -> bool:
        """Whether so uneven a split would be rare (under 5 %) if both were equally good."""
        return self.p_value < SIGNIFICANT


def compare(first: Predictions, second: Predictions) -> Comparison:
    """Compare two networks' answers to the same digits. Raises DataError when the digits are not the same."""
    if not np.array_equal(first.indices, second.indices) or not np.array_equal(first.labels, second.labels):
        raise DataError(N_("the two networks were shown different digits; evaluate both on the same ones"))
    only_first = _positions(first.is_right & ~second.is_right)
    only_second = _positions(~first.is_right & second.is_right)
    return Comparison(
        n=len(first),
        both_right=int((first.is_right & second.is_right).sum()),
        both_wrong=int((~first.is_right & ~second.is_right).sum()),
        only_first=only_first,
        only_second=only_second,
        p_value=mcnemar_p_value(len(only_first), len(only_second)),
    )


def mcnemar_p_value(only_first: int, only_second: int) -> float:
    """How often a split at least as uneven as this comes up when both are equally good: two-sided, exact binomial.

    Source: McNemar, "Note on the sampling error of the difference between correlated proportions", 1947.
    """
    from scipy.stats import binomtest  # here, because loading it takes 0.7 s

    n = only_first + only_second
    return float(binomtest(only_first, n).pvalue) if n else 1.0


def _positions(flags: npt.NDArray[np.bool_]) -> Positions:
    return np.asarray(np.flatnonzero(flags), np.int64)
