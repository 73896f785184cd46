"""Distortions do what they say, and the curves count right answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from vgg_demo.analysis.robustness import (
    DISTORTIONS,
    distorted,
    invert,
    measure_robustness,
    rotate,
    scale,
    shift,
    thicken,
    thin,
)
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.data import Digits
from vgg_demo.evaluation import predict, summarise_predictions
from vgg_demo.runs.checkpoints import find_checkpoint


@pytest.fixture(scope="module")
def images(mnist: tuple[Digits, Digits]) -> torch.Tensor:
    return mnist[1].images[:40]


def centres(images: torch.Tensor) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([ndimage.center_of_mass(image[0].numpy()) for image in images])


@pytest.mark.parametrize("name", list(DISTORTIONS))
def test_distortion_keeps_shape_and_kind_and_repeats_itself(images: torch.Tensor, name: str) -> None:
    distortion = DISTORTIONS[name]

    for amount in distortion.amounts:
        first, second = (distorted(distortion, images, amount) for _ in range(2))
        assert (first.shape, first.dtype) == (images.shape, torch.uint8)
        assert torch.equal(first, second)


@pytest.mark.parametrize("name", list(DISTORTIONS))
def test_distortion_at_its_neutral_amount_changes_nothing(images: torch.Tensor, name: str) -> None:
    distortion = DISTORTIONS[name]

    assert distortion.neutral in distortion.amounts
    difference = distortion.apply(images, distortion.neutral).int() - images.int()
    # thickness goes over a finer grid and back, which smooths a little
    assert difference.abs().float().mean() < (12 if name.startswith("thi") else 0.01)
    assert torch.equal(distorted(distortion, images, distortion.neutral), images)


def test_shift_moves_the_centre_of_mass_by_its_pixels(images: torch.Tensor) -> None:
    moved = np.linalg.norm(centres(shift(images, 3)) - centres(images), axis=1)

    assert np.allclose(moved, 3, atol=0.5)  # a digit off the middle loses some ink at the edge


def test_rotate_turns_as_pil_does(images: torch.Tensor) -> None:
    turned = rotate(images[:8], 30).float()

    for original, image in zip(images[:8], turned, strict=True):
        picture = Image.fromarray(original[0].numpy())
        both = [np.asarray(picture.rotate(angle, Image.Resampling.BILINEAR), float) for angle in (30, -30)]
        assert min(np.abs(image[0].numpy() - reference).mean() for reference in both) < 2


def test_scale_halves_the_ink_s_extent(images: torch.Tensor) -> None:
    def extent(image: torch.Tensor) -> int:
        return int((image[0].amax(1) > 60).sum())

    for before, after in zip(images, scale(images, 50), strict=True):
        assert extent(after) == pytest.approx(extent(before) / 2, abs=1.6)


def test_thicken_and_thin_agree_with_scipys_grey_morphology(images: torch.Tensor) -> None:
    for before, thick, slim in zip(images, thicken(images, 1), thin(images, 1), strict=True):
        original = before[0].numpy().astype(int)
        grown, shrunk = (f(original, (3, 3)) for f in (ndimage.grey_dilation, ndimage.grey_erosion))
        assert np.abs(thick[0].numpy() - grown).mean() < 16
        assert np.abs(slim[0].numpy() - shrunk).mean() < 16
        assert slim.float().mean() < before.float().mean() < thick.float().mean()


def test_invert_whole_is_the_negative_and_half_is_grey(images: torch.Tensor) -> None:
    assert torch.equal(invert(images, 100), 255 - images)
    assert invert(images, 50).unique().tolist() in ([128], [127], [127, 128])


def test_measure_robustness_starts_from_the_plain_accuracy(mnist: tuple[Digits, Digits]) -> None:
    network, _header = load_checkpoint(find_checkpoint("best"))
    digits, calls = mnist[1][:40], []

    curves = measure_robustness(network, digits, lambda done, total: calls.append((done, total)))

    plain = summarise_predictions(predict(network, digits)).accuracy
    assert [curve.distortion for curve in curves] == list(DISTORTIONS)
    for curve in curves:
        neutral = curve.amounts.index(DISTORTIONS[curve.distortion].neutral)
        assert curve.accuracies[neutral] == plain
        assert curve.n == 40
    assert calls[-1][0] == calls[-1][1]
