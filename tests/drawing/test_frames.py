"""A frame around a digit is left out, however it is drawn; an 0 is none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from tests.drawing.test_mnist_form import on_canvas
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.data import Digits
from vgg_demo.drawing.frames import without_frames
from vgg_demo.drawing.predict import read_drawing
from vgg_demo.model import VGG
from vgg_demo.places import PRETRAINED

Pixels = npt.NDArray[np.uint8]
CORNERS = [(30, 24), (252, 30), (246, 256), (26, 250)]  # a little crooked


@pytest.fixture(scope="module")
def network() -> VGG:
    return load_checkpoint(PRETRAINED / "best.safetensors")[0]


def crooked(draw: ImageDraw.ImageDraw) -> None:
    draw.line([*CORNERS, CORNERS[0]], fill=255, width=6)


def with_a_gap(draw: ImageDraw.ImageDraw) -> None:
    draw.line([(120, 27), CORNERS[0], CORNERS[3], CORNERS[2], CORNERS[1], (200, 28)], fill=255, width=4)


def of_four_strokes(draw: ImageDraw.ImageDraw) -> None:
    for x in (20, 260):
        draw.line([(x, 35), (x, 245)], fill=255, width=5)
    for y in (22, 258):
        draw.line([(30, y), (250, y)], fill=255, width=5)


FRAMES: dict[str, Callable[[ImageDraw.ImageDraw], object]] = {
    "thin": lambda draw: draw.rectangle((20, 20, 260, 260), outline=255),
    "thick": lambda draw: draw.rectangle((10, 10, 270, 270), outline=255, width=12),
    "wide": lambda draw: draw.rectangle((4, 30, 276, 250), outline=255, width=3),
    "round": lambda draw: draw.rounded_rectangle((15, 15, 265, 265), 45, outline=255, width=3),
    "at the edge": lambda draw: draw.rectangle((0, 0, 279, 279), outline=255, width=2),
    "thick at the edge": lambda draw: draw.rectangle((0, 0, 279, 279), outline=255, width=14),
    "crooked": crooked,
    "with a gap": with_a_gap,
    "of four strokes": of_four_strokes,
}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("is_dark_on_light", [True, False])
def test_read_drawing_digit_in_a_frame_is_read(
    network: VGG, mnist: tuple[Digits, Digits], name: str, is_dark_on_light: bool
) -> None:
    right = 0
    for index in range(20):
        canvas = Image.fromarray(on_canvas(mnist[1].images[index], 180, 50, 50))
        FRAMES[name](ImageDraw.Draw(canvas))
        pixels = np.asarray(canvas)
        readings = read_drawing(network, 255 - pixels if is_dark_on_light else pixels)
        right += [reading.digit for reading in readings] == [int(mnist[1].labels[index])]

    assert right == 20


def test_read_drawing_frame_around_nothing_is_no_digit(network: VGG) -> None:
    canvas = Image.new("L", (280, 280))
    crooked(ImageDraw.Draw(canvas))

    assert [reading.can_tell for reading in read_drawing(network, np.asarray(canvas))] == [False]


@pytest.mark.parametrize("inside", [(136, 130, 150, 150), (125, 90, 155, 190)], ids=["dot", "stroke"])
@pytest.mark.parametrize("box", [(80, 40, 200, 240), (50, 50, 230, 230)], ids=["narrow", "round"])
def test_without_frames_an_0_with_something_in_it_is_no_frame(inside: tuple[int, ...], box: tuple[int, ...]) -> None:
    canvas = Image.new("L", (280, 280))
    ImageDraw.Draw(canvas).ellipse(box, outline=255, width=16)
    ImageDraw.Draw(canvas).line(inside, fill=255, width=12)
    ink = np.asarray(canvas, np.float32) / 255

    assert np.array_equal(without_frames(ink), ink)


def test_without_frames_neighbours_in_boxes_of_a_form_lose_their_boxes_alone() -> None:
    canvas = Image.new("L", (400, 200))
    draw = ImageDraw.Draw(canvas)
    for left in (20, 220):
        draw.line([(left + 80, 50), (left + 80, 150)], fill=255, width=10)
    digits = np.asarray(canvas, np.float32) / 255
    for left in (20, 220):
        draw.rectangle((left, 20, left + 160, 180), outline=255, width=2)

    assert np.array_equal(without_frames(np.asarray(canvas, np.float32) / 255), digits)
