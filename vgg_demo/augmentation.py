"""Change training digits into what another hand might have written. Used by presets that say so, never by evaluation.

augment_batch distorts: rotation, shear, scale, shift and a smooth warp. restyle_batch writes with another pen: thicker
or thinner strokes, and a 1 with a flag, which MNIST's writers left out and many others draw.
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
FLAG_SHARE = 0.4  # of the ones
FLAG_DEGREES = (20.0, 70.0)  # below the horizontal
FLAG_LENGTH = (0.25, 0.6)  # of the 1's height


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
    """Write each image with a thicker or thinner pen, and some ones with a flag.

    images: uint8 (N, 1, H, W), ink light on dark; returns the same. labels: int64 (N,). strength, 0 to 1, multiplies
    the change of the pen's width and the share of ones that get a flag. generator: as for augment_batch.
    """
    if strength == 0:
        return images
    pixels = images.float()
    ones = torch.nonzero(labels == 1)[:, 0]
    if len(ones):
        pixels[ones] = _with_flags(pixels[ones], FLAG_SHARE * strength, generator)
    wider = F.max_pool2d(pixels, 3, stride=1, padding=1)
    narrower = -F.max_pool2d(-pixels, 3, stride=1, padding=1)
    change = torch.empty(len(images), 1, 1, 1).uniform_(-MAX_THINNER, MAX_THICKER, generator=generator)
    change = (change * strength).to(images.device)
    pixels = pixels + change.clamp(min=0) * (wider - pixels) + change.clamp(max=0) * (pixels - narrower)
    return pixels.round_().clamp_(0, 255).to(torch.uint8)


def _with_flags(ones: torch.Tensor, share: float, generator: torch.Generator) -> torch.Tensor:
    """Draw a flag, a short stroke from the top down to the left, on a share of the ones: float32 (N, 1, H, W)."""
    count, _, height, width = ones.shape
    draws = torch.rand(count, 3, generator=generator)
    angle = torch.deg2rad(FLAG_DEGREES[0] + draws[:, 0] * (FLAG_DEGREES[1] - FLAG_DEGREES[0]))
    is_ink = (ones[:, 0] > 127).float().cpu()  # (N, H, W)
    has_row = is_ink.amax(2)  # (N, H)
    top = has_row.argmax(1)
    length = has_row.sum(1) * (FLAG_LENGTH[0] + draws[:, 1] * (FLAG_LENGTH[1] - FLAG_LENGTH[0]))
    columns = torch.arange(width).float()
    first_row = is_ink[torch.arange(count), top]  # (N, W)
    left = (first_row * columns).sum(1) / first_row.sum(1).clamp(min=1)
    half_width = 0.5 * is_ink.sum((1, 2)) / has_row.sum(1).clamp(min=1)  # ink over height: the stroke's own width
    # distance of each pixel to the stroke from (left, top) to (left - dx, top + dy)
    start = torch.stack([left, top + half_width * 0.5], 1)[:, None, None]  # (N, 1, 1, 2) as x, y
    along = torch.stack([-torch.cos(angle), torch.sin(angle)], 1)[:, None, None]
    y, x = torch.meshgrid(torch.arange(height).float(), columns, indexing="ij")
    offset = torch.stack([x, y], -1) - start  # (N, H, W, 2)
    position = (offset * along).sum(-1).clamp(min=0).minimum(length[:, None, None])
    distance = (offset - position[..., None] * along).norm(dim=-1)
    stroke = (half_width[:, None, None] + 0.5 - distance).clamp(0, 1) * 255
    stroke *= ((draws[:, 2] < share) & (length > 0))[:, None, None]
    return ones.maximum(stroke[:, None].to(ones.device))
