"""Ink of any colour on any paper: faint, coloured, on transparency, trimmed to its edges."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.data import Digits
from vgg_demo.drawing.contrast import is_flat, on_paper, paper_shade
from vgg_demo.drawing.image_files import decode_image
from vgg_demo.drawing.mnist_form import prepare_digit
from vgg_demo.drawing.predict import read_drawing
from vgg_demo.errors import BlankImageError
from vgg_demo.model import VGG
from vgg_demo.places import PRETRAINED

Pixels = npt.NDArray[np.uint8]
Colour = tuple[int, ...]


@pytest.fixture(scope="module")
def network() -> VGG:
    return load_checkpoint(PRETRAINED / "best.safetensors")[0]


def enlarged(digit: Pixels, scale: int) -> Pixels:
    size = (digit.shape[1] * scale, digit.shape[0] * scale)
    return np.asarray(Image.fromarray(digit).resize(size, Image.Resampling.BICUBIC))


def painted(mnist: tuple[Digits, Digits], index: int, paper: Colour, ink: Colour) -> Pixels:
    """A test digit in one colour on another, uint8 (280, 280, channels)."""
    share = enlarged(mnist[1].images[index, 0].numpy(), 10)[..., None] / 255
    return np.round(np.array(paper) + (np.array(ink, float) - paper) * share).astype(np.uint8)


def right(network: VGG, mnist: tuple[Digits, Digits], pictures: dict[int, Pixels]) -> int:
    """How many pictures, by test index, are read as the one digit that they show."""
    labels = mnist[1].labels.tolist()
    return sum([r.digit for r in read_drawing(network, pixels)] == [labels[i]] for i, pixels in pictures.items())


@pytest.mark.parametrize(
    ("paper", "ink"),
    [
        ((200, 200, 200), (190, 190, 190)),
        ((200, 200, 200), (176, 176, 176)),
        ((20, 20, 20), (28, 28, 28)),
        ((0, 130, 0), (255, 0, 0)),
        ((90, 120, 40), (200, 60, 60)),
        ((255, 255, 255), (255, 255, 0)),
        ((0, 0, 0), (0, 0, 255)),
    ],
)
def test_read_drawing_faint_or_coloured_ink_is_read(
    network: VGG, mnist: tuple[Digits, Digits], paper: Colour, ink: Colour
) -> None:
    pictures = {index: painted(mnist, index, paper, ink) for index in range(20)}

    assert right(network, mnist, pictures) == 20


def test_prepare_digit_coloured_ink_gives_the_digit_of_black_ink(mnist: tuple[Digits, Digits]) -> None:
    for index in range(10):
        black = prepare_digit(painted(mnist, index, (255, 255, 255), (0, 0, 0))).digit
        red = prepare_digit(painted(mnist, index, (0, 130, 0), (255, 0, 0))).digit

        assert np.abs(black.astype(int) - red).max() <= 2


@pytest.mark.parametrize("spread", [1, 2, 3])
def test_prepare_digit_unevenness_alone_raises_blank_image_error(spread: int) -> None:
    noise = np.random.default_rng(spread).normal(200, spread / 2, (280, 280)).round()

    with pytest.raises(BlankImageError, match="stands out"):
        prepare_digit(noise.clip(198, 202).astype(np.uint8))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("ink", [0, 255, 245, 128])
@pytest.mark.parametrize("hidden", [0, 255])
def test_read_drawing_ink_on_transparency_is_read(
    network: VGG, mnist: tuple[Digits, Digits], mode: str, ink: int, hidden: int
) -> None:
    pictures = {}
    for index in range(5):
        opacity = enlarged(mnist[1].images[index, 0].numpy(), 10)
        grey = np.where(opacity > 0, ink, hidden).astype(np.uint8)  # hidden: the colour where nothing is seen
        picture = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(opacity)])
        file = io.BytesIO()
        picture.convert(mode).save(file, "PNG")
        pictures[index] = decode_image(file, "transparent.png")

    assert right(network, mnist, pictures) == 5


def test_on_paper_keeps_white_paper_where_ink_is_seen_on_it() -> None:
    card = np.zeros((20, 20, 4), np.uint8)
    card[4:16, 4:16] = (240, 240, 240, 255)
    card[8:12, 8:12] = (60, 60, 60, 255)

    assert on_paper(card)[0, 0].tolist() == [255, 255, 255]
    assert on_paper(card)[9, 9].tolist() == [60, 60, 60]


@pytest.mark.parametrize("scale", [1, 5, 10])
@pytest.mark.parametrize("margin", [0, 2])
@pytest.mark.parametrize("is_dark_on_light", [True, False])
def test_read_drawing_trimmed_to_its_ink_is_read_at_every_size(
    network: VGG, mnist: tuple[Digits, Digits], scale: int, margin: int, is_dark_on_light: bool
) -> None:
    pictures = {}
    for index in range(75):
        digit = mnist[1].images[index, 0].numpy()
        rows, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
        digit = np.pad(digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], margin)
        pictures[index] = enlarged(255 - digit if is_dark_on_light else digit, scale)

    assert right(network, mnist, pictures) >= 74


def test_paper_shade_is_the_commonest_shade_however_much_ink_touches() -> None:
    picture = np.full((50, 50), 0.9, np.float32)
    picture[:, 15:] = np.linspace(0, 0.5, 35)

    assert paper_shade(picture) == pytest.approx(0.9)


@pytest.mark.parametrize("width", [1, 3])
def test_paper_shade_within_a_frame_at_the_edge_is_the_papers(width: int) -> None:
    picture = np.pad(np.full((60, 50), 0.9, np.float32), width)
    picture[20:40, 20:40] = 0.1

    assert paper_shade(picture) == pytest.approx(0.9)


def test_is_flat_ink_that_touches_is_none_of_the_paper_but_a_shadow_is() -> None:
    paper = np.full(100, 0.9, np.float32)
    touched, shaded = paper.copy(), paper.copy()
    touched[10:50] = 0.1
    shaded[10:50] = 0.85

    assert [is_flat(border) for border in (paper, touched, shaded)] == [True, True, False]
