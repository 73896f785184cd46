"""From a drawing to answers, with the shipped network; digits from MNIST's test set, the rest drawn from code."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter

from tests.drawing.test_mnist_form import on_canvas
from tests.studies.scribbles import KINDS, make_scribbles
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.data import Digits
from vgg_demo.drawing.image_files import decode_image, list_pictures
from vgg_demo.drawing.mnist_form import prepare_digit
from vgg_demo.drawing.predict import read_drawing, read_files
from vgg_demo.errors import BlankImageError, ImageError
from vgg_demo.model import VGG
from vgg_demo.places import PRETRAINED

Pixels = npt.NDArray[np.uint8]
SEVEN = [[(80, 60), (200, 60), (120, 230)]]
EIGHT = [[(140 + 50 * np.sin(2 * t), 140 - 90 * np.cos(t)) for t in np.linspace(0, 2 * np.pi, 60)]]
FIVE = [[(110, 60), (105, 130), (160, 130), (185, 175), (160, 220), (100, 220)], [(125, 60), (190, 60)]]


@pytest.fixture(scope="module")
def network() -> VGG:
    return load_checkpoint(PRETRAINED / "best.safetensors")[0]


def drawn(strokes: list[list[tuple[float, float]]], pen: int, scale: float = 1, x: float = 0, y: float = 0) -> Pixels:
    canvas = Image.new("L", (280, 280))
    draw = ImageDraw.Draw(canvas)
    for stroke in strokes:
        points = [(x + px * scale, y + py * scale) for px, py in stroke]
        draw.line(points, fill=255, width=pen, joint="curve")
        for end in (points[0], points[-1]):
            draw.circle(end, pen / 2, fill=255)
    return np.asarray(canvas)


def photographed(ink: Pixels, seed: int, is_ruled: bool, table: int | None = None) -> Pixels:
    """Dark ink on paper in a shadow, with ruled lines, blur and the noise of a camera, as JPEG.

    table: the shade of the table that the sheet lies on, turned a little; None when nothing but paper is seen.
    """
    rng = np.random.default_rng(seed)
    size = (560, 560)
    page = Image.new("L", size, 225)
    if is_ruled:
        for row in range(25, 560, 45):
            ImageDraw.Draw(page).line([(0, row), (560, row + 8)], fill=170, width=3)
    page.paste(25, mask=Image.fromarray(ink).resize(size))
    if table is not None:
        sheet = page.resize((320, 320)).convert("RGBA").rotate(seed - 10, expand=True)
        page = Image.new("L", size, table)
        page.paste(sheet.convert("L"), (90, 70), sheet.getchannel("A"))
    light = np.linspace(1, 0.55, 560) * np.where(np.arange(560) < 300, 1, 0.8)[:, None]
    grey = np.asarray(page.filter(ImageFilter.GaussianBlur(1.2))) * light + rng.normal(0, 5, size)
    file = io.BytesIO()
    Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=70)
    return decode_image(file, "photo.jpg")


@pytest.mark.parametrize(("strokes", "digit"), [(SEVEN, 7), (EIGHT, 8), (FIVE, 5)])
@pytest.mark.parametrize(("pen", "scale"), [(4, 1), (8, 0.4), (12, 1), (30, 1), (12, 0.35)])
def test_read_drawing_same_digit_whatever_the_pen_and_size(
    network: VGG, strokes: list[list[tuple[float, float]]], digit: int, pen: int, scale: float
) -> None:
    readings = read_drawing(network, drawn(strokes, pen, scale, x=20))

    assert [(reading.digit, reading.can_tell) for reading in readings] == [(digit, True)]
    assert sum(readings[0].probabilities) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("pen", [4, 20, 44])
def test_prepare_digit_strokes_come_out_as_wide_as_those_of_mnist(pen: int) -> None:
    stroke = prepare_digit(drawn([[(140, 30), (140, 250)]], pen)).digit / 255

    width = stroke[8:20].sum(1)  # the ink of each row, in pixels
    assert width.min() > 1.79  # as wide as nine tenths of MNIST's own ones, measured across their slant
    assert width.max() < 4.60


@pytest.mark.parametrize("pen", [3, 24])
def test_prepare_digit_small_loops_stay_open(pen: int) -> None:
    loops = [[(140 + r * np.sin(t), y + r * np.cos(t)) for t in np.linspace(0, 2 * np.pi, 40)]
             for r, y in ((26, 100), (30, 156))]  # fmt: skip

    seen = prepare_digit(drawn(loops, pen)).digit

    assert seen[:, 14][seen[:, 14] > 128].size > 0
    dark = (seen[:, 14] < 128).astype(int)
    assert (np.diff(dark) == 1).sum() == 3  # outside below, and two holes, each entered once from above


def test_read_drawing_several_digits_come_from_left_to_right(network: VGG, mnist: tuple[Digits, Digits]) -> None:
    canvas = np.zeros((280, 400), np.uint8)
    for place in range(4):
        image = Image.fromarray(mnist[1].images[place, 0].numpy()).resize((95, 95), Image.Resampling.BICUBIC)
        canvas[80 + 10 * place : 175 + 10 * place, 100 * place : 100 * place + 95] = np.asarray(image)

    readings = read_drawing(network, canvas)

    assert [reading.digit for reading in readings] == [7, 2, 1, 0]
    lefts = [reading.prepared.box[0] for reading in readings]
    assert lefts == sorted(lefts)


def test_read_drawing_mnist_digits_are_one_digit_each_and_told(network: VGG, mnist: tuple[Digits, Digits]) -> None:
    readings = [read_drawing(network, on_canvas(image, 200, 30, 40)) for image in mnist[1].images[:200]]

    assert sum(len(found) != 1 for found in readings) <= 1
    assert sum(not found[0].can_tell for found in readings) <= 6
    labels = mnist[1].labels[:200].tolist()
    assert sum(found[0].digit != label for found, label in zip(readings, labels, strict=True)) <= 2


def test_read_drawing_empty_canvas_gives_nothing(network: VGG) -> None:
    assert read_drawing(network, np.zeros((280, 280, 4), np.uint8)) == []


def test_read_drawing_seldom_takes_for_a_digit_what_is_none(network: VGG) -> None:
    taken = [kind for kind, pixels in make_scribbles(20 * len(KINDS), seed=1)
             if all(reading.can_tell for reading in read_drawing(network, pixels))]  # fmt: skip

    assert len(taken) <= 0.15 * 20 * len(KINDS), taken
    assert "dot" not in taken


def test_read_drawing_untrained_network_does_not_refuse_every_digit(mnist: tuple[Digits, Digits]) -> None:
    from vgg_demo.presets import get_preset

    torch.manual_seed(0)
    weak = VGG(get_preset("classroom").config.model)

    are_digits = [read_drawing(weak, on_canvas(image, 200, 30, 40))[0].can_tell for image in mnist[1].images[:50]]

    assert sum(are_digits) > 25


@pytest.mark.parametrize("is_ruled", [False, True], ids=["plain paper", "ruled paper"])
@pytest.mark.parametrize("table", [None, 15, 110])
def test_read_drawing_photographs_are_read(
    network: VGG, mnist: tuple[Digits, Digits], is_ruled: bool, table: int | None
) -> None:
    right = 0
    for index in range(20):
        photo = photographed(on_canvas(mnist[1].images[index], 200, 30, 40), index, is_ruled, table)
        readings = read_drawing(network, photo)
        right += [reading.digit for reading in readings] == [int(mnist[1].labels[index])]

    assert right >= 17


def test_list_pictures_of_a_folder_without_any_raises_image_error(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("none")

    with pytest.raises(ImageError, match="no picture"):
        list_pictures([tmp_path])


def broken_file(number: int) -> bytes:
    """Something like a picture: of any mode, format and size, cut short or with bytes changed; or something else."""
    rng = np.random.default_rng(number)
    if number % 10 == 0:
        return [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"text", b"", rng.bytes(200)][number // 10 % 4]
    mode, kind = [
        ("L", "PNG"),
        ("RGB", "JPEG"),
        ("RGBA", "PNG"),
        ("P", "GIF"),
        ("CMYK", "JPEG"),
        ("1", "TIFF"),
        ("RGB", "WEBP"),
        ("LA", "PNG"),
        ("I;16", "PNG"),
        ("F", "TIFF"),
        ("RGB", "BMP"),
    ][number % 11]
    height, width = rng.integers(1, 90, 2)
    levels = rng.integers(0, 256, (height, width), np.uint8)
    is_deep = mode in ("I;16", "F")
    picture = Image.fromarray(levels.astype(np.uint16 if mode == "I;16" else np.float32)) if is_deep else (
        Image.fromarray(levels).convert(mode))  # fmt: skip
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = int(rng.integers(0, 12))
    picture.save(file, kind, exif=exif) if kind in ("JPEG", "PNG", "WEBP") else picture.save(file, kind)
    content = bytearray(file.getvalue())
    if number % 3 == 0:
        return bytes(content[: int(rng.integers(1, len(content)))])
    if number % 3 == 1:
        for place in rng.integers(0, len(content), 4):
            content[place] = int(rng.integers(0, 256))
    return bytes(content)


@pytest.mark.filterwarnings("ignore")
def test_read_files_any_file_gives_readings_or_one_line(network: VGG, tmp_path: Path) -> None:
    read = 0
    path = tmp_path / "any.png"
    for number in range(330):  # each kind of file, whole and damaged in either way, with each other thing
        path.write_bytes(broken_file(number))
        (found,) = read_files(network, [path])
        if isinstance(found, ImageError):
            assert not isinstance(found, BlankImageError)
            assert "\n" not in str(found)
        else:
            read += 1

    assert read > 100
