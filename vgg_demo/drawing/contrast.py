"""From the colours of a picture to one brightness, and from its border to the shade of its paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from vgg_demo.drawing.grey import Grey, Pixels

BRIGHTNESS = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601-2, as PIL's "L"
STANDS_OUT = 24  # levels of 255: ink that differs by so much from its paper is seen on it
DULL = 1 / 3  # of the contrast in colour: less in brightness, and the ink is looked for in the colours
FLAT = 0.012  # a drawing program's paper has one shade, within three levels
CLEARLY_INK = 0.1  # darker or lighter than the paper by so much: ink, no unevenness
FLAT_SHARE, LEAST_PAPER = 0.8, 0.25  # of the border: how much of what is no ink is flat, and of all of it, at least
EDGE, EDGE_RINGS, RING_SHARE = 0.15, 12, 0.95  # of the shorter side: how far in paper is looked for beside a frame


def on_paper(pixels: Pixels) -> Pixels:
    """A picture without transparency: on white paper, or on black where hardly anything stands out on white.

    pixels: uint8 (H, W), (H, W, 3) or (H, W, 4). Returns uint8 (H, W) or (H, W, 3).
    """
    if pixels.ndim == 2 or pixels.shape[2] == 3:
        return pixels
    colours, opacity = pixels[..., :3].astype(np.float32), pixels[..., 3:].astype(np.float32) / 255
    white, black = (np.round(paper + (colours - paper) * opacity).astype(np.uint8) for paper in (255, 0))
    return white if _range(white) >= min(STANDS_OUT, _range(black)) else black


def to_grey(pixels: Pixels) -> Grey:
    """Brightness in [0, 1], float32 (H, W), of uint8 (H, W), (H, W, 3) or (H, W, 4).

    Where colours stand out far more than brightness does, such as red on an equally bright green: how much they differ
    from the border's colour, in the channel that differs most, as dark ink on white paper.
    """
    colours = on_paper(pixels).astype(np.float32) / 255
    if colours.ndim == 2:
        return np.asarray(colours, np.float32)
    grey = np.asarray(colours @ BRIGHTNESS, np.float32)
    difference = colours - np.median(border_of(colours), 0)  # (H, W, 3)
    darker, lighter = (-difference).max(2), difference.max(2)
    differs = darker if darker.max() >= lighter.max() else lighter
    contrast = np.abs(grey - np.median(border_of(grey))).max()
    return grey if contrast >= DULL * differs.max() else np.asarray(1 - differs.clip(0, 1), np.float32)


def border_of(picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The outermost pixels of (H, W, …), once around: (N, …)."""
    return np.concatenate([picture[0], picture[1:, -1], picture[-1, -2::-1], picture[-2:0:-1, 0]])


def paper_shade(grey: Grey) -> float:
    """The shade of the paper of (H, W): the commonest along the border, since ink may touch it.

    Where the border is a frame, most rings of pixels further in have another shade all around, and that is the paper's.
    """
    shade, _ = commonest(border_of(grey))
    widest = int(EDGE * min(grey.shape))
    depths = range(1, widest + 1, max(1, widest // EDGE_RINGS))
    rings = [commonest(border_of(grey[depth:-depth, depth:-depth])) for depth in depths]
    others = [ring for ring, share in rings if share >= RING_SHARE and abs(ring - shade) > CLEARLY_INK]
    return float(np.median(others)) if len(others) > len(rings) / 2 else shade


def commonest(values: Grey) -> tuple[float, float]:
    """The commonest shade among (N,), and the share of it, within three levels."""
    shades = np.sort(values)
    counts = np.searchsorted(shades, shades + 2 * FLAT, "right") - np.arange(len(shades))
    first = int(counts.argmax())
    return float(np.median(shades[first : first + counts[first]])), float(counts[first] / len(shades))


def is_flat(border: Grey) -> bool:
    """Whether a border, (N,) once around, is of one shade, as a drawing program's, save where ink touches it."""
    away = np.abs(border - commonest(border)[0])
    is_paper = away <= FLAT
    runs, count = ndimage.label(~is_paper)
    is_ink = np.concatenate([[False], ndimage.maximum(away, runs, range(1, count + 1)) > CLEARLY_INK])[runs]
    return bool(is_paper.mean() >= LEAST_PAPER and is_paper.sum() >= FLAT_SHARE * (~is_ink).sum())


def _range(pixels: Pixels) -> int:
    """The largest difference within a channel of uint8 (H, W, 3)."""
    return int(np.ptp(pixels.reshape(-1, 3), axis=0).max())
