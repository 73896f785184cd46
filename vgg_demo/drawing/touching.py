"""Digits that touch, or stand so close that they were taken for one: where a straight cut may part them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from vgg_demo.drawing.grey import STROKE_EDGE, Grey, Mask
from vgg_demo.drawing.segmentation import ink_box, without_specks
from vgg_demo.drawing.stroke_width import BLOB, distance_inside, stroke_width

SLOPES = np.tan(np.radians([0, -10, 10, -20, 20]))  # of cuts, against the upright
WIDEST = 1.25  # width by height: 1 % of MNIST's digits are wider
# A cut crosses one place where the ink is at most so long, in pens' widths or beside the whole's height, and what it
# leaves on each side is at least so tall beside the whole
CROSSED, TALL = 1.5, 0.6  # strokes that meet
CROSSED_OF_HEIGHT, VERY_TALL = 0.35, 0.8  # strokes that run along each other for a while
CROSSED_IN_WIDE, TALL_IN_WIDE = 3, 0.5  # anything, in what is wider than a digit
MOST_CUTS, SLACK = 10, 1.2


def cuts(ink: Grey) -> Iterator[tuple[Grey, Grey]]:
    """Ways to part the ink, (H, W) in [0, 1], in two, left and right: first those that cross the least of it."""
    left, top, right, bottom = ink_box(ink)
    mask = ink[top:bottom, left:right] >= STROKE_EDGE
    if not mask.any():
        return
    pen = max(1.0, stroke_width(distance_inside(mask)))
    if pen > BLOB * max(mask.shape):  # a blot, no strokes
        return
    found = [(crossed, place, slope) for slope in SLOPES for crossed, place in _places(mask, pen, slope)]
    kept: list[tuple[float, float]] = []
    for _crossed, place, slope in sorted(found):
        if len(kept) < MOST_CUTS and all(abs(place - x) > pen or slope != other for x, other in kept):
            kept.append((place, slope))
    rows, columns = np.mgrid[: ink.shape[0], : ink.shape[1]]
    for place, slope in kept:
        is_left = _slanted(rows - top, columns - left, slope, bottom - top) < place
        halves = np.where(is_left, ink, 0), np.where(is_left, 0, ink)
        yield without_specks(halves[0]), without_specks(halves[1])


def _places(mask: Mask, pen: float, slope: float) -> Iterator[tuple[int, float]]:
    """Where a cut of this slope crosses little ink: how many pixels of it, and the column at half of the height."""
    height, width = mask.shape
    rows, columns = np.nonzero(mask)
    places = np.round(_slanted(rows, columns, slope, height)).astype(int)
    first = int(places.min())
    places -= first
    size = int(places.max()) + 1
    crossed = np.bincount(places, minlength=size)
    tops, bottoms = np.full(size, height), np.full(size, -1)
    np.minimum.at(tops, places, rows)
    np.maximum.at(bottoms, places, rows)
    before = np.maximum.accumulate(bottoms) - np.minimum.accumulate(tops) + 1  # how tall all ink left of here is
    after = (np.maximum.accumulate(bottoms[::-1]) - np.minimum.accumulate(tops[::-1]))[::-1] + 1
    lower = np.zeros(size)  # of the two sides
    lower[1:-1] = np.minimum(before[:-2], after[2:]) / height
    is_place = (crossed <= CROSSED * pen) & (lower >= TALL)
    is_place |= (crossed <= CROSSED_OF_HEIGHT * height) & (lower >= VERY_TALL)
    is_place |= (crossed <= CROSSED_IN_WIDE * pen) & (lower >= TALL_IN_WIDE) & (width > WIDEST * height)
    is_place &= bottoms - tops <= SLACK * crossed  # in one place: nothing lies between its ends
    for place in np.flatnonzero(is_place & (crossed == ndimage.minimum_filter(crossed, 7))):
        yield int(crossed[place]), float(place + first)


def _slanted(rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], slope: float, height: int) -> Grey:
    """The column at which a cut of this slope through each pixel passes half of the height."""
    return np.asarray(columns + slope * (rows - height / 2))
