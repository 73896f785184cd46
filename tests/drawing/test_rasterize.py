"""The path of a pen, drawn again; the paths are as the canvas writes them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from vgg_demo.drawing.rasterize import follow, rasterize_strokes


def stroke(*path: list[Any], pen: int = 22) -> dict[str, Any]:
    return {"type": "Path", "path": list(path), "strokeWidth": pen}


def test_follow_quadratic_curve_is_de_casteljaus() -> None:
    points = follow([["M", 0, 0], ["Q", 10, 20, 20, 0], ["L", 30, 0]])

    assert points[0].tolist() == [0, 0]
    assert points[1].tolist() == pytest.approx([10, 10])  # halfway: a quarter, a half and a quarter of the three points
    assert points[-2:].tolist() == [[20, 0], [30, 0]]


@pytest.mark.parametrize("scale", [0.2, 1])
@pytest.mark.parametrize("pen", [4, 40])
def test_rasterize_strokes_stroke_is_as_wide_beside_its_length_as_those_of_mnist(pen: int, scale: float) -> None:
    length = 200 * scale
    drawing = {"objects": [stroke(["M", 100, 40], ["L", 100, 40 + length], pen=pen)]}

    ink = rasterize_strokes(drawing, 280, 280)

    assert ink is not None
    rows, columns = np.nonzero(ink > 127)
    width = length * 2.4 / 17.6  # of MNIST's 20 pixels, 2.4 are the pen's
    assert np.ptp(columns) + 1 == pytest.approx(width, abs=1)
    assert np.ptp(rows) + 1 == pytest.approx(length + width, abs=1.5)
    assert columns.mean() == pytest.approx(100 + math.ceil(width / 2), abs=1)


def test_rasterize_strokes_loop_that_a_thick_pen_filled_is_open() -> None:
    loop = [["L", 140 + 18 * np.sin(t), 140 - 18 * np.cos(t)] for t in np.linspace(0.3, 2 * np.pi, 20)]

    ink = rasterize_strokes({"objects": [stroke(["M", 140, 122], *loop, pen=40)]}, 280, 560)

    assert ink is not None
    margin = 3  # 36 pixels high, so a pen of 4.9
    assert ink.shape == (280 + 2 * margin, 560 + 2 * margin)
    assert ink[140 + margin, 140 + margin] == 0
    assert ink[122 + margin, 140 + margin] > 200


def test_rasterize_strokes_stroke_along_the_edge_is_whole() -> None:
    ink = rasterize_strokes({"objects": [stroke(["M", 3, 3], ["L", 277, 3], pen=4)]}, 280, 280)

    assert ink is not None
    assert np.ptp(np.nonzero(ink > 127)[0]) + 1 == pytest.approx(274 * 2.4 / 17.6, abs=1)


def test_rasterize_strokes_frame_is_left_out_and_widens_no_pen() -> None:
    digit = stroke(["M", 140, 90], ["L", 140, 190])
    frame = stroke(["M", 22, 20], ["L", 255, 26], ["L", 260, 258], ["L", 18, 250], ["L", 20, 40])

    framed = rasterize_strokes({"objects": [frame, digit]}, 280, 280)

    assert framed is not None
    assert np.array_equal(framed, rasterize_strokes({"objects": [digit]}, 280, 280))


@pytest.mark.parametrize("drawing", [
    None, {}, {"objects": []}, {"objects": [stroke(["M", 10, 10], ["L", 10.001, 10])]}, {"objects": [{"type": "Rect"}]},
    {"objects": [stroke()]},
])  # fmt: skip
def test_rasterize_strokes_without_a_path_to_follow_gives_none(drawing: dict[str, Any] | None) -> None:
    assert rasterize_strokes(drawing, 280, 280) is None


LINE = [["M", 10, 10], ["L", 200, 200]]


@pytest.mark.parametrize("drawing", [
    "abc", [1], {"objects": "abc"}, {"objects": None}, {"objects": [None, 1]}, {"objects": [{"path": "MLQ"}]},
    {"objects": [{"path": 7}]}, {"objects": [{"path": {"M": 1}}]}, *({"objects": [{"path": path}]} for path in (
        [["Q", 1, 2, 3, 4]], [*LINE, ["L", 3]], [*LINE, []], [["M"], ["L"]], [*LINE, ["L", *range(100_000)]],
        [*LINE, ["Q", 1, 2]], [*LINE, ["L", "a", "b"]], [*LINE, ["L", None, 1]], [*LINE, ["L", [1, 2], [3, 4]]],
        [*LINE, [["L"], 1, 2]], [*LINE, ["L", 10**400, 1]], [*LINE, ["L", math.inf, 1]], [*LINE, 5],
    )),
], ids=repr)  # fmt: skip
def test_rasterize_strokes_what_no_canvas_writes_gives_none(drawing: Any) -> None:
    assert rasterize_strokes(drawing, 280, 280) is None


@pytest.mark.parametrize("path", [
    [["M", 0, 0], *(["L", 1e9 * (-1) ** i, 0] for i in range(1_000))],
    [["M", 0, 0], *(["L", 0, 0] for _i in range(20_000))],
    [["M", 0, 0], ["L", math.nan, 100]],
], ids=["long", "many", "nan"])  # fmt: skip
def test_rasterize_strokes_more_than_people_draw_gives_none(path: list[list[Any]]) -> None:
    assert rasterize_strokes({"objects": [{"path": path}]}, 280, 280) is None


def test_rasterize_strokes_point_far_away_makes_no_picture_of_its_size() -> None:
    ink = rasterize_strokes({"objects": [stroke(["M", 140, 140], ["L", 1e9, -1e9])]}, 280, 280)

    assert ink is not None
    assert max(ink.shape) < 1_000
