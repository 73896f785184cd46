"""From a picture to a digit in MNIST's form, with MNIST's own digits as the reference."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

from vgg_demo.data import Digits
from vgg_demo.drawing.mnist_form import prepare_digit
from vgg_demo.errors import BlankImageError, ImageError

Pixels = npt.NDArray[np.uint8]
# side in pixels of the whole 28x28 digit, and where its corner lies on a canvas of 280
PLACES = [(280, 0, 0), (140, 70, 70), (140, 0, 0), (100, 180, 10), (60, 20, 200), (200, 80, 40)]
SHAPES = st.tuples(st.integers(1, 60), st.integers(1, 60)).flatmap(
    lambda size: st.sampled_from([size, (*size, 3), (*size, 4)])
)


def on_canvas(digit: torch.Tensor, side: int, left: int, top: int) -> Pixels:
    canvas = Image.new("L", (280, 280))
    canvas.paste(Image.fromarray(digit[0].numpy()).resize((side, side), Image.Resampling.BICUBIC), (left, top))
    return np.asarray(canvas)


def centre_of_mass(digit: Pixels) -> tuple[float, float]:
    """x and y, counted in pixels; MNIST's own digits have theirs within half a pixel of (14, 14)."""
    weights = digit / digit.sum()
    y, x = np.mgrid[:28, :28]
    return float((weights * x).sum()), float((weights * y).sum())


def longer_side(digit: Pixels) -> int:
    ink = digit > 0
    return max(np.ptp(np.flatnonzero(ink.any(axis))) + 1 for axis in (0, 1))


def assert_digit_or_image_error(pixels: Pixels) -> None:
    try:
        digit = prepare_digit(pixels).digit
    except ImageError:
        return

    assert digit.dtype == np.uint8
    assert digit.shape == (28, 28)


@pytest.mark.parametrize(("side", "left", "top"), PLACES)
def test_prepare_digit_mnist_digit_at_any_place_and_size_comes_back_centred_and_twenty_long(
    mnist: tuple[Digits, Digits], side: int, left: int, top: int
) -> None:
    for image in mnist[1].images[:30]:
        prepared = prepare_digit(on_canvas(image, side, left, top))

        assert centre_of_mass(prepared.digit) == pytest.approx((14, 14), abs=1)
        assert longer_side(prepared.digit) == pytest.approx(20, abs=1)


def test_prepare_digit_stray_dot_changes_nothing(mnist: tuple[Digits, Digits]) -> None:
    for image in mnist[1].images[:100]:
        clean = Image.fromarray(on_canvas(image, 240, 20, 20))
        expected = prepare_digit(np.asarray(clean)).digit
        for x, y, width in [(12, 12, 8), (262, 20, 18), (14, 265, 18), (265, 265, 20)]:
            dotted = clean.copy()
            ImageDraw.Draw(dotted).circle((x, y), width / 2, fill=255)

            assert np.array_equal(prepare_digit(np.asarray(dotted)).digit, expected)


def test_prepare_digit_second_stroke_is_no_speck() -> None:
    canvas = Image.new("L", (280, 280))
    draw = ImageDraw.Draw(canvas)
    draw.line([(110, 80), (105, 140), (160, 150), (170, 200), (100, 220)], fill=255, width=16)
    draw.line([(135, 50), (190, 50)], fill=255, width=16)  # the bar of a 5 that does not touch the rest

    seen = prepare_digit(np.asarray(canvas)).digit

    assert seen[:7].any()
    assert longer_side(seen) == pytest.approx(20, abs=1)
    assert prepare_digit(np.asarray(canvas)).box[1] <= 50


def test_prepare_digit_dot_alone_is_kept() -> None:
    canvas = Image.new("L", (280, 280))
    ImageDraw.Draw(canvas).circle((60, 60), 9, fill=255)

    assert prepare_digit(np.asarray(canvas)).digit.any()


