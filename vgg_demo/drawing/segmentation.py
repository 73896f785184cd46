"""What on a picture is ink, and which parts of it make one digit."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import ndimage

from vgg_demo.drawing.contrast import border_of, paper_shade, to_grey
from vgg_demo.drawing.grey import INK_LEVEL, NEIGHBOURS, Grey, Pixels, label_parts, part_lengths, spread
from vgg_demo.drawing.photos import is_photograph, paper_contrast
from vgg_demo.errors import BlankImageError
from vgg_demo.text import N_

Box = tuple[int, int, int, int]  # left, top, right, bottom; the last two exclusive

# Ink is fainter than can be read when it differs from the paper by less than so many times the paper's own unevenness
# (the median along the border); between 4 and 24 levels of 255 in any case
UNEVENNESS, FAINTEST, FAINT = 8, 4 / 255, 24 / 255
SPECK_INK, SPECK_LENGTH = 0.25, 0.2  # of the largest part's: what has less ink and is shorter is no part of a digit
SMALLEST_DOT = 12  # pixels
BLANK = N_("nothing on the picture stands out from its background; draw a digit, or use a picture with more contrast")
# Two parts are two digits when both are this tall beside the taller one, and overlap by at most so much of the
# narrower one's width; the gap is counted as a negative overlap
DIGIT_HEIGHT = 0.6
OVERLAP = -0.001


def find_ink(pixels: Pixels) -> Grey:
    """How much each pixel differs from the paper, stretched so that the strongest ink is 1.

    The paper's shade is the commonest along the border; ink may be lighter or darker. On a photograph the paper is
    followed from place to place, and ruled lines are left out.
    Returns float32 (H, W) in [0, 1]. Raises BlankImageError when nothing differs, or too little.
    """
    grey = to_grey(pixels)
    if is_photograph(grey):
        ink = paper_contrast(grey)
        if ink is None:
            raise BlankImageError(BLANK)
        return ink
    border = border_of(grey)
    difference = grey - paper_shade(grey)
    # ink is the side that sticks out further; the other side is noise of the paper
    signed = difference if difference.max() >= -difference.min() else -difference
    strongest = float(signed.max())
    unevenness = float(np.median(np.abs(border - np.median(border))))
    if strongest < np.clip(UNEVENNESS * unevenness, FAINTEST, FAINT):
        raise BlankImageError(BLANK)
    return np.asarray(np.clip(signed / strongest, 0, 1), np.float32)


def without_specks(ink: Grey) -> Grey:
    """Leave out stray dots and smudges, which would shift the digit and make it smaller.

    ink: (H, W) in [0, 1]; returns the same. A part that touches no other is a speck when, beside the largest part, it
    has under a quarter of the ink and a fifth of the length: the bar of a 5 that stands apart is longer.
    """
    parts, count = label_parts(ink)
    if count < 2:
        return ink
    amounts, lengths = ndimage.sum_labels(ink, parts, range(1, count + 1)), part_lengths(parts)
    largest = int(amounts.argmax())
    is_speck = (amounts < SPECK_INK * amounts[largest]) & (lengths < SPECK_LENGTH * lengths[largest])
    specks = np.concatenate([[False], is_speck])[parts]
    edges = ndimage.binary_dilation(specks, NEIGHBOURS, iterations=2)  # fainter than ink, but theirs
    return np.asarray(np.where(edges & ((parts == 0) | specks), 0, ink), np.float32)


def count_inside(specks: Grey, box: Box) -> int:
    """How many separate dots of (H, W) have their middle in the box; tiny ones, of under 12 pixels, do not count."""
    parts, _ = label_parts(specks)
    numbers = np.flatnonzero(np.bincount(parts.ravel())[1:] >= SMALLEST_DOT) + 1
    left, top, right, bottom = box
    middles = ndimage.center_of_mass(parts > 0, parts, numbers)
    return sum(left < x < right and top < y < bottom for y, x in middles)


def ink_box(ink: Grey) -> Box:
    """Left, top, right, bottom (the last two exclusive) of the smallest box around the ink, in pixels."""
    rows = np.flatnonzero((ink >= INK_LEVEL).any(1))
    columns = np.flatnonzero((ink >= INK_LEVEL).any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def separate_digits(ink: Grey) -> list[Grey]:
    """The ink of each digit, (H, W) each, from left to right; a list of one when there is one digit.

    ink: (H, W) in [0, 1], without specks. Parts that stand above one another, such as the bar of a 5, are one digit,
    and so is a part much lower than the tallest with its nearest neighbour. Digits that touch stay together.
    """
    parts, count = label_parts(ink)
    boxes = [(columns.start, rows.start, columns.stop, rows.stop) for rows, columns in ndimage.find_objects(parts)]
    groups = _group(boxes)
    if len(groups) < 2:
        return [ink]
    owner = np.zeros(count + 1, int)
    for number, members in enumerate(groups):
        owner[[part + 1 for part in members]] = number
    owners = owner[spread(parts, parts > 0)]  # the faint edge of a stroke belongs to the nearest part
    return [np.asarray(np.where(owners == number, ink, 0), np.float32) for number in range(len(groups))]


def _group(boxes: list[Box]) -> list[list[int]]:
    """Which parts belong together, by their boxes; groups from left to right."""
    groups = [([index], box) for index, box in enumerate(boxes)]
    while len(groups) > 1:
        tallest = max(bottom - top for _, (_, top, _, bottom) in groups)
        pairs = combinations(range(len(groups)), 2)
        closeness, i, j = max((_closeness(groups[i][1], groups[j][1], tallest), i, j) for i, j in pairs)
        if closeness <= OVERLAP:
            break
        (members, a), (others, b) = groups[i], groups[j]
        union = (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))
        groups = [group for k, group in enumerate(groups) if k not in (i, j)] + [(members + others, union)]
    return [members for members, _ in sorted(groups, key=lambda group: group[1][0] + group[1][2])]


def _closeness(a: Box, b: Box, tallest: int) -> float:
    """How much two parts belong together: their overlap from left to right, as a share of the narrower one's width."""
    overlap = (min(a[2], b[2]) - max(a[0], b[0])) / max(1, min(a[2] - a[0], b[2] - b[0]))
    is_low = min(a[3] - a[1], b[3] - b[1]) < DIGIT_HEIGHT * tallest
    return max(overlap, 1 / (2 - overlap)) if is_low and overlap < 1 else overlap
