"""Digits drawn with a pen: where the pen goes, and what hands change."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from scipy import ndimage

from vgg_demo.recipe import pen_strokes
from vgg_demo.recipe.pen_strokes import FORMS, draw_digits, load_forms, parse_form

DEVIATIONS = ("POINT", "PLACE", "SIZE", "BREADTH", "SLANT", "TURN", "BEND")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def only_form(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """To set the forms of a digit; a hand changes nothing, and its pen is two pixels wide."""
    for name in DEVIATIONS:
        monkeypatch.setattr(pen_strokes, name, 0.0)
    monkeypatch.setattr(pen_strokes, "PEN_WIDTH", (2.0, 2.0))
    yield monkeypatch
    load_forms.cache_clear()


def draw_form(monkeypatch: pytest.MonkeyPatch, text: str) -> np.ndarray:
    """As it is: (28, 28) in [0, 1]."""
    monkeypatch.setattr(pen_strokes, "FORMS", {**FORMS, 0: (text,)})
    load_forms.cache_clear()
    return draw_digits(torch.zeros(1, dtype=torch.int64), seeded(0))[0, 0].numpy() / 255


def test_parse_form_path_goes_through_corners_in_straight_lines() -> None:
    points, _strokes, path, is_drawn = parse_form("0,0 100,0* 40,140")

    places = (path @ points).numpy()
    assert places[0].tolist() == [0, 0]
    assert places[pen_strokes.PARTS] == pytest.approx([100, 0])
    assert places[-1].tolist() == [40, 140]
    assert places[: pen_strokes.PARTS, 1] == pytest.approx(0)
    down = places[pen_strokes.PARTS :]
    assert (100 - down[:, 0]) * 140 == pytest.approx(down[:, 1] * 60, abs=0.01)
    assert is_drawn.all()


def test_parse_form_smooth_curve_is_catmull_and_roms() -> None:
    points, _strokes, path, _is_drawn = parse_form("0,0 30,10 60,50 20,90")

    middle = (path @ points)[pen_strokes.PARTS + pen_strokes.PARTS // 2].numpy()

    assert middle == pytest.approx([(9 * 30 + 9 * 60 - 0 - 20) / 16, (9 * 10 + 9 * 50 - 0 - 90) / 16])


def test_parse_form_pen_is_up_between_strokes() -> None:
    points, strokes, path, is_drawn = parse_form("0,0 0,140 / 50,0 50,140")

    assert strokes.tolist() == [0, 0, 1, 1]
    ups = torch.nonzero(~is_drawn)[:, 0].tolist()
    assert [(path[i] @ points).tolist() + (path[i + 1] @ points).tolist() for i in ups] == [[0, 140, 50, 0]]


def test_draw_digits_form_is_drawn_as_pillow_draws_it(only_form: pytest.MonkeyPatch) -> None:
    ink = draw_form(only_form, "0,0 90,0* 30,140 / 10,80 80,70")

    large, scale = 16, 18 / 140
    canvas = Image.new("L", (28 * large, 28 * large))
    draw = ImageDraw.Draw(canvas)
    for stroke in ([(0, 0), (90, 0), (30, 140)], [(10, 80), (80, 70)]):
        places = [((x - 45) * scale + 14.5, (y - 70) * scale + 14.5) for x, y in stroke]  # of a pixel's middle: 0.5
        draw.line([(x * large, y * large) for x, y in places], fill=255, width=2 * large)
        for x, y in places:
            draw.circle((x * large, y * large), large, fill=255)
    expected = np.asarray(canvas.reduce(large)) / 255
    assert np.abs(ink - expected).max() < 0.25  # the edge of a slanted stroke
    assert np.abs(ink - expected).sum() < 0.06 * expected.sum()


def test_draw_digits_pen_that_is_up_leaves_no_ink(only_form: pytest.MonkeyPatch) -> None:
    ink = draw_form(only_form, "10,0 10,140 / 90,0 90,140")

    assert ndimage.label(ink > 0.2)[1] == 2


def test_draw_digits_are_as_large_as_those_of_mnist_and_in_the_middle() -> None:
    digits = draw_digits(torch.arange(300) % 10, seeded(0))[:, 0].numpy() / 255

    for digit in digits:
        rows, columns = (np.nonzero(digit.max(axis) > 0.5)[0] for axis in (1, 0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx(20, abs=1)
        assert (rows[0] + rows[-1]) / 2 == pytest.approx(14, abs=1)
        assert (columns[0] + columns[-1]) / 2 == pytest.approx(14, abs=1)


def test_draw_digits_is_decided_by_the_generator_and_no_two_are_alike() -> None:
    sevens = torch.full((60,), 7)

    first, again, other = (draw_digits(sevens, seeded(seed)) for seed in (1, 1, 2))

    assert torch.equal(first, again)
    assert len(torch.cat([first, other]).unique(dim=0)) == 120


def test_load_forms_every_digit_has_several_of_its_own() -> None:
    forms = load_forms()

    assert sorted(FORMS) == list(range(10))
    assert all(len(of) >= 4 for of in forms.of_digit)
    assert torch.cat(forms.of_digit).tolist() == list(range(len(forms.points)))
