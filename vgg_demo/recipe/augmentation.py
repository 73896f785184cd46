"""Change training digits into what another person might have written. Used by presets that say so, never by evaluation.

augment_batch distorts: rotation, shear, scale and shift. vary_handwriting adds what MNIST's writers mostly left out
and many others draw: the flag of a 1, the bar of a 7, the hook that ends a 9, the slash through a 0; it puts digits of
other forms in the place of some (pen_strokes.py); it fills loops, as a thick pen does; and it makes strokes even, as a
screen shows them and a scanner does not. An elastic warp and thicker or thinner strokes were tried as well, and brought
nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from vgg_demo.recipe.pen_strokes import draw_digits

MAX_ROTATION_DEGREES = 20.0
MAX_SHEAR_DEGREES = 20.0
MAX_SCALE = 0.25
MAX_SHIFT_PIXELS = 3.0


@dataclass(frozen=True)
class ExtraStroke:
    """A straight stroke that some writers add to a digit.

    share: of such digits, at strength 1. height: of the row of ink that it passes through, 0 (top) to 1 of the digit's.
    degrees: of its direction, clockwise from the right. length: as a share of the digit's height, of which the share
    before lies behind that ink. degrees and length are drawn evenly between two limits.
    """

    digit: int
    share: float
    height: float
    degrees: tuple[float, float]
    length: tuple[float, float]
    before: float


FLAG = ExtraStroke(1, share=1.0, height=0.0, degrees=(105, 160), length=(0.25, 0.9), before=0.0)
BAR = ExtraStroke(7, share=0.5, height=0.5, degrees=(-20, 20), length=(0.3, 0.7), before=0.5)
HOOK = ExtraStroke(9, share=0.6, height=1.0, degrees=(175, 225), length=(0.2, 0.6), before=0.0)
SLASH = ExtraStroke(0, share=0.1, height=0.5, degrees=(95, 160), length=(0.5, 1.4), before=0.5)
EXTRA_STROKES = (FLAG, BAR, HOOK, SLASH)
PEN_SHARE = 0.08  # of all digits, at strength 1: others of the same labels, drawn with a pen, in their place
HALF_WIDTHS = (0.75, 1.75)  # pixels, of a digit's own strokes
OTHER_WIDTH = (0.8, 1.2)  # times as wide as they are
ROUGHLY = 0.1  # of the digit's height: how far from its end a stroke at its top or bottom may begin
LOOPED, FILL_SHARE = (2, 4, 6, 8, 9), 0.25  # digits that stay readable when their loops are filled; share at strength 1
EVEN_SHARE, EVEN_SCALE = 1.0, 4  # of all digits, at strength 1; how much larger they are drawn for it
MAX_BEND = 0.12  # of its length, to either side


def augment_batch(images: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    """Distort each image by its own random rotation, shear, scale and shift.

    images: uint8 (N, 1, H, W), ink light on dark; returns the same. strength, 0 to 1, multiplies every limit above.
    generator: on the CPU, so that a seed gives the same distortions on every device.
    """
    if strength == 0:
        return images
    count, _, height, width = images.shape
    matrices = _random_affine(count, strength, generator, width).to(images.device)
    grid = F.affine_grid(matrices, [count, 1, height, width], align_corners=False)  # (N, H, W, 2) in [-1, 1]
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


def vary_handwriting(
    images: torch.Tensor, labels: torch.Tensor, strength: float, generator: torch.Generator
) -> torch.Tensor:
    """Add to some digits the stroke that others draw there, draw some with a pen, fill loops, make some evenly dark.

    images: uint8 (N, 1, H, W), ink light on dark; returns the same. labels: int64 (N,). strength, 0 to 1, multiplies
    the share of digits that are changed. generator: as for augment_batch.
    """
    if strength == 0:
        return images
    pixels, digits = images.float(), labels.cpu()

    def choose(is_candidate: torch.Tensor, share: float) -> torch.Tensor:
        """Indices of a random share of the candidates."""
        is_chosen = torch.rand(len(images), generator=generator) < share * strength
        return torch.nonzero(is_candidate & is_chosen)[:, 0].to(images.device)

    for stroke in EXTRA_STROKES:
        some = choose(digits == stroke.digit, stroke.share)
        if len(some):
            pixels[some] = centre_by_mass(add_stroke(pixels[some], stroke, generator))
    some = choose(digits >= 0, PEN_SHARE)
    if len(some):
        pixels[some] = centre_by_mass(draw_digits(digits[some.cpu()], generator)).to(images.device)
    some = choose(torch.isin(digits, torch.tensor(LOOPED)), FILL_SHARE)
    if len(some):
        pixels[some] = centre_by_mass(fill_loops(pixels[some]))
    some = choose(digits >= 0, EVEN_SHARE)
    pixels[some] = even_strokes(pixels[some])
    return pixels.round_().clamp_(0, 255).to(torch.uint8)


def fill_loops(digits: torch.Tensor) -> torch.Tensor:
    """Ink wherever ink encloses paper, as a thick pen leaves it: float32 (N, 1, H, W) in [0, 255] to the same."""
    paper = F.pad((digits <= 127).float(), (1, 1, 1, 1), value=1.0)
    outside = torch.zeros_like(paper)
    outside[..., 0, :] = 1
    while True:  # paper beside what is outside is outside, too
        beside = F.max_pool2d(outside, (3, 1), 1, (1, 0)).maximum(F.max_pool2d(outside, (1, 3), 1, (0, 1)))
        grown = beside * paper
        if torch.equal(grown, outside):
            break
        outside = grown
    enclosed = (paper - outside)[..., 1:-1, 1:-1]
    return digits.maximum(255 * enclosed)


def even_strokes(digits: torch.Tensor) -> torch.Tensor:
    """All ink equally dark, with edges as smooth as a pixel: float32 (N, 1, H, W) in [0, 255] to the same.

    Without it, a network could learn to recognise the strokes that were added.
    """
    large = F.interpolate(digits, scale_factor=EVEN_SCALE, mode="bilinear")
    darkest = large.amax((2, 3), keepdim=True).clamp(min=1)
    sharp = ((large / darkest - 0.5) * EVEN_SCALE + 0.5).clamp(0, 1)
    return F.avg_pool2d(255 * sharp, EVEN_SCALE)


def add_stroke(digits: torch.Tensor, stroke: ExtraStroke, generator: torch.Generator) -> torch.Tensor:
    """Draw the stroke on each digit, as wide as its own: float32 (N, 1, H, W) in [0, 255] to the same.

    A blank image stays blank. generator: on the CPU.
    """
    count, _, rows, columns = digits.shape

    def uniform(low: float, high: float) -> torch.Tensor:
        return torch.empty(count).uniform_(low, high, generator=generator)

    ink = (digits[:, 0] > 127).float().cpu()  # (N, H, W)
    has_row = ink.amax(2)  # (N, H)
    tall = has_row.sum(1)
    runs = (ink[:, :, 1:] > ink[:, :, :-1]).sum((1, 2))  # how often a row enters ink: its mean way through is a width
    half_width = (0.5 * ink.sum((1, 2)) / runs.clamp(min=1)).clamp(*HALF_WIDTHS)
    half_width = half_width * uniform(*OTHER_WIDTH)
    # the middle of the stroke goes from where the middle of the digit's own ends
    place = half_width + (stroke.height + uniform(0, ROUGHLY) * (1 - 2 * stroke.height)) * (tall - 2 * half_width)
    row = (has_row.argmax(1) + place).floor().long().clamp(0, rows - 1)
    at_row = ink[torch.arange(count), row]  # (N, W)
    column = (at_row * torch.arange(columns)).sum(1) / at_row.sum(1).clamp(min=1)
    angle = torch.deg2rad(uniform(*stroke.degrees))
    length = uniform(*stroke.length) * tall
    bend = uniform(-MAX_BEND, MAX_BEND)
    x_axis, y_axis = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]  # of its direction
    y, x = torch.meshgrid(torch.arange(rows).float(), torch.arange(columns).float(), indexing="ij")
    right, down = x - column[:, None, None], y - row[:, None, None]  # (N, H, W)
    along = right * x_axis + down * y_axis + (stroke.before * length)[:, None, None]
    across = down * x_axis - right * y_axis
    share = (along / length.clamp(min=1)[:, None, None]).clamp(0, 1)  # of the stroke, at the nearest point of it
    beyond = along - share * length[:, None, None]
    across = across - 4 * share * (1 - share) * (bend * length)[:, None, None]  # a parabola's arc
    drawn = (half_width[:, None, None] + 0.5 - torch.hypot(beyond, across)).clamp(0, 1)
    drawn = drawn * (255 * (tall > 0))[:, None, None]
    return digits.maximum(drawn[:, None].to(digits.device))


def centre_by_mass(digits: torch.Tensor) -> torch.Tensor:
    """Move each digit so that its centre of mass is in the middle, to the nearest pixel, as MNIST's are.

    digits: (N, 1, H, W); returns the same. What leaves on one side would come back on the other: MNIST's margins are
    wide enough for it not to. A blank image stays blank.
    """
    count, _, rows, columns = digits.shape
    mass = digits[:, 0].float()
    total = mass.sum((1, 2)).clamp(min=1)

    def moved(length: int, profile: torch.Tensor) -> torch.Tensor:
        """Which of (N, length) to take for each place, by the ink (N, length) along it."""
        places = torch.arange(length, device=digits.device)
        shift = (length / 2 - (profile * places).sum(1) / total).round().long()
        return (places - shift[:, None]) % length

    y, x = moved(rows, mass.sum(2)), moved(columns, mass.sum(1))
    each = torch.arange(count, device=digits.device)[:, None, None]
    return digits[each, 0, y[:, :, None], x[:, None, :]][:, None]
