"""Leave out a frame around the digits: a box of a form, a border of a picture, a box drawn by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from vgg_demo.drawing.grey import Grey, label_parts, part_lengths, spread

Points = npt.NDArray[np.float64]

ANGLES = np.radians(np.arange(-12, 13))  # how far a frame may be turned
NEAR_SIDE, ON_SIDES = 0.12, 0.95  # of the shorter side, and of the points: a frame lies along its sides, an 0 does not
LEAST_SIDE, LEAST_DRAWN, SECTIONS = 0.3, 0.8, 40  # how much of each side and of all four is drawn; gaps are the rest
LEAST_INSIDE = 0.2  # of the frame's shorter side: how long what stands in a frame is, at least
MOST_PARTS, MOST_POINTS = 50, 2_000  # the longest of a picture; of each


def without_frames(ink: Grey) -> Grey:
    """Leave out every frame around other ink; its corners may be round, its sides crooked, and it may have a gap.

    ink: (H, W) in [0, 1]; returns the same.
    """
    parts, count = label_parts(ink)
    if count < 2:
        return ink
    places = ndimage.find_objects(parts)
    longest = np.argsort(part_lengths(parts))[-MOST_PARTS:]
    corners = [np.array([rows.start, columns.start], float) for rows, columns in places]
    frames = find_frames([np.argwhere(parts[places[i]] == i + 1) + corners[i] for i in longest])
    if not frames:
        return ink
    owners = spread(parts, parts > 0)  # the faint edge of a stroke belongs to the nearest part
    return np.asarray(np.where(np.isin(owners, longest[frames] + 1), 0, ink), np.float32)


def find_frames(parts: list[Points]) -> list[int]:
    """Which parts, (N, 2) each, are a frame around others, or together make one. A frame around nothing is none."""
    starts, ends = (np.array([edge(part, 0) for part in parts]) for edge in (np.min, np.max))  # (parts, 2)
    lengths = (ends - starts).max(1)

    def holds_ink(start: Points, end: Points) -> bool:
        is_inside = ((starts > start) & (ends < end)).all(1)
        return bool((lengths[is_inside] >= LEAST_INSIDE * (end - start).min()).any())

    frames = [i for i, part in enumerate(parts) if holds_ink(starts[i], ends[i]) and runs_around(part)]
    if frames:
        return frames
    start, end = starts.min(0), ends.max(0)
    outer = [i for i, part in enumerate(parts) if _lies_along(part - start, end - start)]
    if not outer or len(outer) == len(parts) or not holds_ink(start, end):
        return []
    return outer if runs_around(np.concatenate([parts[i] for i in outer])) else []


def runs_around(points: Points) -> bool:
    """Whether points, (N, 2), lie along the four sides of a rectangle, be it turned a little."""
    points = points[:: max(1, len(points) // MOST_POINTS)]
    turned = [points @ np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in ANGLES]
    box = min(turned, key=lambda places: float(np.prod(np.ptp(places, 0))))  # the tightest
    box, sides = box - box.min(0), np.ptp(box, 0)
    if sides.min() <= 0 or not _lies_along(box, sides):
        return False
    is_near = _distances(box, sides) <= NEAR_SIDE * sides.min()  # (N, 4)
    along = (box / sides * SECTIONS).clip(0, SECTIONS - 1).astype(int)  # (N, 2), where beside each side
    drawn = [len(np.unique(along[is_near[:, side], 1 - side % 2])) for side in range(4)]
    return min(drawn) >= LEAST_SIDE * SECTIONS and sum(drawn) >= LEAST_DRAWN * 4 * SECTIONS


def _lies_along(points: Points, sides: Points) -> bool:
    """Whether nearly all points, (N, 2), lie near a side of the box from 0 to sides."""
    return bool((_distances(points, sides).min(1) <= NEAR_SIDE * sides.min()).mean() >= ON_SIDES)


def _distances(points: Points, sides: Points) -> Points:
    """From each of (N, 2) points to the four sides of the box from 0 to sides: (N, 4)."""
    return np.concatenate([points, sides - points], 1)
