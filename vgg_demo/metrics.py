"""What follows from right and wrong answers: intervals, calibration, and what answering only when sure is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vgg_demo.config import CLASSES

RELIABILITY_BINS = 15
THRESHOLDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999)

Shares = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Digits = npt.NDArray[np.int64]


def wilson_interval(right: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, right out of n, as fractions; (0, 1) when n is 0."""
    from scipy.stats import binomtest  # here, because loading it takes 0.7 s

    if n == 0:
        return 0.0, 1.0
    interval = binomtest(right, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def confusion_counts(labels: Digits, answers: Digits) -> list[list[int]]:
    """The confusion matrix of int64 (N,) each: rows are the true digit, columns the answer."""
    from sklearn.metrics import confusion_matrix  # here, because loading it takes a second

    counts: list[list[int]] = confusion_matrix(labels, answers, labels=range(CLASSES)).tolist()
    return counts


@dataclass(frozen=True)
class ReliabilityBin:
    """The answers whose confidence lies in (low, high]: how sure they were and how many were right, as fractions."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def reliability_bins(confidences: Shares, is_right: Flags, bins: int = RELIABILITY_BINS) -> list[ReliabilityBin]:
    """Bins of equal width over [0, 1]; those without answers are left out.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 2.
    """
    places = np.clip(np.ceil(confidences * bins).astype(int) - 1, 0, bins - 1)
    found = []
    for place in np.unique(places).tolist():
        inside = places == place
        found.append(
            ReliabilityBin(
                low=place / bins,
                high=(place + 1) / bins,
                count=int(inside.sum()),
                confidence=float(confidences[inside].mean()),
                accuracy=float(is_right[inside].mean()),
            )
        )
    return found


def expected_calibration_error(bins: list[ReliabilityBin]) -> float:
    """How far confidence and accuracy are apart, averaged over all answers. 0 is perfect. Source: Guo et al. 2017."""
    total = sum(part.count for part in bins)
    return sum(part.count * abs(part.accuracy - part.confidence) for part in bins) / total if total else 0.0


@dataclass(frozen=True)
class Selective:
    """Answering only when at least this sure. coverage: share answered; accuracy: of those, None of none."""

    threshold: float
    answered: int
    coverage: float
    accuracy: float | None


def selective_accuracy(
    confidences: Shares, is_right: Flags, thresholds: tuple[float, ...] = THRESHOLDS
) -> list[Selective]:
    """What answering only from a threshold on gives: fewer answers, more of them right."""
    rows = []
    for threshold in thresholds:
        is_answered = confidences >= threshold
        answered = int(is_answered.sum())
        accuracy = float(is_right[is_answered].mean()) if answered else None
        rows.append(Selective(threshold, answered, answered / max(1, len(is_right)), accuracy))
    return rows


def worst_confusions(matrix: list[list[int]], most: int = 5) -> list[tuple[int, int, int]]:
    """The commonest mistakes as (true digit, answer, times), the commonest first; rows of matrix are the true digit."""
    cells = [
        (true, answer, times)
        for true, row in enumerate(matrix)
        for answer, times in enumerate(row)
        if true != answer and times
    ]
    return sorted(cells, key=lambda cell: -cell[2])[:most]
