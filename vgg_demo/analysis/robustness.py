"""The same digits, made harder by growing amounts: how far from a clean test set a network still reads them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from vgg_demo.data import Digits, Progress, batches
from vgg_demo.evaluation import batch_size_for, predict_logits
from vgg_demo.model import VGG

FINER = 4  # strokes are thinned and thickened on a grid this much finer, so that parts of a pixel count

Apply = Callable[[torch.Tensor, float], torch.Tensor]


@dataclass(frozen=True)
class Distortion:
    """One way to make digits harder. amounts: from easy to hard; neutral is the amount that changes nothing.

    apply: uint8 (N, 1, 28, 28), ink light on dark, and an amount, to the same shape: the same pictures every time.
    """

    name: str
    unit: str
    amounts: tuple[float, ...]
    apply: Apply
    neutral: float = 0.0


@dataclass(frozen=True)
class RobustnessCurve:
    """The accuracy under one distortion, an amount each, as fractions, over n digits."""

    distortion: str
    amounts: list[float]
    accuracies: list[float]
    n: int


def shift(images: torch.Tensor, amount: float) -> torch.Tensor:
    """Move each digit by amount pixels, each in a direction of its own; ink past the edge is lost."""
    angles = 2 * math.pi * torch.rand(len(images), generator=_generator())
    pixels = 2 / images.shape[-1]  # affine_grid counts in half images
    return _affine(images, shift_x=amount * pixels * torch.cos(angles), shift_y=amount * pixels * torch.sin(angles))


def rotate(images: torch.Tensor, amount: float) -> torch.Tensor:
    """Turn each digit by amount degrees about the middle, one half of them to the left."""
    signs = torch.randint(0, 2, (len(images),), generator=_generator()) * 2.0 - 1
    return _affine(images, angle=math.radians(amount) * signs)


def scale(images: torch.Tensor, amount: float) -> torch.Tensor:
    """Make each digit amount percent of its size, about the middle."""
    return _affine(images, factor=amount / 100)


def thicken(images: torch.Tensor, amount: float) -> torch.Tensor:
    """Add amount pixels of ink on every side of the strokes (a grey dilation), in steps of a quarter."""
    radius = round(amount * FINER)
    fine = F.interpolate(images.float(), scale_factor=FINER, mode="bilinear")  # (N, 1, 112, 112)
    grown = F.max_pool2d(fine, 2 * radius + 1, stride=1, padding=radius)
    return _to_bytes(F.avg_pool2d(grown, FINER))


def thin(images: torch.Tensor, amount: float) -> torch.Tensor:
    """Take amount pixels of ink off every side of the strokes (a grey erosion), in steps of a quarter."""
    return 255 - thicken(255 - images, amount)


def add_noise(images: torch.Tensor, amount: float) -> torch.Tensor:
    """Add Gaussian noise to every pixel, its standard deviation amount percent of full ink."""
    noise = torch.randn(images.shape, generator=_generator())
    return _to_bytes(images.float() + noise.to(images.device) * (255 * amount / 100))


def invert(images: torch.Tensor, amount: float) -> torch.Tensor:
    """Fade each picture into its negative: 50 percent is an even grey, 100 percent is dark ink on light paper."""
    pixels = images.float()
    return _to_bytes(pixels + (255 - 2 * pixels) * (amount / 100))


DISTORTIONS: dict[str, Distortion] = {
    distortion.name: distortion
    for distortion in (
        Distortion("shift", "pixels", (0, 1, 2, 3, 4, 6, 8), shift),
        Distortion("rotate", "degrees", (0, 10, 20, 30, 45, 60, 90), rotate),
        Distortion("scale", "percent", (40, 55, 70, 85, 100, 115, 130), scale, neutral=100),
        Distortion("thin", "pixels", (0, 0.25, 0.5, 0.75, 1, 1.25), thin),
        Distortion("thicken", "pixels", (0, 0.5, 1, 1.5, 2, 2.5), thicken),
        Distortion("noise", "percent", (0, 10, 20, 30, 45, 60), add_noise),
        Distortion("invert", "percent", (0, 20, 40, 60, 80, 100), invert),
    )
}


def measure_robustness(network: VGG, digits: Digits, on_progress: Progress | None = None) -> list[RobustnessCurve]:
    """The accuracy on the digits under every distortion and amount. What on_progress raises ends it."""
    curves, done = [], 0
    total = sum(len(distortion.amounts) for distortion in DISTORTIONS.values()) * len(digits)
    for distortion in DISTORTIONS.values():
        accuracies = []
        for amount in distortion.amounts:
            harder, right = Digits(distorted(distortion, digits.images, amount), digits.labels), 0
            for batch in batches(harder, batch_size_for(network)):
                right += int((predict_logits(network, batch.images).argmax(1) == batch.labels).sum())
                done += len(batch)
                if on_progress:
                    on_progress(done, total)
            accuracies.append(right / len(digits))
        curves.append(RobustnessCurve(distortion.name, list(distortion.amounts), accuracies, len(digits)))
    return curves


def distorted(distortion: Distortion, images: torch.Tensor, amount: float) -> torch.Tensor:
    """The images under a distortion; the neutral amount gives them back as they are, without rounding."""
    return images if amount == distortion.neutral else distortion.apply(images, amount)


def _affine(
    images: torch.Tensor,
    angle: torch.Tensor | float = 0.0,
    factor: float = 1.0,
    shift_x: torch.Tensor | float = 0.0,
    shift_y: torch.Tensor | float = 0.0,
) -> torch.Tensor:
    """Turn (radians, counter-clockwise), scale and move each image; outside it lies paper."""
    count = len(images)
    angles = torch.as_tensor(angle).expand(count)
    cos, sin = torch.cos(angles) / factor, torch.sin(angles) / factor
    back_x, back_y = -torch.as_tensor(shift_x).expand(count), -torch.as_tensor(shift_y).expand(count)
    # affine_grid asks where each output pixel comes from, so the matrix undoes the movement
    rows = [torch.stack([cos, -sin, back_x], 1), torch.stack([sin, cos, back_y], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False).to(images.device)
    return _to_bytes(F.grid_sample(images.float(), grid, mode="bilinear", align_corners=False))


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _to_bytes(pixels: torch.Tensor) -> torch.Tensor:
    return pixels.round().clamp(0, 255).to(torch.uint8)
