"""Photographs of handwriting: paper that is lit unevenly, ruled lines, the noise of a camera."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage

from vgg_demo.drawing.contrast import border_of, commonest, is_flat
from vgg_demo.drawing.grey import NEIGHBOURS, Grey, Mask, label_parts, part_lengths, resize_longest, spread

SMALLEST = 64  # pixels a side: what is smaller is a digit cut out already, not a photograph
PHOTO_SIZE = 400  # pixels a side that a photograph is reduced to
BACKGROUND_SIZE, BACKGROUND_WINDOW = 50, 17  # paper is followed with a median over a third of the picture
TABLE_SIZE, TABLE_CLOSING = 100, 7  # pixels: a table is looked for without the writing, which closing leaves out
TABLE_DARKER, TABLE_LEVELS = 1.35, 16  # a sheet is so many times as bright as the table, at once; shades that are tried
EDGE_PERCENTILE = 15  # of the edge all around a sheet, by its sharpness: the rest may lie in a shadow
SHEET_EDGE = 2  # pixels in from its edge, which is neither sheet nor table
TABLE_SHARE = 0.02  # of the picture: less of a table does no harm
SHEET_SHARE, SHEET_SOLID = 0.1, 0.6  # of the picture, and of the box around it: how much a sheet fills, at least
SHEET_ALONE = 0.3  # of the picture: less of white on a black background may be a thick pen's
MIN_CONTRAST = 0.12  # of the paper's brightness, where the noise is smoothed away
LINE_SHARE = 0.6  # of the picture's width: how much of a ruled line must be seen
STEEPEST, ANGLES = 0.14, 57  # slopes of ruled lines that are tried: up to 8 degrees either way
MAX_LINES = 60


def is_photograph(grey: Grey) -> bool:
    """Whether a picture's background is unlike a drawing program's: grey in [0, 1], (H, W).

    So it is, too, where the border shows nothing but a dark table and a sheet lies on it.
    """
    if min(grey.shape) < SMALLEST:
        return False
    border = border_of(grey)
    if np.ptp(border) == 0:  # no camera is so free of noise
        return False
    if not is_flat(border):
        return True
    sheet = _find_sheet(grey)
    if sheet is None or sheet.mean() <= SHEET_ALONE or border_of(sheet).any():
        return False
    return bool(np.median(_reduce(grey, TABLE_SIZE)[sheet]) > TABLE_DARKER * commonest(border)[0])


def paper_contrast(grey: Grey) -> Grey | None:
    """The handwriting on a photograph, float32 (h, w) in [0, 1], h and w at most 400; None when there is none.

    A dark table around the sheet is left out. Each place is compared with the paper around it, so shadows fade away.
    What is thin and runs straight from border to border is a ruled line; what touches the border is the edge of the
    paper, if anything else is there.
    """
    grey = _without_table(grey)
    paper = _paper(grey)
    difference = ndimage.gaussian_filter((paper - grey) / np.maximum(paper, 0.1), max(grey.shape) / 400)
    darker, lighter = (float(np.percentile(side, 99.7)) for side in (difference, -difference))
    contrast = difference if darker >= 0.8 * lighter else -difference  # ink is darker than paper, save on a blackboard
    strongest = float(np.percentile(contrast, 99.7))
    if strongest < MIN_CONTRAST:
        return None
    level = _threshold(contrast, strongest)
    mask = _within(_without_lines(contrast > level))
    if not mask.any():
        return None
    strongest = float(np.percentile(contrast[mask], 75))
    ink = (contrast - 0.5 * level) / max(strongest - 0.5 * level, 1e-6)
    return np.asarray(np.where(ndimage.binary_dilation(mask, NEIGHBOURS), ink, 0).clip(0, 1), np.float32)


def _reduce(grey: Grey, longest: int) -> Grey:
    """The same picture with at most so many pixels on its longer side."""
    return resize_longest(grey, longest, Image.Resampling.BOX) if longest < max(grey.shape) else grey


def _without_table(grey: Grey) -> Grey:
    """The picture, or the part of it around a sheet that lies on a dark table, at most 400 pixels a side.

    What is seen of the table there gets the sheet's own shade.
    """
    sheet = _find_sheet(grey)
    if sheet is None:
        return _reduce(grey, PHOTO_SIZE)
    inner = ndimage.binary_erosion(sheet, NEIGHBOURS, SHEET_EDGE, border_value=1)
    rows, columns = ndimage.find_objects(inner.astype(int))[0]
    down, across = grey.shape[0] / sheet.shape[0], grey.shape[1] / sheet.shape[1]
    top, bottom = round(rows.start * down), round(rows.stop * down)
    left, right = round(columns.start * across), round(columns.stop * across)
    part = _reduce(grey[top:bottom, left:right], PHOTO_SIZE)
    size = (part.shape[1], part.shape[0])
    is_sheet = np.asarray(Image.fromarray(inner[rows, columns]).resize(size, Image.Resampling.NEAREST))
    return spread(part, is_sheet)


def _find_sheet(grey: Grey) -> Mask | None:
    """Where a sheet of paper lies on a dark table, at most 100 pixels a side; None when no table is seen.

    Of all shades that could part the two, the brightest that does so with a sharp edge: shadows fade, and paper ends at
    once.
    """
    brightness = np.log(ndimage.grey_closing(_reduce(grey, TABLE_SIZE), TABLE_CLOSING) + 0.02)
    step = ndimage.morphological_gradient(brightness, 3)
    for level in np.linspace(brightness.max(), brightness.min(), TABLE_LEVELS + 2)[1:-1]:
        parts, count = ndimage.label(brightness > level)
        if not count:
            continue
        sheet = parts == 1 + np.bincount(parts.ravel())[1:].argmax()
        rows, columns = ndimage.find_objects(sheet.astype(int))[0]
        if sheet.mean() < SHEET_SHARE or sheet[rows, columns].mean() < SHEET_SOLID:
            continue
        sheet = np.asarray(ndimage.binary_fill_holes(sheet))
        edge = sheet & ~ndimage.binary_erosion(sheet, NEIGHBOURS, border_value=1)
        if sheet.mean() <= 1 - TABLE_SHARE and np.percentile(step[edge], EDGE_PERCENTILE) >= np.log(TABLE_DARKER):
            return sheet
    return None


def _paper(grey: Grey) -> Grey:
    """How bright the paper is at each place: the median of its surroundings, most of which is paper."""
    small = _reduce(grey, BACKGROUND_SIZE)
    smooth = ndimage.gaussian_filter(ndimage.median_filter(small, BACKGROUND_WINDOW, mode="nearest"), 1)
    size = (grey.shape[1], grey.shape[0])
    return np.asarray(Image.fromarray(smooth).resize(size, Image.Resampling.BICUBIC), np.float32)


def _threshold(contrast: Grey, strongest: float) -> float:
    """The level that parts ink from paper best, among the contrasts between the noise and the strongest."""
    noise = 1.4826 * float(np.median(np.abs(contrast - np.median(contrast))))  # as a standard deviation
    return max(_otsu(contrast.clip(0, strongest)), 4 * noise, 0.35 * strongest)


def _otsu(values: Grey) -> float:
    """The level that parts values best into low and high ones. Source: Otsu 1979."""
    counts, edges = np.histogram(values, 128)
    middles = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(middles[int(np.nanargmax(between))])


def _without_lines(mask: Mask) -> Mask:
    """Leave out straight thin lines from border to border, level or upright; a stroke across one stays whole."""
    return _without_level_lines(_without_level_lines(mask).T).T


def _without_level_lines(mask: Mask) -> Mask:
    height, width = mask.shape
    kept = mask.copy()
    slopes = np.linspace(-STEEPEST, STEEPEST, ANGLES)
    thin = _thin_runs(mask)
    for _line in range(MAX_LINES):
        rows, columns = np.nonzero(thin)
        if len(rows) < LINE_SHARE * width:
            break
        offsets = np.round(rows[None] - slopes[:, None] * columns[None]).astype(int)  # (angles, pixels)
        least = int(offsets.min())
        counts = [np.bincount(row - least, minlength=1) for row in offsets]
        best = int(np.argmax([count.max() for count in counts]))
        offset = int(counts[best].argmax()) + least
        near = np.abs(rows - slopes[best] * columns - offset) <= max(3, height // 100)
        seen = np.zeros(width, bool)
        seen[columns[near]] = True
        ends = max(2, width // 8)
        if seen.mean() < LINE_SHARE or not (seen[:ends].any() and seen[-ends:].any()):
            break
        kept[rows[near], columns[near]] = False
        thin[rows[near], columns[near]] = False
    return kept


def _thin_runs(mask: Mask) -> Mask:
    """The pixels whose run of ink from top to bottom is short: at most a 50th of the height."""
    most = max(3, mask.shape[0] // 50)
    long_runs = ndimage.binary_opening(mask, np.ones((most + 1, 1)))
    return np.asarray(mask & ~long_runs)


def _within(mask: Mask) -> Mask:
    """Leave out small specks, and what touches the border when something else is there."""
    parts, count = label_parts(mask)
    if not count:
        return mask
    sizes = np.bincount(parts.ravel())[1:]
    is_inner = ~np.isin(np.arange(1, count + 1), border_of(parts))
    if is_inner.any() and part_lengths(parts)[is_inner].max() >= 0.08 * max(mask.shape):
        sizes = np.where(is_inner, sizes, 0)
    return np.concatenate([[False], sizes >= 0.05 * sizes.max()])[parts]
