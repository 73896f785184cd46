"""Forms that people write and MNIST hardly has, drawn on the canvas: read right and accepted by the shipped network."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tests.studies.pen_forms import HELD_OUT
from tests.studies.pens import Hand, measure
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.drawing.rasterize import rasterize_strokes
from vgg_demo.model import VGG
from vgg_demo.places import PRETRAINED

FORMS = [
    *((0, name) for name in HELD_OUT[0] if name.startswith("slashed")),
    *((1, name) for name in HELD_OUT[1] if "foot" in name),
    (2, "slim"), (3, "slim"), (8, "slim"),
    (4, "bolt"), (4, "bolt, upright"), (4, "crooked"), (4, "closed, crossed"),
    (7, "crossed low"), (7, "crossed very low"),
    (9, "flat base"), (9, "hooked"), (9, "small loop"),
]  # fmt: skip


@pytest.fixture(scope="module")
def network() -> VGG:
    return load_checkpoint(PRETRAINED / "best.safetensors")[0]


def hand(number: int) -> Hand:
    """One of several that write with care, each with its own slant, width and size."""
    return Hand(0.12 * (number % 3 - 1), 0.9 + 0.1 * (number % 4), 1.5, 0.5, 0.04, 90 + 20 * number, 4 + number)


@pytest.mark.parametrize(("digit", "name"), FORMS)
def test_read_drawing_forms_that_no_network_has_learned_are_read_and_accepted(
    network: VGG, digit: int, name: str
) -> None:
    rng = np.random.default_rng((digit, *name.encode()))
    drawings = [(digit, hand(number).write(HELD_OUT[digit][name], rng)) for number in range(6)]

    _right, accepted, _refused = measure(network, drawings)

    assert accepted >= 5 / 6


def test_hand_writes_what_it_was_given_a_little_differently_each_time() -> None:
    rng = np.random.default_rng(0)

    inks = [rasterize_strokes(hand(2).write("20,0 20,140 / 80,0 80,140", rng), 280, 280) for _time in range(2)]

    assert all(ink is not None and ndimage.label(ink > 127)[1] == 2 for ink in inks)
    assert not np.array_equal(*inks)
