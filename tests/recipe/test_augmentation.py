"""Distortions: by the seed alone, within the limits that the module states."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_fill_holes

from vgg_demo.data import Digits
from vgg_demo.recipe import augmentation
from vgg_demo.recipe.augmentation import (
    BAR,
    FLAG,
    HOOK,
    SLASH,
    add_stroke,
    augment_batch,
    centre_by_mass,
    even_strokes,
    fill_loops,
    vary_handwriting,
)

LIMITS = ("MAX_ROTATION_DEGREES", "MAX_SHEAR_DEGREES", "MAX_SCALE", "MAX_SHIFT_PIXELS")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def allow_only(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Set every other limit to zero."""
    without(monkeypatch, *set(LIMITS) - set(names))


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Set these limits or shares to zero."""
    for name in names:
        monkeypatch.setattr(augmentation, name, 0.0)


def centres(images: torch.Tensor) -> np.ndarray:
    """Centre of mass (N, 2) in pixels, as x and y."""
    weights = images[:, 0].double().numpy()
    y, x = np.mgrid[: weights.shape[1], : weights.shape[2]]
    total = weights.sum((1, 2))
    return np.stack([(weights * x).sum((1, 2)) / total, (weights * y).sum((1, 2)) / total], 1)


@pytest.fixture
def dots() -> torch.Tensor:
    images = torch.zeros(200, 1, 28, 28, dtype=torch.uint8)
    images[:, :, 12:16, 12:16] = 200
    return images


def test_augment_batch_strength_zero_returns_the_images(mnist: tuple[Digits, Digits]) -> None:
    images = mnist[0].images[:8]

    assert torch.equal(augment_batch(images, 0.0, seeded(0)), images)


def test_augment_batch_no_distortion_left_returns_the_images(
    mnist: tuple[Digits, Digits], monkeypatch: pytest.MonkeyPatch
) -> None:
    allow_only(monkeypatch)
    images = mnist[0].images[:8]

    assert torch.equal(augment_batch(images, 1.0, seeded(0)), images)


def test_augment_batch_keeps_kind_and_input_and_changes_every_digit(mnist: tuple[Digits, Digits]) -> None:
    images = mnist[0].images[:32].clone()

    distorted = augment_batch(images, 0.5, seeded(0))

    assert (distorted.dtype, distorted.shape) == (torch.uint8, images.shape)
    assert (distorted != images).flatten(1).any(1).all()
    assert torch.equal(images, mnist[0].images[:32])


def test_augment_batch_is_decided_by_the_generator(mnist: tuple[Digits, Digits]) -> None:
    images = mnist[0].images[:8]

    first, again, other = (augment_batch(images, 1.0, seeded(seed)) for seed in (1, 1, 2))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_augment_batch_equal_images_are_distorted_differently(dots: torch.Tensor) -> None:
    distorted = augment_batch(dots, 1.0, seeded(0))

    assert len(distorted.unique(dim=0)) > 190


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_augment_batch_shift_alone_moves_up_to_three_pixels(
    dots: torch.Tensor, monkeypatch: pytest.MonkeyPatch, strength: float
) -> None:
    allow_only(monkeypatch, "MAX_SHIFT_PIXELS")

    moved = centres(augment_batch(dots, strength, seeded(0))) - 13.5

    assert np.abs(moved).max() == pytest.approx(3 * strength, rel=0.05)
    assert np.abs(moved.mean(0)).max() < 0.5


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_augment_batch_rotation_alone_turns_up_to_twenty_degrees(
    monkeypatch: pytest.MonkeyPatch, strength: float
) -> None:
    allow_only(monkeypatch, "MAX_ROTATION_DEGREES")
    bars = torch.zeros(200, 1, 28, 28, dtype=torch.uint8)
    bars[:, :, 13:15, 5:23] = 255

    turned = augment_batch(bars, strength, seeded(0))[:, 0].double().numpy()

    # the direction of the longest axis, from second moments
    y, x = np.mgrid[:28, :28] - 13.5
    xx, yy, xy = ((turned * moment).sum((1, 2)) for moment in (x * x, y * y, x * y))
    angles = np.degrees(np.arctan2(2 * xy, xx - yy) / 2)
    assert np.abs(angles).max() == pytest.approx(20 * strength, rel=0.1)


@pytest.fixture
def bars() -> torch.Tensor:
    """Upright strokes, four pixels wide."""
    images = torch.zeros(400, 1, 28, 28, dtype=torch.uint8)
    images[:, :, 5:23, 12:16] = 255
    return images


def test_vary_handwriting_strength_zero_returns_the_images(bars: torch.Tensor) -> None:
    assert torch.equal(vary_handwriting(bars, torch.ones(400, dtype=torch.int64), 0.0, seeded(0)), bars)


@pytest.mark.parametrize(("digit", "share"), [(1, 1.0), (7, 0.5), (9, 0.6), (0, 0.1), (4, 0.0)])
def test_vary_handwriting_gives_a_share_of_some_digits_a_stroke(
    bars: torch.Tensor, monkeypatch: pytest.MonkeyPatch, digit: int, share: float
) -> None:
    without(monkeypatch, "EVEN_SHARE", "PEN_SHARE")

    varied = vary_handwriting(bars, torch.full((400,), digit), 1.0, seeded(0))

    assert (varied != bars).flatten(1).any(1).double().mean() == pytest.approx(share, abs=0.06)


def test_vary_handwriting_digits_stay_centred_by_their_mass(
    mnist: tuple[Digits, Digits], monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, "PEN_SHARE")
    ones = mnist[0].images[mnist[0].labels == 1][:200]

    varied = vary_handwriting(ones, torch.ones(200, dtype=torch.int64), 1.0, seeded(0))

    assert np.abs(centres(varied) - 14).max() < 0.7  # half a pixel, and what evening moves
    assert (varied.sum((1, 2, 3)) > 0.95 * ones.sum((1, 2, 3))).all()  # nothing is lost


def test_fill_loops_fills_what_is_enclosed_and_nothing_else() -> None:
    digits = torch.zeros(3, 1, 28, 28)
    digits[0, 0, 4:14, 4:14] = 255  # a frame
    digits[0, 0, 6:12, 6:12] = 0
    digits[1, 0, 4:24, 4] = digits[1, 0, 4, 4:24] = digits[1, 0, 23, 4:24] = 255  # open to the right
    digits[2, 0, 10, 10:13] = digits[2, 0, 12, 10:13] = digits[2, 0, 11, 9] = digits[2, 0, 11, 13] = 255  # by corners
    expected = digits.clone()
    expected[0, 0, 6:12, 6:12] = 255
    expected[2, 0, 11, 10:13] = 255

    assert torch.equal(fill_loops(digits), expected)
    assert not fill_loops(torch.zeros(1, 1, 28, 28)).any()


def test_fill_loops_agrees_with_scipy(mnist: tuple[Digits, Digits]) -> None:
    digits = mnist[0].images[:300].float()

    filled = fill_loops(digits)[:, 0].numpy() > 127

    for digit, image in zip(filled, digits[:, 0].numpy(), strict=True):
        assert (digit == binary_fill_holes(image > 127)).all()


def test_vary_handwriting_fills_loops_of_some_digits_and_of_no_0(
    mnist: tuple[Digits, Digits], monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, "EVEN_SHARE", "PEN_SHARE")
    monkeypatch.setattr(augmentation, "EXTRA_STROKES", ())  # a slash changes a 0, too

    for digit, share in ((8, 0.25), (0, 0.0)):
        images = mnist[0].images[mnist[0].labels == digit][:400]
        varied = vary_handwriting(images, torch.full((400,), digit), 1.0, seeded(0))
        assert (varied != images).flatten(1).any(1).double().mean() == pytest.approx(share, abs=0.08)


def test_even_strokes_are_equally_dark_and_as_wide_as_before(bars: torch.Tensor) -> None:
    faint = bars[:2].float()
    faint[:, :, 5:14] *= 0.8  # a scanner's shades
    faint[1] *= 0.5

    even = even_strokes(faint) / 255

    inside = even[:, 0, 6:22, 13:15]
    assert inside.min() > 0.99
    assert even[:, 0, 8].sum(1).numpy() == pytest.approx(4, abs=0.5)
    assert even[:, 0, 18].sum(1).numpy() == pytest.approx(4, abs=0.05)
    assert not even_strokes(torch.zeros(1, 1, 28, 28)).any()


def test_vary_handwriting_makes_a_share_of_all_digits_even(
    mnist: tuple[Digits, Digits], monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, "PEN_SHARE")
    fours = mnist[0].images[mnist[0].labels == 4][:400]

    varied = vary_handwriting(fours, torch.full((400,), 4), 0.5, seeded(0))

    assert (varied != fours).flatten(1).any(1).double().mean() == pytest.approx(0.5, abs=0.08)


def test_centre_by_mass_moves_a_dot_to_the_middle_and_keeps_every_pixel() -> None:
    dot = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)
    dot[:, :, 13:16, 13:16] = 200

    assert torch.equal(centre_by_mass(torch.roll(dot, (-5, 7), (2, 3))), dot)


def test_add_stroke_flag_of_a_one_goes_from_its_top_down_to_the_left(bars: torch.Tensor) -> None:
    added = add_stroke(bars.float(), FLAG, seeded(0))[:, 0] - bars[:, 0]

    assert not added[:, :, 17:].any()  # nothing to the right of the stroke
    weights = added.double().numpy()
    y, x = np.mgrid[:28, :28]
    down = (weights * (y - 5)).sum((1, 2)) / (weights * (13.5 - x)).sum((1, 2))  # slope of its middle, from the top
    assert np.degrees(np.arctan(down)).min() > 5
    assert np.degrees(np.arctan(down)).max() < 80


def test_add_stroke_bar_of_a_seven_crosses_its_middle(bars: torch.Tensor) -> None:
    added = add_stroke(bars.float(), BAR, seeded(0))[:, 0] - bars[:, 0]

    rows = added.sum(2).double()
    middle = (rows * torch.arange(28)).sum(1) / rows.sum(1)
    assert middle.numpy() == pytest.approx(14, abs=1)  # the bar runs from row 5 to row 22
    assert added[:, :, :12].any()
    assert added[:, :, 16:].any()


def test_add_stroke_hook_of_a_nine_leaves_its_end_to_the_left(bars: torch.Tensor) -> None:
    added = add_stroke(bars.float(), HOOK, seeded(0))[:, 0] - bars[:, 0]

    assert (added[:, :, :12].amax((1, 2)) > 0).all()
    assert not added[:, :, 17:].any()
    assert not added[:, :10].any()  # the upper part stays as it was


def test_add_stroke_slash_of_a_zero_crosses_its_middle_up_to_the_right() -> None:
    y, x = np.mgrid[:28, :28] - 14
    ring = torch.from_numpy((np.abs(np.hypot(x / 0.7, y) - 9) < 1.2) * 255.0).float().expand(200, 1, 28, 28)

    slashed = add_stroke(ring, SLASH, seeded(0))[:, 0].numpy() > 127

    assert slashed[:, 11:18, 11:18].any((1, 2)).all()  # it may be bent by three pixels
    added = (slashed & ~(ring[:, 0].numpy() > 127)).astype(float)
    xx, yy, xy = ((added * moment).sum((1, 2)) for moment in (x * x, y * y, x * y))
    angles = np.degrees(np.arctan2(2 * xy, xx - yy) / 2) % 180  # of the longest axis, clockwise from the right
    assert angles.min() > 88
    assert angles.max() < 167


def test_vary_handwriting_draws_a_share_of_all_digits_with_a_pen(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "EVEN_SHARE", "FILL_SHARE")
    blank = torch.zeros(600, 1, 28, 28, dtype=torch.uint8)

    varied = vary_handwriting(blank, torch.arange(600) % 10, 1.0, seeded(0))

    drawn = varied.amax((1, 2, 3)) > 0
    assert drawn.double().mean() == pytest.approx(0.08, abs=0.04)
    assert np.abs(centres(varied[drawn]) - 14).max() < 0.6


def test_vary_handwriting_blank_ones_stay_blank(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "PEN_SHARE")
    blank = torch.zeros(50, 1, 28, 28, dtype=torch.uint8)

    assert not vary_handwriting(blank, torch.ones(50, dtype=torch.int64), 1.0, seeded(0)).any()
