"""How digits are read that people write with a pen on the canvas: by hands, and by forms that networks find hard.

python -m tests.studies.pens [tuning] [CHECKPOINT] prints the table by set, of hands and forms that neither `best` nor
the limit of "I can't tell" has learned from. "tuning" takes others than those that are reported, to choose settings by.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from tests.studies.pen_forms import HELD_OUT, TUNING
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.drawing.predict import read_drawing
from vgg_demo.drawing.rasterize import rasterize_strokes
from vgg_demo.model import VGG
from vgg_demo.runs.checkpoints import find_checkpoint

CANVAS = 280
HARD = {  # sets of forms: digit and how their names begin
    "slashed 0": (0, "slashed"), "1 with flag": (1, "flag"), "slim 2": (2, "slim"), "slim 3": (3, "slim"),
    "4, one stroke": (4, "bolt"), "crooked 4": (4, "crooked"), "closed 4": (4, "closed"),
    "7 crossed low": (7, "crossed low"), "slim 8": (8, "slim"), "9, flat base": (9, "flat"), "9, hooked": (9, "hooked"),
    "9, small loop": (9, "small"),
}  # fmt: skip
Points = npt.NDArray[np.float64]
Drawing = dict[str, Any]


@dataclass(frozen=True)
class Hand:
    """One who writes. Lengths in units of the form's box, 100×140; size in pixels of the canvas; slant in x per y."""

    slant: float
    width: float
    sloppiness: float
    tremor: float
    bend: float
    size: float
    spacing: float

    @classmethod
    def make(cls, rng: np.random.Generator) -> Hand:
        """Any hand."""
        return cls(
            slant=rng.normal(0.05, 0.2), width=np.exp(rng.normal(0, 0.22)).clip(0.75, 1.5),
            sloppiness=rng.uniform(1.5, 5), tremor=rng.uniform(0, 1.5), bend=rng.uniform(0, 0.12),
            size=rng.uniform(90, 230), spacing=rng.uniform(3, 12),
        )  # fmt: skip

    def write(self, form: str, rng: np.random.Generator) -> Drawing:
        """What is on the canvas once it has drawn the form: paths as the canvas writes them."""
        strokes = [_curve(stroke, partial(rng.normal, 0, self.sloppiness)) for stroke in form.split("/")]
        slant, width = self.slant + rng.normal(0, 0.06), self.width * np.exp(rng.normal(0, 0.08))
        bend, turn = rng.normal(0, self.bend, 3), rng.normal(0, 0.05)
        placed = []
        for stroke in strokes:
            x, y = ((stroke + rng.normal(0, 0.6 * self.sloppiness, 2) - (50, 70)) / 70).T
            x, y = x + bend[0] * y**2 + bend[1] * x * y, y + bend[2] * x**2
            x = width * x - slant * y
            placed.append(np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], 1))
        every = np.concatenate(placed)
        low, span = every.min(0), np.ptp(every, axis=0)
        scale = self.size * np.exp(rng.normal(0, 0.1)) / span.max()
        corner = 8 + rng.uniform(0.1, 0.9, 2) * np.maximum(0, CANVAS - 16 - span * scale)
        paths = [self._path((points - low) * scale + corner, scale, rng) for points in placed]
        return {"objects": [{"type": "Path", "path": path, "strokeWidth": 22} for path in paths]}

    def _path(self, points: Points, scale: float, rng: np.random.Generator) -> list[list[Any]]:
        """Moves of a pen that trembles: a point every so many pixels, curves between their middles."""
        along = np.concatenate([[0], np.hypot(*np.diff(points, axis=0).T).cumsum()])
        stops = np.linspace(0, along[-1], max(2, round(along[-1] / self.spacing)))
        moves = np.stack([np.interp(stops, along, axis) for axis in points.T], 1)
        moves += rng.normal(0, self.tremor * scale / 140, moves.shape)
        middles = (moves[:-1] + moves[1:]) / 2
        curves = [["Q", *move, *middle] for move, middle in zip(moves[1:-1], middles[1:], strict=True)]
        return [["M", *moves[0]], *curves, ["L", *moves[-1]]]


def _curve(stroke: str, chance: Any) -> Points:
    """A stroke with its points a little elsewhere: a smooth curve between corners, (N, 2)."""
    words = stroke.split()
    points = np.array([[float(v) for v in word.removesuffix("*").split(",")] for word in words])
    points = points + chance(size=points.shape)
    corners = [0, *(i for i, word in enumerate(words) if word.endswith("*")), len(words) - 1]
    parts = []
    for first, last in pairwise(corners):
        some = points[first : last + 1]
        along = np.concatenate([[0], np.hypot(*np.diff(some, axis=0).T).cumsum()])
        parts.append(PchipInterpolator(along, some)(np.linspace(0, along[-1], 24 * (last - first) + 1)))
    return np.concatenate(parts)


def sets_of_drawings(is_tuning: bool, count: int) -> dict[str, list[tuple[int, Drawing]]]:
    """So many drawings, each with its digit, of each of six hands (three for tuning), and half as many of each form."""
    forms = TUNING if is_tuning else HELD_OUT
    seed = 1 if is_tuning else 2
    sets: dict[str, list[tuple[int, Drawing]]] = {}
    for number in range(3 if is_tuning else 6):
        rng = np.random.default_rng((seed, number))
        hand = Hand.make(rng)
        own = {digit: list(rng.permutation(list(forms[digit].values()))[:2]) for digit in forms}
        sets[f"hand {'abcdef'[number]}"] = [
            (i % 10, hand.write(own[i % 10][int(rng.random() < 0.3)], rng)) for i in range(count)
        ]
    for name, (digit, beginning) in HARD.items():
        rng = np.random.default_rng((seed, 100, *name.encode()))
        some = [form for kind, form in forms[digit].items() if kind.startswith(beginning)]
        sets[name] = [(digit, Hand.make(rng).write(some[i % len(some)], rng)) for i in range(count // 2)]
    return sets


def measure(network: VGG, drawings: list[tuple[int, Drawing]]) -> tuple[float, float, float]:
    """Through the canvas's path, the shares of drawings read right, right and accepted, and refused."""
    right = accepted = refused = 0
    for digit, drawing in drawings:
        ink = rasterize_strokes(drawing, CANVAS, CANVAS)
        assert ink is not None
        readings = read_drawing(network, ink)
        is_right = [reading.digit for reading in readings] == [digit]
        can_tell = bool(readings) and all(reading.can_tell for reading in readings)
        right, accepted, refused = right + is_right, accepted + (is_right and can_tell), refused + (not can_tell)
    return right / len(drawings), accepted / len(drawings), refused / len(drawings)


def main(arguments: list[str]) -> int:
    """Print the table."""
    names = [name for name in arguments if name != "tuning"]
    network, _ = load_checkpoint(find_checkpoint(names[0] if names else None))
    print(f"{'set':<16} {'right':>7} {'and accepted':>13} {'refused':>8}")
    rows = {}
    for name, drawings in sets_of_drawings("tuning" in arguments, 500).items():
        rows[name] = measure(network, drawings)
        print(f"{name:<16} {rows[name][0]:>7.1%} {rows[name][1]:>13.1%} {rows[name][2]:>8.1%}", flush=True)
    for kind, is_hand in (("hands", True), ("hard forms", False)):
        mean = np.mean([row for name, row in rows.items() if name.startswith("hand ") == is_hand], axis=0)
        print(f"mean of {kind:<10}{mean[0]:>5.1%} {mean[1]:>13.1%} {mean[2]:>8.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
