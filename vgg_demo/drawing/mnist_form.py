"""From a drawing, or any picture of a digit, to a digit in MNIST's own form.

MNIST was made so: each digit was scaled into a box of 20x20 pixels, keeping its shape, smoothed to grey levels, and
placed in 28x28 with its centre of mass in the middle (LeCun et al. 1998, section III.A). A network that has only seen
such digits reads another only when it is brought into the same form first. The width of the strokes is part of that
form: MNIST's writers all had much the same pens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import ndimage

from vgg_demo.drawing.frames import without_frames
from vgg_demo.drawing.grey import BOX, Grey, Pixels, label_parts, resize_longest
from vgg_demo.drawing.rejection import load_likeness
from vgg_demo.drawing.segmentation import count_inside, find_ink, ink_box, separate_digits, without_specks
from vgg_demo.drawing.stroke_width import with_mnist_strokes
from vgg_demo.drawing.touching import WIDEST, cuts
from vgg_demo.errors import BlankImageError

SIZE = 28
# Likeness.distances of MNIST's digits: half are under 66 and nine of ten under 140; of two that touch, nine of ten over
# 260. Nearer than FAR is one digit; two halves are digits when both are within NEAR, and so much nearer than the whole
FAR, NEAR, NEARER = 110, 125, 100


@dataclass(frozen=True)
class PreparedDigit:
    """Every step from picture to digit, for showing. Arrays are float32 in [0, 1], ink light on dark.

    ink: (H, W), the picture with its background at 0. box: left, top, right, bottom of the ink in it.
    strokes: (h, w), the ink of the box with strokes as wide as MNIST's, enlarged. scaled: at most 20x20, the same.
    digit: uint8 (28, 28), as MNIST has it. specks_inside: how many dots within the box were left out.
    looks_like_two: whether it may be two digits that touch, in the width of one.
    """

    ink: Grey
    box: tuple[int, int, int, int]
    strokes: Grey
    scaled: Grey
    digit: Pixels
    specks_inside: int = 0
    looks_like_two: bool = False

    @property
    def tensor(self) -> torch.Tensor:
        """The digit as a batch of one: uint8 (1, 1, 28, 28)."""
        return torch.from_numpy(self.digit)[None, None]


def prepare_digit(pixels: Pixels) -> PreparedDigit:
    """Bring a picture of one digit into MNIST's form.

    pixels: uint8 (H, W), (H, W, 3) or (H, W, 4); either polarity. Raises BlankImageError when there is no ink.
    """
    return _prepare(*_clean_ink(pixels))


def prepare_digits(pixels: Pixels) -> list[PreparedDigit]:
    """Bring each digit of a picture into MNIST's form, from left to right; an empty list without ink.

    Two that touch are parted where each half looks far more like a digit than both together, if they are wider than one
    digit. What is not may as well be a letter: an H is two 1s and a bar.
    """
    try:
        ink, specks = _clean_ink(pixels)
    except BlankImageError:
        return []
    return [digit for part in separate_digits(ink) for digit in _parted(_prepare(part, specks), specks)]


def _clean_ink(pixels: Pixels) -> tuple[Grey, Grey]:
    """The ink of a picture without frames and specks, and the specks, (H, W) each. Raises BlankImageError."""
    ink = without_frames(find_ink(pixels))
    clean = without_specks(ink)
    return clean, ink - clean


def _parted(whole: PreparedDigit, specks: Grey) -> list[PreparedDigit]:
    """One digit as it is, or two that touch."""
    likeness = load_likeness()
    distance = float(likeness.distances(whole.digit[None])[0])
    if distance < FAR:
        return [whole]
    pairs = [[_prepare(half, specks) for half in halves] for halves in cuts(whole.ink)]
    if not pairs:
        return [whole]
    halves = likeness.distances(np.stack([half.digit for pair in pairs for half in pair]))
    distances = halves.reshape(-1, 2).max(1)  # of each pair, the half that looks less like a digit
    best = int(distances.argmin())
    if distances[best] > min(NEAR, distance - NEARER):
        return [whole]
    left, top, right, bottom = whole.box
    is_wide = right - left > WIDEST * (bottom - top)
    crosses_no_ink = label_parts(whole.ink)[1] == sum(label_parts(half.ink)[1] for half in pairs[best])
    return pairs[best] if is_wide or crosses_no_ink else [replace(whole, looks_like_two=True)]


def _prepare(ink: Grey, specks: Grey) -> PreparedDigit:
    """Bring the ink of one digit, (H, W) in [0, 1], into MNIST's form. specks: what was left out."""
    left, top, right, bottom = box = ink_box(ink)
    strokes = with_mnist_strokes(ink[top:bottom, left:right])
    inner_left, inner_top, inner_right, inner_bottom = ink_box(strokes)
    scaled = resize_longest(strokes[inner_top:inner_bottom, inner_left:inner_right], BOX)
    digit = centre_by_mass(scaled)
    seen = np.round(digit * 255).astype(np.uint8)
    return PreparedDigit(ink, box, strokes, scaled, seen, count_inside(specks, box))


def centre_by_mass(digit: Grey) -> Grey:
    """Place a digit of at most 20x20 in 28x28 with its centre of mass in the middle, to the nearest pixel.

    digit: (h, w) in [0, 1]. Returns (28, 28). A digit so lopsided that it would leave the image stays inside.
    Source: LeCun et al. 1998, section III.A.
    """
    top, left = (
        int(np.clip(round(SIZE / 2 - centre), 0, SIZE - length))
        for centre, length in zip(ndimage.center_of_mass(digit), digit.shape, strict=True)
    )
    centred = np.zeros((SIZE, SIZE), np.float32)
    centred[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return centred