def test_prepare_digit_mnist_digits_come_back_where_mnist_has_them(mnist: tuple[Digits, Digits]) -> None:
    images = mnist[1].images[:200]
    expected = np.mean([centre_of_mass(image[0].numpy()) for image in images], 0)

    found = np.mean([centre_of_mass(prepare_digit(on_canvas(image, 140, 30, 100)).digit) for image in images], 0)

    assert expected == pytest.approx((14, 14), abs=0.1)
    assert found == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(("side", "left", "top"), PLACES)
def test_prepare_digit_mnist_digit_comes_back_nearly_as_it_was(
    mnist: tuple[Digits, Digits], side: int, left: int, top: int
) -> None:
    likeness = []
    for image in mnist[1].images[:30]:
        prepared = prepare_digit(on_canvas(image, side, left, top))
        likeness.append(np.corrcoef(prepared.digit.ravel(), image.numpy().ravel())[0, 1])

    assert np.median(likeness) > 0.9


def test_prepare_digit_inverted_picture_gives_nearly_the_same_digit(mnist: tuple[Digits, Digits]) -> None:
    for image in mnist[1].images[:30]:
        canvas = on_canvas(image, 140, 30, 100)

        light, dark = prepare_digit(canvas), prepare_digit(255 - canvas)

        assert np.abs(light.digit.astype(int) - dark.digit).max() <= 1


def test_prepare_digit_colours_and_transparency_give_the_digit_of_the_grey_picture(
    mnist: tuple[Digits, Digits],
) -> None:
    canvas = on_canvas(mnist[1].images[0], 140, 30, 100)
    grey = prepare_digit(canvas).digit
    black = np.zeros_like(canvas)

    coloured = prepare_digit(np.stack([canvas] * 3, -1)).digit
    transparent = prepare_digit(np.stack([black, black, black, canvas], -1)).digit  # black ink on nothing

    assert np.abs(coloured.astype(int) - grey).max() <= 1
    assert np.abs(transparent.astype(int) - grey).max() <= 1


def test_prepare_digit_tensor_is_one_uint8_image(mnist: tuple[Digits, Digits]) -> None:
    prepared = prepare_digit(on_canvas(mnist[1].images[0], 140, 30, 100))

    assert prepared.tensor.dtype == torch.uint8
    assert prepared.tensor.shape == (1, 1, 28, 28)
    assert np.array_equal(prepared.tensor[0, 0], prepared.digit)


def test_prepare_digit_box_is_where_the_ink_lies() -> None:
    canvas = np.zeros((280, 280), np.uint8)
    canvas[30:130, 50:110] = 255

    prepared = prepare_digit(canvas)

    assert prepared.box == (50, 30, 110, 130)
    assert prepared.scaled.shape == (20, 12)


@pytest.mark.parametrize(
    "canvas",
    [
        np.zeros((280, 280), np.uint8),
        np.full((280, 280), 255, np.uint8),
        np.full((280, 280, 3), 255, np.uint8),
        np.zeros((280, 280, 4), np.uint8),
        np.full((280, 280, 4), 255, np.uint8),
        np.zeros((1, 1), np.uint8),
    ],
    ids=["black", "white", "white RGB", "transparent", "white RGBA", "one pixel"],
)
def test_prepare_digit_blank_canvas_raises_blank_image_error(canvas: Pixels) -> None:
    with pytest.raises(BlankImageError):
        prepare_digit(canvas)


@settings(deadline=None)
@given(arrays(np.uint8, SHAPES))
def test_prepare_digit_any_picture_gives_a_digit_or_image_error(pixels: Pixels) -> None:
    assert_digit_or_image_error(pixels)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 60), st.sampled_from([None, 3, 4]))
def test_prepare_digit_noise_gives_a_digit_or_image_error(
    seed: int, height: int, width: int, channels: int | None
) -> None:
    shape = (height, width) if channels is None else (height, width, channels)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)

    assert_digit_or_image_error(pixels)
