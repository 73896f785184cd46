"""Drawings that are no digits, made from code, to measure how often they are taken for one.

Letters come from the DejaVu fonts that matplotlib brings along. Left out are those that are digits in shape, wholly or
as people write them: O o Q D G C c 0-like; I i l L j J 1-like; S s Z z B b g q y Y a e T P like 5, 2, 8, 6, 9, 7.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

CANVAS = 280
LETTERS = "AEFHKMNRUVWXdfhkmnprtuvwx"
FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSans-Oblique.ttf")

Pixels = npt.NDArray[np.uint8]
Point = tuple[float, float]
Draw = Callable[[ImageDraw.ImageDraw, np.random.Generator, int], None]


def make_scribbles(count: int, seed: int = 0) -> list[tuple[str, Pixels]]:
    """Drawings with the name of their kind: uint8 (280, 280), white on black; the same for the same seed."""
    rng = np.random.default_rng(seed)
    kinds = list(KINDS)
    return [(kinds[i % len(kinds)], draw_one(KINDS[kinds[i % len(kinds)]], rng)) for i in range(count)]


def draw_one(draw: Draw, rng: np.random.Generator) -> Pixels:
    """One drawing at a random place and size, with a random pen of 8 to 30 pixels."""
    image = Image.new("L", (CANVAS, CANVAS))
    draw(ImageDraw.Draw(image), rng, int(rng.integers(8, 31)))
    turned = image.rotate(float(rng.uniform(-8, 8)), Image.Resampling.BICUBIC)
    side = int(rng.uniform(0.5, 1) * CANVAS)
    canvas = Image.new("L", (CANVAS, CANVAS))
    canvas.paste(turned.resize((side, side)), tuple(int(v) for v in rng.integers(0, CANVAS - side + 1, 2)))  # type: ignore[arg-type]
    return np.asarray(canvas)


def line(draw: ImageDraw.ImageDraw, points: list[Point], pen: int) -> None:
    """A stroke with round ends."""
    draw.line(points, fill=255, width=pen, joint="curve")
    for x, y in (points[0], points[-1]):
        draw.circle((x, y), pen / 2, fill=255)


def dot(draw: ImageDraw.ImageDraw, rng: np.random.Generator, pen: int) -> None:
    """A single dot."""
    x, y = rng.uniform(40, 240, 2)
    draw.circle((x, y), pen / 2, fill=255)


def curves(draw: ImageDraw.ImageDraw, rng: np.random.Generator, pen: int) -> None:
    """A scribble: one long smooth line that wanders about."""
    knots = rng.uniform(30, 250, (int(rng.integers(7, 13)), 2))
    times = np.linspace(0, len(knots) - 1, 200)
    whole = np.minimum(times.astype(int), len(knots) - 2)
    share = (times - whole)[:, None]
    share = share * share * (3 - 2 * share)
    path = knots[whole] * (1 - share) + knots[whole + 1] * share
    kernel = np.ones(15) / 15
    smooth = np.stack([np.convolve(np.pad(path[:, i], 7, mode="edge"), kernel, "valid") for i in (0, 1)], 1)
    line(draw, [(float(x), float(y)) for x, y in smooth], pen)


def zigzag(draw: ImageDraw.ImageDraw, rng: np.random.Generator, pen: int) -> None:
    """Hatching back and forth."""
    turns = int(rng.integers(6, 12))
    xs = np.linspace(40, 240, turns) + rng.normal(0, 6, turns)
    ys = np.where(np.arange(turns) % 2, 230, 50) + rng.normal(0, 15, turns)
    points = [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]
    line(draw, points if rng.random() < 0.5 else [(y, x) for x, y in points], min(pen, 16))


def strokes(draw: ImageDraw.ImageDraw, rng: np.random.Generator, pen: int) -> None:
    """Several straight strokes, anyhow."""
    for _stroke in range(int(rng.integers(4, 8))):
        ends = rng.uniform(30, 250, (2, 2))
        line(draw, [(float(x), float(y)) for x, y in ends], pen)


def letter(draw: ImageDraw.ImageDraw, rng: np.random.Generator, pen: int) -> None:
    """A printed letter."""
    font = _font(str(rng.choice(FONTS)))
    draw.text((140, 140), str(rng.choice(list(LETTERS))), fill=255, font=font, anchor="mm")


def shape(draw: ImageDraw.ImageDraw, rng: np.random.Generator, pen: int) -> None:
    """A triangle, a square, a star, crosses, an arrow, a house or a spiral."""
    star = [(140 + 100 * np.sin(i * 0.8 * np.pi), 140 - 100 * np.cos(i * 0.8 * np.pi)) for i in range(6)]
    spiral = [(140 + t * np.cos(t / 6), 140 + t * np.sin(t / 6)) for t in np.linspace(5, 105, 150)]
    figures: list[list[list[Point]]] = [
        [[(140, 40), (240, 230), (40, 230), (140, 40)]],
        [[(50, 50), (230, 50), (230, 230), (50, 230), (50, 50)]],
        [star],
        [[(50, 50), (230, 230)], [(230, 50), (50, 230)]],
        [[(140, 40), (140, 240)], [(40, 140), (240, 140)]],
        [[(40, 140), (240, 140)], [(170, 70), (240, 140), (170, 210)]],
        [[(60, 230), (60, 120), (140, 40), (220, 120), (220, 230), (60, 230)], [(60, 120), (220, 120)]],
        [spiral],
    ]
    for points in figures[int(rng.integers(len(figures)))]:
        line(draw, points, min(pen, 20))


def face(draw: ImageDraw.ImageDraw, rng: np.random.Generator, pen: int) -> None:
    """A round face with eyes and a mouth, merry or sad."""
    pen = min(pen, 14)
    draw.ellipse((40, 40, 240, 240), outline=255, width=pen)
    apart = rng.uniform(30, 50)
    for x in (140 - apart, 140 + apart):
        draw.circle((x, rng.uniform(100, 120)), pen * 0.8, fill=255)
    if rng.random() < 0.5:
        draw.arc((90, 120, 190, 210), 20, 160, fill=255, width=pen)
    else:
        draw.arc((90, 170, 190, 260), 200, 340, fill=255, width=pen)


KINDS: dict[str, Draw] = {
    "dot": dot, "curves": curves, "zigzag": zigzag, "strokes": strokes, "letter": letter, "shape": shape, "face": face,
}  # fmt: skip


@cache
def _font(name: str) -> ImageFont.FreeTypeFont:
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, 220)
