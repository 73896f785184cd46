"""The width of a pen's strokes: how wide they are, and how to make them as wide as MNIST's."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from vgg_demo.drawing.grey import BOX, NEIGHBOURS, STROKE_EDGE, Grey, Mask, resize_longest

# MNIST's own strokes: median of stroke_width over 600 training digits, in pixels of the 20x20 box (half of all: 2.1 to
# 2.8). Pen strokes were read alike with 2.0, 2.2 and 2.4, within what chance does, and worse with 2.8 and 3.2
MNIST_WIDTH = 2.4
SCALE = 8  # the strokes are changed at 8 times the resolution of the box
BLOB = 0.5  # of the longer side: ink as wide as this is a blot, no stroke
HOLE_LEFT = 0.5  # of a hole's radius: how far wider strokes may grow into it


def with_mnist_strokes(ink: Grey) -> Grey:
    """The same drawing as if by a pen that leaves strokes as wide as MNIST's once scaled into the box.

    ink: (H, W) in [0, 1], the box of the ink. Returns (h, w) in [0, 1], about 160 pixels long with an empty margin.
    Every edge moves by the same distance, so the middle of each stroke stays where it was: what the pen drew is the
    same. No stroke is broken and no hole closes. A blot stays as it is.
    """
    large = np.pad(resize_longest(ink, BOX * SCALE), 3 * SCALE)
    mask = large >= min(STROKE_EDGE, float(large.max()) / 2)
    inside = distance_inside(mask)
    width = stroke_width(inside)
    length = BOX * SCALE - width  # of what the pen's tip went
    if width > BLOB * BOX * SCALE:
        return large
    wanted = length * MNIST_WIDTH / (BOX - MNIST_WIDTH)  # so wide beside it as MNIST_WIDTH beside the rest of the box
    shift = (wanted - width) / 2  # of every edge, outwards
    return _thinner(inside, -shift) if shift < 0 else _wider(mask, inside, shift)


def distance_inside(mask: Mask) -> Grey:
    """How far each pixel of the ink, (H, W), lies from the nearest that is none."""
    return np.asarray(ndimage.distance_transform_edt(mask), np.float32)


def stroke_width(inside: Grey) -> float:
    """The mean width of strokes, in pixels: twice the distance from their middle line to their edge, averaged over it.

    inside: as distance_inside returns it. The middle line is where this is at its largest among the neighbours (Blum
    1967, the medial axis).
    """
    middle = (inside > 0) & (inside == ndimage.maximum_filter(inside, 3))
    return 2 * float(inside[middle].mean()) - 1  # distances go to pixels' centres


def _thinner(inside: Grey, by: float) -> Grey:
    """Take `by` pixels off every edge, or less where that would break the drawing into more parts."""
    parts = ndimage.label(inside > 0, NEIGHBOURS)[1]
    while True:
        thin = (inside - by).clip(0, 1)
        if by < 1 or 0 < ndimage.label(thin >= STROKE_EDGE, NEIGHBOURS)[1] <= parts:
            return thin
        by *= 0.7


def _wider(mask: Mask, inside: Grey, by: float) -> Grey:
    """Add `by` pixels to every edge, and in a hole at most half of its radius."""
    outside = distance_inside(~mask)
    holes, count = ndimage.label(~mask)
    growth = np.full(count + 1, by, np.float32)
    if count > 1:
        radius = np.asarray(ndimage.maximum(outside, holes, range(count + 1)), np.float32)
        growth = np.minimum(growth, HOLE_LEFT * radius)
        growth[holes[0, 0]] = by  # what surrounds the drawing is no hole
    signed = np.where(mask, inside - 0.5, 0.5 - outside)
    return np.asarray((signed + growth[holes] + 0.5).clip(0, 1), np.float32)
