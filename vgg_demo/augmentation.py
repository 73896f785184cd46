"""Distort training digits as another hand might have written them. Used by presets that say so, never by evaluation."""

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
