"""Smoothing and thinning a series that grows."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgg_demo.runs.series import MAX_POINTS, Smoother, Thinner


def test_smoother_is_the_bias_corrected_exponential_average() -> None:
    by_hand = [3.0, (1 + 0.9 * 3) / 1.9, (2 + 0.9 * 1 + 0.81 * 3) / 2.71]

    assert Smoother(0.9).follow([3.0, 1.0, 2.0]) == pytest.approx(by_hand)


@given(
    st.lists(st.one_of(st.floats(-9, 9), st.just(math.nan)), max_size=60),
    st.floats(0.01, 0.99),
    st.lists(st.integers(0, 60), max_size=4),
)
def test_smoother_in_any_portions_is_what_pandas_says(values: list[float], smoothing: float, stops: list[int]) -> None:
    smoother = Smoother(smoothing)
    for stop in sorted(stops):
        smoother.follow(values[:stop])

    expected = pd.Series(values, dtype=float).ewm(alpha=1 - smoothing).mean().to_numpy()
    assert smoother.follow(values) == pytest.approx(expected, nan_ok=True)


def test_thinner_keeps_every_peak_and_at_most_the_points_asked_for() -> None:
    values = np.random.default_rng(0).normal(size=50_000)
    values[[123, 40_000]] = 99, -99

    places = Thinner().follow(values.tolist())

    assert MAX_POINTS // 3 < len(places) <= MAX_POINTS
    assert {123, 40_000} <= set(places)
    assert places == sorted(set(places))


def test_thinner_of_few_values_keeps_all_but_nan() -> None:
    assert Thinner().follow([0.5, math.nan, 0.25]) == [0, 2]
    assert Thinner().follow([]) == []


@given(
    st.lists(st.one_of(st.integers(-5, 5).map(float), st.just(math.nan)), max_size=80),
    st.lists(st.integers(0, 80), max_size=5),
    st.integers(2, 20),
)
def test_thinner_in_any_portions_chooses_the_same(values: list[float], stops: list[int], most: int) -> None:
    thinner = Thinner(most)
    for stop in sorted(stops):
        thinner.follow(values[:stop])

    places = thinner.follow(values)

    assert places == Thinner(most).follow(values)
    assert len(places) <= most
    finite = [value for value in values if math.isfinite(value)]
    assert {values[place] for place in places} >= {min(finite), max(finite)} if finite else not places
