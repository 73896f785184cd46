"""Whether a drawing looks like a digit: how many strokes lie beside one another."""

from __future__ import annotations

import numpy as np
import pytest

from vgg_demo.data import Digits
from vgg_demo.drawing.rejection import MOST_CROSSINGS, crossings, load_likeness


@pytest.mark.parametrize("is_upright", [True, False])
def test_crossings_are_the_strokes_side_by_side(is_upright: bool) -> None:
    bars = np.zeros((1, 28, 28), np.uint8)
    bars[0, :, 3:26:5] = 255  # at 3, 8, 13, 18 and 23

    assert crossings(bars if is_upright else bars.transpose(0, 2, 1)).tolist() == [5]


def test_crossings_one_wavy_row_does_not_count() -> None:
    block = np.zeros((1, 28, 28), np.uint8)
    block[0, 5:20, 4:24] = 255
    block[0, 4, 4:24:2] = 255  # ten bumps on its upper edge

    assert crossings(block).tolist() == [1]


def test_is_digit_a_spiral_is_none_however_sure_the_network(mnist: tuple[Digits, Digits]) -> None:
    rows, columns = np.mgrid[:28, :28] - 13.5
    turns = np.hypot(rows, columns) / 3.3 - np.arctan2(rows, columns) / (2 * np.pi)
    spiral = (((turns % 1 > 0.4) & (np.hypot(rows, columns) < 11)) * 255).astype(np.uint8)[None]
    sure = np.eye(1, 10, dtype=np.float32) * 40
    digits = mnist[1].images[:1000, 0].numpy()

    assert not load_likeness().is_digit(spiral, sure)[0]
    assert (crossings(digits) > MOST_CROSSINGS).sum() <= 1
