"""Reading picture files: pixels from whatever a camera, a scanner or a drawing program wrote, in bounded memory."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from vgg_demo.errors import ImageError
from vgg_demo.text import N_

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"}
MAX_PIXELS = 120_000_000
MAX_PIXELS_OF = {"WEBP": 40_000_000}  # its decoder holds the whole picture three times
LARGE = 4_000_000  # pixels: such pictures are unpacked one at a time in all threads together
WORKING_SIZE = 1_000
PALETTE_SIZE = 4_000  # pixels a side of pictures of few colours, before they are unfolded: four bytes a pixel

_one_large_at_a_time = Lock()


def list_pictures(paths: Iterable[Path]) -> list[Path]:
    """The files as they are, and each folder's pictures by name. Raises ImageError when a folder has none."""
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
        if not inside:
            raise ImageError(N_("{path}: there is no picture in this folder; put PNG or JPEG files into it"), path=path)
        files += inside
    return files


def read_image(path: Path) -> npt.NDArray[np.uint8]:
    """Read any picture file as uint8 (H, W, 3) or (H, W, 4), upright, at most 1,000 pixels a side.

    Raises ImageError when the file is missing, is no picture, is cut short, or has over 120 million pixels.
    """
    if not path.is_file():
        raise ImageError(N_("{path}: there is no such file; give the path of a picture"), path=path)
    return decode_image(path, str(path))


def decode_image(file: Path | BinaryIO, name: str, max_pixels: int = MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """The same for a file that is open already. name: what to call it in an error. Raises ImageError."""
    with _opened(file, name, max_pixels) as image:
        pixels = image.width * image.height
        max_pixels = min(max_pixels, MAX_PIXELS_OF.get(image.format or "", max_pixels))
        if pixels > max_pixels:
            raise ImageError(
                N_("{name}: {width}x{height} pixels are too many; at most {most} million"),
                name=name,
                width=image.width,
                height=image.height,
                most=max_pixels // 1_000_000,
            )
        with _one_large_at_a_time if pixels > LARGE else nullcontext():
            return _decode(image)


def count_pixels(content: bytes) -> int:
    """Width × height as the picture's header says, 0 when it is no picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with _opened(io.BytesIO(content), "", MAX_PIXELS) as image:
                return image.width * image.height
    except ImageError:  # decode_image says what is wrong with it
        return 0


@contextmanager
def _opened(file: Path | BinaryIO, name: str, max_pixels: int) -> Iterator[Image.Image]:
    """Open a picture with Pillow. What goes wrong in the block, or before it, is raised as ImageError."""
    try:
        with Image.open(file, formats=FORMATS) as image:
            yield image
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(
            N_("{name}: the picture is too large; at most {most} million pixels"),
            name=name,
            most=max_pixels // 1_000_000,
        ) from error
    except Exception as error:  # the readers of Pillow raise errors of any type for damaged files
        raise ImageError(
            N_("{name}: it is not a picture that can be read, or it is damaged; use PNG or JPEG"), name=name
        ) from error


def _decode(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Made small before anything else, so that the picture is in memory once."""
    image.draft("RGB", (WORKING_SIZE, WORKING_SIZE))  # a large JPEG is read small
    image.load()
    has_alpha = "A" in image.getbands() or "transparency" in image.info
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        small = _with_facts_of(image, _to_eight_bits(image))
    elif image.mode in ("1", "P", "PA"):  # made smaller, they only lose pixels, and thin strokes with them
        image.thumbnail((PALETTE_SIZE, PALETTE_SIZE))
        small = _with_facts_of(image, image.convert("RGBA" if has_alpha else "RGB"))
    else:
        small = image
    small.thumbnail((WORKING_SIZE, WORKING_SIZE))
    upright = ImageOps.exif_transpose(small)
    return np.array(upright.convert("RGBA" if has_alpha else "RGB"))


def _with_facts_of(image: Image.Image, other: Image.Image) -> Image.Image:
    """The other picture, made from this one, with what is said of it: its transparent colour, and which way is up."""
    if image.info is not other.info:
        other.info = image.info
    other.getexif().update(image.getexif())
    return other


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """A picture of finer levels, stretched over 256 of them; of a large one, every second pixel or fewer."""
    step = max(1, max(image.size) // (2 * WORKING_SIZE))
    values = np.asarray(image)[::step, ::step].astype(np.float64)
    values = np.nan_to_num(values - np.nanmin(values))
    return Image.fromarray((values * (255 / max(float(values.max()), 1e-9))).astype(np.uint8))
