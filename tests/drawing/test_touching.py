"""Digits that touch, or stand closer than a pen is wide, are parted; one digit stays one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.data import Digits
from vgg_demo.drawing.mnist_form import prepare_digits
from vgg_demo.drawing.predict import Reading, read_drawing
from vgg_demo.drawing.touching import cuts
from vgg_demo.model import VGG
from vgg_demo.places import PRETRAINED

Pixels = npt.NDArray[np.uint8]
SCALE = 6


@pytest.fixture(scope="module")
def network() -> VGG:
    return load_checkpoint(PRETRAINED / "best.safetensors")[0]


def side_by_side(digits: list[Pixels], gap: int) -> Pixels:
    """Test digits, each cut out, `gap` pixels apart, in a height of 260; they overlap where it is negative."""
    canvas = np.zeros((260, 160 * len(digits) + 80), np.uint8)
    left = 40
    for digit in digits:
        rows, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
        cut = Image.fromarray(digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
        large = np.asarray(cut.resize((cut.width * SCALE, cut.height * SCALE), Image.Resampling.BICUBIC))
        place = canvas[130 - large.shape[0] // 2 :, left:][: large.shape[0], : large.shape[1]]
        np.maximum(place, large, out=place)
        left += large.shape[1] + gap
    return canvas


def read_pairs(
    network: VGG, mnist: tuple[Digits, Digits], pairs: list[tuple[int, int]], gap: int
) -> tuple[list[list[Reading]], int]:
    """What pairs of test digits are read as, and how many of them as the two that they are."""
    images, labels = mnist[1].images[:, 0].numpy(), mnist[1].labels.tolist()
    found = [read_drawing(network, side_by_side([images[i], images[j]], gap)) for i, j in pairs]
    wanted = [[labels[i], labels[j]] for i, j in pairs]
    right = sum([r.digit for r in readings] == digits for readings, digits in zip(found, wanted, strict=True))
    return found, right


def test_read_drawing_equal_digits_close_together_are_two(network: VGG, mnist: tuple[Digits, Digits]) -> None:
    _found, right = read_pairs(network, mnist, [(i, i) for i in range(40)], gap=3)

    assert right >= 38


def test_read_drawing_digits_that_touch_are_mostly_two_and_hardly_ever_one(
    network: VGG, mnist: tuple[Digits, Digits]
) -> None:
    found, right = read_pairs(network, mnist, [(i, i + 1) for i in range(40)], gap=-6)

    assert right >= 24
    assert sum(len(readings) == 1 and readings[0].can_tell for readings in found) <= 1


@pytest.mark.parametrize("pen", [8, 14, 20])
def test_read_drawing_10_whose_1_touches_the_0_looks_like_two(network: VGG, pen: int) -> None:
    canvas = Image.new("L", (280, 280))
    draw = ImageDraw.Draw(canvas)
    draw.ellipse((100, 60, 220, 230), outline=255, width=pen)
    draw.line([(100 - pen / 2 + 2, 60), (100 - pen / 2 + 2, 230)], fill=255, width=pen)

    readings = read_drawing(network, np.asarray(canvas))

    assert [(r.can_tell, r.prepared.looks_like_two) for r in readings] == [(False, True)]


def test_prepare_digits_one_digit_stays_one(mnist: tuple[Digits, Digits]) -> None:
    images = mnist[0].images[-300:, 0].numpy()  # a part that nothing learned from

    several = [i for i, image in enumerate(images) if len(prepare_digits(side_by_side([image], 0))) != 1]

    assert len(several) <= 1


def test_cuts_part_the_ink_without_losing_any() -> None:
    canvas = Image.new("L", (200, 200))
    draw = ImageDraw.Draw(canvas)
    for x in (60, 130):
        draw.line([(x, 40), (x, 160)], fill=255, width=12)
    draw.line([(60, 100), (130, 100)], fill=255, width=12)
    ink = np.asarray(canvas, np.float32) / 255

    pairs = list(cuts(ink))

    assert pairs
    for left, right_half in pairs:
        assert np.array_equal(left + right_half, ink)
        assert left[:, 60].any()
        assert right_half[:, 130].any()
