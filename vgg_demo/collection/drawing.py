"""One drawing of a digit that was asked for: its strokes, and the same in MNIST's form."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from vgg_demo.config import CLASSES
from vgg_demo.errors import BlankImageError, CollectionError, FormatError
from vgg_demo.runs.pinned import digit_id, digit_pixels
from vgg_demo.schema import LATEST, Kind, number, read_table, rows, whole
from vgg_demo.text import N_

if TYPE_CHECKING:
    from vgg_demo.drawing.grey import Pixels
    from vgg_demo.drawing.rasterize import Points

CANVAS_PIXELS = 280  # a side of the page's canvas
MOST_POINTS = 1_000  # of a drawing: a digit has some 200
MOST_STROKES = 50
POINT_DISTANCE = 2.0  # pixels: what is nearer to the point before it is left out
FARTHEST = 10_000  # pixels from the canvas's corner, in a file; a drawing that is made has less (rasterize.py)
MOST_HAND = 99_999_999

Strokes = list[list[list[int]]]

DRAWING: dict[str, Kind] = {
    "id": digit_id,
    "digit": whole(0, CLASSES - 1),
    "hand": whole(1, MOST_HAND),
    "time": number(0, LATEST),
    "strokes": rows(rows(rows(whole(-FARTHEST, FARTHEST), 2, 2), 1, MOST_POINTS), 1, MOST_STROKES),
    "image": digit_pixels,
}


@dataclass(frozen=True)
class Drawing:
    """id: made before it is sent, so that what is sent twice is one. digit: the one that was asked for.

    hand: a random number for the person, who has no name here. time: seconds since 1970.
    strokes: the points of each, x and y in pixels of a canvas of 280×280. image: 28×28 bytes, as MNIST has it.
    """

    id: str
    digit: int
    hand: int
    time: float
    strokes: Strokes
    image: bytes

    def to_dict(self) -> dict[str, Any]:
        """As a line of the collection's file has it."""
        return {**asdict(self), "image": base64.b64encode(self.image).decode()}

    @classmethod
    def from_dict(cls, values: object) -> Drawing:
        """Read what to_dict wrote. Raises FormatError when it is something else."""
        drawing = cls(**read_table(values, DRAWING, DRAWING))
        if sum(map(len, drawing.strokes)) > MOST_POINTS:
            raise FormatError(N_("strokes: a drawing has at most {most} points"), most=MOST_POINTS)
        return drawing


def make_drawing(id: str, digit: int, hand: int, time: float, sketch: dict[str, Any] | None) -> Drawing:
    """The drawing of what a canvas has on it, as rasterize_strokes takes it.

    Raises BlankImageError when there is too little on it, and CollectionError when there is far too much.
    """
    from vgg_demo.drawing.mnist_form import prepare_digit
    from vgg_demo.drawing.rasterize import follow_strokes

    paths = follow_strokes(sketch)
    strokes = [_thinned(points) for points in paths or []]
    if paths is None or len(strokes) > MOST_STROKES or sum(map(len, strokes)) > MOST_POINTS:
        raise CollectionError(N_("these are more lines than a digit has; clear the canvas and draw the digit again"))
    image = prepare_digit(picture(strokes)).digit
    return Drawing(id, digit, hand, time, strokes, image.tobytes())


def picture(strokes: Strokes) -> Pixels:
    """The strokes with a pen that suits their size: uint8 (H, W), white on black, a little larger than the canvas.

    prepare_digit makes the drawing's image of it. Raises BlankImageError when there is too little.
    """
    from vgg_demo.drawing.rasterize import rasterize_strokes

    paths = [[["M", *stroke[0]], *(["L", *point] for point in stroke[1:])] for stroke in strokes]
    pixels = rasterize_strokes({"objects": [{"path": path} for path in paths]}, CANVAS_PIXELS, CANVAS_PIXELS)
    if pixels is None:
        raise BlankImageError(N_("there is too little on the canvas; draw the digit as large as the canvas allows"))
    return pixels


def _thinned(points: Points) -> list[list[int]]:
    """The points of a stroke, (N, 2), to whole pixels, without those that say nothing."""
    import numpy as np

    kept = [points[0]]
    for point in points[1:]:
        if np.hypot(*(point - kept[-1])) >= POINT_DISTANCE:
            kept.append(point)
    if len(points) > 1 and len(kept) == 1:
        kept.append(points[-1])
    places: list[list[int]] = np.round(kept).astype(int).tolist()
    return places
