"""Intervals, calibration and selective accuracy, beside independent references."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from vgg_demo.evaluation import summarise_predictions
from vgg_demo.metrics import (
    expected_calibration_error,
    reliability_bins,
    selective_accuracy,
    wilson_interval,
    worst_confusions,
)
from vgg_demo.predictions import Predictions


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    """2,000 answers of a network that is often, but not always, right and sure."""
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 10, 2_000)
    logits = rng.normal(size=(2_000, 10)).astype(np.float32)
    logits[np.arange(2_000), labels] += rng.uniform(0, 4, 2_000).astype(np.float32)
    return Predictions(logits, labels, np.arange(2_000), 2_000)


@pytest.mark.parametrize(
    ("right", "n"), [(9_964, 10_000), (1_135, 10_000), (99, 100), (1, 3), (50, 100), (0, 40), (40, 40)]
)
def test_wilson_interval_equals_scipys(right: int, n: int) -> None:
    low, high = wilson_interval(right, n)

    reference = binomtest(right, n).proportion_ci(0.95, method="wilson")
    assert low == pytest.approx(reference.low, abs=1e-12)
    assert high == pytest.approx(reference.high, abs=1e-12)


def test_wilson_interval_of_nothing_says_nothing() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_wilson_interval_of_a_sample_is_wider() -> None:
    sample, whole = wilson_interval(99, 100), wilson_interval(9_900, 10_000)

    assert sample[0] < whole[0] < whole[1] < sample[1]


def test_per_class_figures_equal_scikit_learns(predictions: Predictions) -> None:
    result = summarise_predictions(predictions)

    references = precision_recall_fscore_support(predictions.labels, predictions.answers)
    for name, reference in zip(("precision", "recall", "f1", "support"), references, strict=True):
        assert [getattr(figures, name) for figures in result.per_class] == pytest.approx(reference.tolist(), abs=1e-6)


def test_matrix_equals_scikit_learns(predictions: Predictions) -> None:
    assert predictions.matrix == confusion_matrix(predictions.labels, predictions.answers).tolist()


def test_probabilities_equal_torchs_softmax(predictions: Predictions) -> None:
    reference = torch.from_numpy(predictions.logits).double().softmax(1).numpy()

    np.testing.assert_allclose(predictions.probabilities, reference, rtol=1e-12)


def test_calibration_error_equals_scikit_learns_curve(predictions: Predictions) -> None:
    bins = reliability_bins(predictions.confidences, predictions.is_right, 15)

    right, sure = calibration_curve(predictions.is_right, predictions.confidences, n_bins=15)  # bins with answers only
    counts = np.histogram(predictions.confidences, np.linspace(0, 1, 16))[0]
    expected = (np.abs(right - sure) * counts[counts > 0]).sum() / 2_000
    assert expected_calibration_error(bins) == pytest.approx(expected, abs=1e-9)
    assert sum(part.count for part in bins) == 2_000


def test_calibration_by_hand_two_bins() -> None:
    confidences, is_right = np.array([0.6, 0.6, 0.9, 1.0]), np.array([True, False, True, True])

    bins = reliability_bins(confidences, is_right, 10)

    # (0.5, 0.6]: 60 % sure, 50 % right; (0.8, 0.9]: 90 % and 100 %; (0.9, 1]: 100 % and 100 %
    assert [(b.count, b.accuracy) for b in bins] == [(2, 0.5), (1, 1.0), (1, 1.0)]
    assert expected_calibration_error(bins) == pytest.approx((2 * 0.1 + 1 * 0.1 + 0) / 4)


def test_calibration_of_no_answers_is_zero() -> None:
    assert expected_calibration_error(reliability_bins(np.array([]), np.array([], bool))) == 0.0


def test_selective_accuracy_by_hand() -> None:
    confidences, is_right = np.array([0.55, 0.7, 0.9, 0.99]), np.array([False, True, False, True])

    rows = selective_accuracy(confidences, is_right, (0.0, 0.6, 0.9, 0.999))

    assert [(row.answered, row.coverage) for row in rows] == [(4, 1.0), (3, 0.75), (2, 0.5), (0, 0.0)]
    assert [row.accuracy for row in rows] == [0.5, pytest.approx(2 / 3), 0.5, None]


def test_worst_confusions_lists_the_commonest_first_and_nothing_right() -> None:
    matrix = [[0] * 10 for _ in range(10)]
    matrix[4][9], matrix[7][2], matrix[3][3] = 6, 2, 900

    assert worst_confusions(matrix) == [(4, 9, 6), (7, 2, 2)]
