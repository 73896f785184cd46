"""Change training digits into what another hand might have written. Used by presets that say so, never by evaluation.

augment_batch distorts: rotation, shear, scale, shift and a smooth warp. restyle_batch writes with another pen, thicker
or thinner, and adds what MNIST's writers mostly left out and many others draw: the flag of a 1 and the bar of a 7.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

MAX_ROTATION_DEGREES = 20.0
MAX_SHEAR_DEGREES = 20.0
MAX_SCALE = 0.25
MAX_SHIFT_PIXELS = 3.0
ELASTIC_PIXELS = 3.0
ELASTIC_GRID = 5
MAX_THICKER, MAX_THINNER = 1.0, 0.6  # share of the way to a stroke one pixel wider or narrower on each side
FLAG_SHARE, FLAG_DEGREES, FLAG_LENGTH = 1.0, (30.0, 70.0), (0.25, 0.9)  # of the ones; below the horizontal; of height
BAR_SHARE, BAR_DEGREES, BAR_LENGTH = 0.5, (-20.0, 20.0), (0.3, 0.7)  # of the sevens; of their height


def augment_batch(images: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    """Distort each image by its own random rotation, shear, scale, shift and smooth elastic warp.

    images: uint8 (N, 1, H, W), ink light on dark; returns the same. strength, 0 to 1, multiplies every limit above.
    generator: on the CPU, so that a seed gives the same distortions on every device.
    Source: Simard et al., "Best Practices for Convolutional Neural Networks", ICDAR 2003, for the elastic warp.
    """
    if strength == 0:
        return images
    count, _, height, width = images.shape
    matrices = _random_affine(count, strength, generator, width)
    grid = F.affine_grid(matrices, [count, 1, height, width], align_corners=False)  # (N, H, W, 2) in [-1, 1]
    # a few random displacements, spread smoothly over the image
    coarse = torch.randn(count, 2, ELASTIC_GRID, ELASTIC_GRID, generator=generator)
    coarse *= strength * ELASTIC_PIXELS / width
    warp = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)  # (N, 2, H, W)
    grid = (grid + warp.permute(0, 2, 3, 1)).to(images.device)
    distorted = F.grid_sample(images.float(), grid, mode="bilinear", align_corners=False)  # (N, 1, H, W)
    return distorted.round_().clamp_(0, 255).to(torch.uint8)


def _random_affine(count: int, strength: float, generator: torch.Generator, width: int) -> torch.Tensor:
    """Matrices (count, 2, 3) as affine_grid takes them: from output to input, in units of half an image."""

    def uniform(limit: float) -> torch.Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * limit * strength

    angle = uniform(math.radians(MAX_ROTATION_DEGREES))
    shear = torch.tan(uniform(math.radians(MAX_SHEAR_DEGREES)))
    scale_x, scale_y = 1 + uniform(MAX_SCALE), 1 + uniform(MAX_SCALE)
    shift_x, shift_y = uniform(2 * MAX_SHIFT_PIXELS / width), uniform(2 * MAX_SHIFT_PIXELS / width)
    cos, sin = torch.cos(angle), torch.sin(angle)
    first_row = torch.stack([cos * scale_x, (shear * cos - sin) * scale_y, shift_x], 1)
    second_row = torch.stack([sin * scale_x, (shear * sin + cos) * scale_y, shift_y], 1)
    return torch.stack([first_row, second_row], 1)


def restyle_batch(
    images: torch.Tensor, labels: torch.Tensor, strength: float, generator: torch.Generator
) -> torch.Tensor:
    """Write each image with a thicker or thinner pen, some ones with a flag and some sevens with a bar.

    images: uint8 (N, 1, H, W), ink light on dark; returns the same. labels: int64 (N,). strength, 0 to 1, multiplies
    the change of the pen's width and the share of digits that get a stroke. generator: as for augment_batch.
    """
    if strength == 0:
        return images
    pixels = images.float()
    for digit, share, add_stroke in ((1, FLAG_SHARE, _add_flags), (7, BAR_SHARE, _add_bars)):
        is_drawn = torch.rand(len(images), generator=generator) < share * strength
        chosen = torch.nonzero((labels.cpu() == digit) & is_drawn)[:, 0].to(images.device)
        if len(chosen):
            pixels[chosen] = add_stroke(pixels[chosen], generator)
    wider = F.max_pool2d(pixels, 3, stride=1, padding=1)
    narrower = -F.max_pool2d(-pixels, 3, stride=1, padding=1)
    change = torch.empty(len(images), 1, 1, 1).uniform_(-MAX_THINNER, MAX_THICKER, generator=generator)
    change = (change * strength).to(images.device)
    pixels = pixels + change.clamp(min=0) * (wider - pixels) + change.clamp(max=0) * (pixels - narrower)
    return pixels.round_().clamp_(0, 255).to(torch.uint8)


def _add_flags(ones: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A short stroke from the top down to the left: float32 (N, 1, H, W) to the same."""
    angle, length = _draw_range(len(ones), FLAG_DEGREES, generator), _draw_range(len(ones), FLAG_LENGTH, generator)
    return _add_strokes(ones, 0.0, torch.deg2rad(180 - angle), length, 0.0)


def _add_bars(sevens: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A short stroke across the middle: float32 (N, 1, H, W) to the same."""
    angle, length = _draw_range(len(sevens), BAR_DEGREES, generator), _draw_range(len(sevens), BAR_LENGTH, generator)
    return _add_strokes(sevens, 0.5, torch.deg2rad(angle), length, 0.5)


def _draw_range(count: int, bounds: tuple[float, float], generator: torch.Generator) -> torch.Tensor:
    return torch.empty(count).uniform_(*bounds, generator=generator)


def _add_strokes(
    digits: torch.Tensor, height: float, angle: torch.Tensor, length: torch.Tensor, before: float
) -> torch.Tensor:
    """A straight stroke on each digit, as wide as its own: float32 (N, 1, H, W) in [0, 255] to the same.

    It passes through the ink of the row at that height, 0 (top) to 1 of the digit's. angle: (N,) of its direction, in
    radians, clockwise from the right. length: (N,) as a share of the digit's height, of which before lies behind.
    """
    count, _, rows, columns = digits.shape
    ink = (digits[:, 0] > 127).float().cpu()  # (N, H, W)
    has_row = ink.amax(2)  # (N, H)
    tall = has_row.sum(1)
    half_width = (0.5 * ink.sum((1, 2)) / tall.clamp(min=1)).clamp(0.75, 1.75)  # ink over height is a 1's width
    row = (has_row.argmax(1) + height * (tall - 1)).round().long().clamp(0, rows - 1)
    at_row = ink[torch.arange(count), row]  # (N, W)
    column = (at_row * torch.arange(columns)).sum(1) / at_row.sum(1).clamp(min=1)
    direction = torch.stack([torch.cos(angle), torch.sin(angle)], 1)  # (N, 2) as x, y
    start = torch.stack([column, row.float()], 1) - direction * (before * length * tall)[:, None]
    y, x = torch.meshgrid(torch.arange(rows).float(), torch.arange(columns).float(), indexing="ij")
    offset = torch.stack([x, y], -1) - start[:, None, None]  # (N, H, W, 2)
    along = (offset * direction[:, None, None]).sum(-1).clamp(min=0).minimum((length * tall)[:, None, None])
    distance = (offset - along[..., None] * direction[:, None, None]).norm(dim=-1)
    stroke = (half_width[:, None, None] + 0.5 - distance).clamp(0, 1) * (255 * (tall > 0))[:, None, None]
    return digits.maximum(stroke[:, None].to(digits.device))
