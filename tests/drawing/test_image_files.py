"""Picture files of many kinds, damaged ones among them: pixels, or an ImageError that names the file."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from vgg_demo.data import Digits
from vgg_demo.drawing.image_files import read_image
from vgg_demo.errors import ImageError


def gradient(mode: str) -> Image.Image:
    """20 wide, 10 high, getting lighter to the right."""
    return Image.fromarray(np.tile(np.arange(0, 200, 10, dtype=np.uint8), (10, 1))).convert(mode)


def save_16_bit(path: Path) -> None:
    Image.fromarray(np.tile(np.arange(20, dtype=np.uint16) * 3000, (10, 1))).save(path)


def save_palette_with_transparency(path: Path) -> None:
    gradient("P").save(path, transparency=0)


def save_turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn a quarter clockwise to see it upright
    gradient("RGB").save(path, exif=exif)


def save_animation(path: Path) -> None:
    gradient("P").save(path, save_all=True, append_images=[Image.new("P", (20, 10), 1)])


@pytest.mark.parametrize(
    ("name", "save", "shape"),
    [
        ("grey.png", lambda path: gradient("L").save(path), (10, 20, 3)),
        ("bits.png", lambda path: gradient("1").save(path), (10, 20, 3)),
        ("alpha.png", lambda path: gradient("LA").save(path), (10, 20, 4)),
        ("deep.png", save_16_bit, (10, 20, 3)),
        ("float.tiff", lambda path: gradient("F").save(path), (10, 20, 3)),
        ("print.jpg", lambda path: gradient("CMYK").save(path), (10, 20, 3)),
        ("palette.png", save_palette_with_transparency, (10, 20, 4)),
        ("turned.jpg", save_turned, (20, 10, 3)),
        ("moving.gif", save_animation, (10, 20, 3)),
        ("dot.png", lambda path: Image.new("L", (1, 1)).save(path), (1, 1, 3)),
        ("large.png", lambda path: Image.new("L", (3000, 1500)).save(path), (500, 1000, 3)),
        ("long.png", lambda path: Image.new("L", (5000, 1)).save(path), (1, 1000, 3)),
    ],
)
def test_read_image_unusual_picture_gives_colours_of_its_size(
    tmp_path: Path, name: str, save: Callable[[Path], None], shape: tuple[int, ...]
) -> None:
    save(tmp_path / name)

    pixels = read_image(tmp_path / name)

    assert (pixels.dtype, pixels.shape) == (np.uint8, shape)


def test_read_image_turned_photo_comes_back_upright(tmp_path: Path) -> None:
    save_turned(tmp_path / "turned.jpg")

    pixels = read_image(tmp_path / "turned.jpg")

    assert pixels[0].mean() < 30  # the dark left is now on top
    assert pixels[-1].mean() > 160


@pytest.mark.parametrize("save", [save_16_bit, lambda path: gradient("L").save(path)], ids=["16 bit", "8 bit"])
def test_read_image_keeps_the_order_of_brightness(tmp_path: Path, save: Callable[[Path], None]) -> None:
    save(tmp_path / "grey.png")

    pixels = read_image(tmp_path / "grey.png")

    assert (np.diff(pixels[0, :, 0].astype(int)) > 0).all()


@pytest.mark.parametrize("mode", ["1", "P"])
def test_read_image_keeps_thin_strokes_of_a_large_scan_of_few_colours(tmp_path: Path, mode: str) -> None:
    scan = Image.new("L", (5_000, 5_000), 255)
    ImageDraw.Draw(scan).line([(1_500, 1_500), (3_500, 1_500), (2_200, 3_800)], 0, width=3)
    scan.save(tmp_path / "grey.png")
    scan.convert(mode).save(tmp_path / "few.png")

    grey, few = (255 - read_image(tmp_path / name)[..., 0].astype(float) for name in ("grey.png", "few.png"))

    assert np.abs(few - grey).sum() < 0.3 * grey.sum()


def test_read_image_of_an_mnist_digit_gives_what_pil_reads(tmp_path: Path, mnist: tuple[Digits, Digits]) -> None:
    Image.fromarray(mnist[1].images[0, 0].numpy()).save(tmp_path / "seven.png")

    pixels = read_image(tmp_path / "seven.png")

    assert np.array_equal(pixels, np.asarray(Image.open(tmp_path / "seven.png").convert("RGB")))


def test_read_image_missing_file_raises_image_error_naming_it(tmp_path: Path) -> None:
    path = tmp_path / "nothing.png"

    with pytest.raises(ImageError) as caught:
        read_image(path)

    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"a text named as a picture", b"\x89PNG\r\n\x1a\n", bytes(1000)])
def test_read_image_of_something_else_raises_image_error_naming_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.png"
    path.write_bytes(content)

    with pytest.raises(ImageError) as caught:
        read_image(path)

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["cut.png", "cut.jpg", "cut.gif", "cut.bmp", "cut.tiff"])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_read_image_cut_short_raises_image_error(tmp_path: Path, name: str, share: float) -> None:
    path = tmp_path / name
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])

    with pytest.raises(ImageError):
        read_image(path)


@pytest.mark.parametrize("box", [b"av01", b"iloc", b"pitm"])
def test_read_image_damaged_avif_raises_image_error(tmp_path: Path, box: bytes) -> None:
    path = tmp_path / "damaged.avif"
    gradient("RGB").save(path)
    path.write_bytes(path.read_bytes().replace(box, b"xxxx"))

    with pytest.raises(ImageError):
        read_image(path)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("suffix", ["png", "jpg", "gif"])
@settings(deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_read_image_any_byte_changed_gives_pixels_or_image_error(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, share: float, byte: int
) -> None:
    path = tmp_path_factory.getbasetemp() / f"changed.{suffix}"
    gradient("RGB").save(path)
    content = bytearray(path.read_bytes())
    content[int(len(content) * share)] = byte
    path.write_bytes(content)

    try:
        pixels = read_image(path)
    except ImageError:
        return

    assert pixels.dtype == np.uint8


def test_read_image_of_too_many_pixels_raises_image_error(tmp_path: Path) -> None:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))

    with pytest.raises(ImageError, match="120 million"):
        read_image(path)
