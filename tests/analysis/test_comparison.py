"""Two networks side by side, beside scipy's exact binomial test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from vgg_demo.analysis.comparison import compare, mcnemar_p_value
from vgg_demo.errors import DataError
from vgg_demo.predictions import Predictions


def answers(given: list[int], labels: list[int]) -> Predictions:
    logits = np.zeros((len(given), 10), np.float32)
    logits[np.arange(len(given)), given] = 1
    return Predictions(logits, np.array(labels), np.arange(len(given)), len(given))


@pytest.mark.parametrize(("first", "second"), [(0, 1), (3, 3), (12, 35), (35, 12), (1, 40), (150, 220), (2_000, 1_000)])
def test_mcnemar_equals_scipys_exact_binomial_test(first: int, second: int) -> None:
    reference = binomtest(min(first, second), first + second, 0.5).pvalue

    assert mcnemar_p_value(first, second) == pytest.approx(reference, rel=1e-9)


def test_mcnemar_without_differences_is_one() -> None:
    assert mcnemar_p_value(0, 0) == 1.0


def test_compare_counts_who_reads_what() -> None:
    labels = [0, 1, 2, 3, 4]
    first, second = answers([0, 1, 2, 9, 9], labels), answers([0, 9, 9, 3, 9], labels)

    result = compare(first, second)

    assert (result.n, result.both_right, result.both_wrong) == (5, 1, 1)
    assert result.only_first.tolist() == [1, 2]
    assert result.only_second.tolist() == [3]
    assert not result.is_significant


def test_compare_of_clearly_different_networks_is_significant() -> None:
    labels = [1] * 40

    result = compare(answers([1] * 40, labels), answers([1] * 20 + [2] * 20, labels))

    assert result.is_significant
    assert result.p_value == pytest.approx(binomtest(0, 20, 0.5).pvalue)


def test_compare_on_different_digits_is_refused() -> None:
    with pytest.raises(DataError, match="same ones"):
        compare(answers([1], [1]), answers([1, 2], [1, 2]))
