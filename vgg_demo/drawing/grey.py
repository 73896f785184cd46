"""What the steps of reading a drawing share: grey pictures, their size, and their connected parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

Pixels = npt.NDArray[np.uint8]
Grey = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int32]

INK_LEVEL = 0.25  # share of the strongest contrast from which a pixel counts as ink
STROKE_EDGE = 0.5  # the grey level at which a stroke ends
BOX = 20  # pixels: MNIST's digits were scaled into a box of this size
NEIGHBOURS = ndimage.generate_binary_structure(2, 2)  # of a pixel, also by a corner


def resize_longest(grey: Grey, longest: int, method: Image.Resampling = Image.Resampling.BICUBIC) -> Grey:
    """The same picture, (H, W) in [0, 1], with `longest` pixels on its longer side, keeping its shape."""
    factor = longest / max(grey.shape)
    height, width = (max(1, round(side * factor)) for side in grey.shape)
    return np.asarray(Image.fromarray(grey).resize((width, height), method), np.float32).clip(0, 1)


def label_parts(ink: npt.NDArray[Any]) -> tuple[Labels, int]:
    """Number the parts of a picture or mask, (H, W), that touch no other: (H, W), 0 without ink, and how many."""
    labels, count = ndimage.label(ink >= INK_LEVEL, NEIGHBOURS)
    return np.asarray(labels), int(count)


def part_lengths(labels: Labels) -> npt.NDArray[np.int64]:
    """The longer side of the box around each part of (H, W), in pixels: (parts,)."""
    return np.array([max(rows.stop - rows.start, columns.stop - columns.start)
                     for rows, columns in ndimage.find_objects(labels)])  # fmt: skip


def spread(values: npt.NDArray[Any], is_known: Mask) -> npt.NDArray[Any]:
    """Each pixel's value, (H, W), or where it is not known that of the nearest pixel where it is."""
    nearest = ndimage.distance_transform_edt(~is_known, return_distances=False, return_indices=True)
    return np.asarray(values[tuple(nearest)])
