"""Where a pen went, drawn with a pen that suits the size of the drawing.

A thick pen on a small digit fills its loops, and no look at the pixels brings them back. The canvas knows the path of
every stroke, so its drawings are read as if every one had been drawn with the same pen.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from vgg_demo.drawing.frames import find_frames
from vgg_demo.drawing.grey import BOX, Pixels
from vgg_demo.drawing.stroke_width import MNIST_WIDTH

Points = npt.NDArray[np.float64]

FINER = 2  # drawn twice as large, then reduced, for smooth edges
SMALLEST = 16  # pixels: what is shorter is a dot, and its path says nothing
FARTHEST = 1_000  # pixels from the canvas's corner, where a finger has left it
MOST_MOVES = 20_000  # of all strokes: a digit has some 100
LONGEST = 200_000  # pixels, all strokes together: with the thinnest pen the widest canvas is full after 40,000
MOVES = {"M": 2, "L": 2, "Q": 4}  # how many numbers belong to a move, a line and a quadratic curve
LARGEST = 1e12  # of a number: no canvas writes it, and no arithmetic overflows with it
CURVE_PARTS = 2  # straight parts of one curve, which spans half of two moves of the mouse


def rasterize_strokes(drawing: dict[str, Any] | None, height: int, width: int) -> Pixels | None:
    """The strokes of a canvas, each in its place, with a pen as wide beside the longest stroke as MNIST's pens were.

    drawing: what the canvas has on it, {"objects": [{"path": [["M", x, y], ["Q", x, y, x, y], …], …}, …]}, in
    pixels. Returns uint8, white on black, the canvas with a margin on every side for half of the pen's width: at its
    edge the pen may be wider than the one that was used. A frame around others is left out. None when no stroke has at
    least 16 pixels, or follow_strokes gives none.
    """
    strokes = follow_strokes(drawing)
    if not strokes:
        return None
    frames = find_frames([_filled_in(points) for points in strokes])
    strokes = [points for i, points in enumerate(strokes) if i not in frames]
    longest = max(float(np.ptp(points, axis=0).max()) for points in strokes)
    if longest < SMALLEST:
        return None
    pen = FINER * longest * MNIST_WIDTH / (BOX - MNIST_WIDTH)
    margin = math.ceil(pen / 2 / FINER)
    canvas = Image.new("L", (FINER * (width + 2 * margin), FINER * (height + 2 * margin)))
    draw = ImageDraw.Draw(canvas)
    for points in strokes:
        places = [(float(x), float(y)) for x, y in FINER * (points + margin)]
        draw.line(places, fill=255, width=round(pen), joint="curve")
        for end in (places[0], places[-1]):
            draw.circle(end, pen / 2, fill=255)
    return np.asarray(canvas.reduce(FINER))


def follow_strokes(drawing: dict[str, Any] | None) -> list[Points] | None:
    """The points of each stroke of a canvas. None when something is no stroke, or there is far more than people draw.

    drawing: as of rasterize_strokes. What is drawn takes memory by its length, whatever a browser sends.
    """
    try:
        paths = [shape["path"] for shape in (drawing or {}).get("objects", [])]
        if sum(map(len, paths)) > MOST_MOVES or not all(map(_is_path, paths)):
            return None
    except (AttributeError, KeyError, TypeError):  # a browser can send anything
        return None
    strokes = [follow(path) for path in paths]
    length = sum(float(np.hypot(*np.diff(points, axis=0).T).sum()) for points in strokes)
    return strokes if length <= LONGEST else None


def _is_path(path: Any) -> bool:
    """Whether it is a path as follow takes it: a list of moves, of which the first is an M."""
    return isinstance(path, list) and all(map(_is_move, path)) and bool(path) and path[0][0] == "M"


def _is_move(move: Any) -> bool:
    if not (isinstance(move, list) and move and isinstance(move[0], str)):
        return False
    numbers = move[1:]
    return len(numbers) == MOVES.get(move[0]) and all(
        isinstance(number, int | float) and abs(number) < LARGEST for number in numbers
    )


def follow(path: list[list[Any]]) -> Points:
    """The points of a path of moves (M), lines (L) and quadratic curves (Q): float64 (N, 2), x and y.

    A point that is far from the canvas comes as near as FARTHEST.
    """
    points: list[Points] = []
    times = np.linspace(0, 1, CURVE_PARTS + 1)[1:, None]
    for command, *numbers in path:
        ends = np.asarray(numbers, np.float64).reshape(-1, 2)
        if command == "Q":
            start, (middle, end) = points[-1], ends
            points.extend((1 - times) ** 2 * start + 2 * times * (1 - times) * middle + times**2 * end)
        else:
            points.extend(ends)
    return np.clip(points, -FARTHEST, FARTHEST)


def _filled_in(points: Points) -> Points:
    """A path with a point at each pixel of its length: (N, 2) to (M, 2)."""
    along = np.concatenate([[0], np.hypot(*np.diff(points, axis=0).T).cumsum()])
    every = np.arange(along[-1] + 1)
    return np.stack([np.interp(every, along, points[:, axis]) for axis in (0, 1)], 1)
