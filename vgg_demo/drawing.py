"""From a drawing, or any picture of a digit, to a digit in MNIST's own form.

MNIST was made so: each digit was scaled into a box of 20x20 pixels, keeping its shape, smoothed to grey levels, and
placed in 28x28 with its centre of mass in the middle (LeCun et al. 1998, section III.A). A network that has only seen
such digits reads another only when it is brought into the same form first.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps
from scipy import ndimage

from vgg_demo.errors import BlankImageError, ImageError

SIZE = 28
BOX = 20
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
MAX_PIXELS = 120_000_000
WORKING_SIZE = 1_000
INK_LEVEL = 0.25  # share of the strongest contrast from which a pixel counts as ink when the box is drawn
MIN_CONTRAST = 24 / 255
SPECK_INK, SPECK_LENGTH = 0.25, 0.2  # of the largest part's: what has less ink and is shorter is no part of a digit

Grey = npt.NDArray[np.float32]


@dataclass(frozen=True)
class PreparedDigit:
    """Every step from picture to digit, for showing. Arrays are float32 in [0, 1], ink light on dark.

    ink: (H, W), the picture with its background at 0. box: left, top, right, bottom of the ink in it.
    scaled: at most 20x20, the ink alone. digit: uint8 (28, 28), as MNIST has it.
    """

    ink: Grey
    box: tuple[int, int, int, int]
    scaled: Grey
    digit: npt.NDArray[np.uint8]

    @property
    def tensor(self) -> torch.Tensor:
        """The digit as a batch of one: uint8 (1, 1, 28, 28)."""
        return torch.from_numpy(self.digit)[None, None]


def prepare_digit(pixels: npt.NDArray[np.uint8]) -> PreparedDigit:
    """Bring a picture of one digit into MNIST's form.

    pixels: uint8 (H, W), (H, W, 3) or (H, W, 4); either polarity. Raises BlankImageError when there is no ink.
    """
    ink = without_specks(find_ink(pixels))
    left, top, right, bottom = box = ink_box(ink)
    scaled = scale_to_box(ink[top:bottom, left:right])
    digit = centre_by_mass(scaled)
    return PreparedDigit(ink, box, scaled, np.round(digit * 255).astype(np.uint8))


def find_ink(pixels: npt.NDArray[np.uint8]) -> Grey:
    """How much each pixel differs from the background, stretched so that the strongest ink is 1.

    The background is the middle value along the border; ink may be lighter or darker. Transparent pixels show white
    paper behind them. Returns float32 (H, W) in [0, 1]. Raises BlankImageError when nothing differs.
    """
    grey = _to_grey(pixels)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    difference = grey - np.median(border)
    # ink is the side that sticks out further; the other side is noise of the paper
    signed = difference if difference.max() >= -difference.min() else -difference
    strongest = float(signed.max())
    if strongest < MIN_CONTRAST:
        raise BlankImageError("there is nothing on the picture; draw a digit")
    return np.asarray(np.clip(signed / strongest, 0, 1), np.float32)


def without_specks(ink: Grey) -> Grey:
    """Leave out stray dots and smudges, which would shift the digit and make it smaller.

    ink: (H, W) in [0, 1]; returns the same. A part that touches no other is a speck when, beside the largest part, it
    has under a quarter of the ink and a fifth of the length: the bar of a 5 that stands apart is longer.
    """
    touching = np.ones((3, 3))  # also by a corner
    parts, count = ndimage.label(ink >= INK_LEVEL, touching)
    if count < 2:
        return ink
    amounts = ndimage.sum_labels(ink, parts, range(1, count + 1))
    lengths = np.array([max(rows.stop - rows.start, columns.stop - columns.start)
                        for rows, columns in ndimage.find_objects(parts)])  # fmt: skip
    largest = int(amounts.argmax())
    is_speck = (amounts < SPECK_INK * amounts[largest]) & (lengths < SPECK_LENGTH * lengths[largest])
    specks = np.concatenate([[False], is_speck])[parts]
    edges = ndimage.binary_dilation(specks, touching, iterations=2)  # fainter than ink, but theirs
    return np.asarray(np.where(edges & ((parts == 0) | specks), 0, ink), np.float32)


def ink_box(ink: Grey) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (the last two exclusive) of the smallest box around the ink, in pixels."""
    rows = np.flatnonzero((ink >= INK_LEVEL).any(1))
    columns = np.flatnonzero((ink >= INK_LEVEL).any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def scale_to_box(ink: Grey) -> Grey:
    """Scale so that the longer side is 20 pixels, keeping the shape, with grey levels from smoothing.

    ink: (H, W) in [0, 1]. Returns (h, w) with max(h, w) = 20. Source: LeCun et al. 1998, section III.A.
    """
    height, width = ink.shape
    factor = BOX / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    resized = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BICUBIC), np.float32)
    return np.asarray(resized.clip(0, 1))


def centre_by_mass(digit: Grey) -> Grey:
    """Place a digit of at most 20x20 in 28x28 with its centre of mass in the middle, to the nearest pixel.

    digit: (h, w) in [0, 1]. Returns (28, 28). A digit so lopsided that it would leave the image stays inside.
    Source: LeCun et al. 1998, section III.A.
    """
    height, width = digit.shape
    total = digit.sum()
    centre_y = float((digit.sum(1) * np.arange(height)).sum() / total)
    centre_x = float((digit.sum(0) * np.arange(width)).sum() / total)
    top = int(np.clip(round(SIZE / 2 - centre_y), 0, SIZE - height))
    left = int(np.clip(round(SIZE / 2 - centre_x), 0, SIZE - width))
    centred = np.zeros((SIZE, SIZE), np.float32)
    centred[top : top + height, left : left + width] = digit
    return centred


def read_image(path: Path) -> npt.NDArray[np.uint8]:
    """Read any picture file as uint8 (H, W, 3) or (H, W, 4), upright, at most 1,000 pixels a side.

    Raises ImageError when the file is missing, is no picture, is cut short, or has over 120 million pixels.
    """
    if not path.is_file():
        raise ImageError(f"{path}: there is no such file; give the path of a picture")
    return decode_image(path, str(path))


def decode_image(file: Path | BinaryIO, name: str, max_pixels: int = MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """The same for a file that is open already. name: what to call it in an error. Raises ImageError."""
    most = f"at most {max_pixels // 1_000_000} million"
    try:
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > max_pixels:
                raise ImageError(f"{name}: {image.width}x{image.height} pixels are too many; {most}")
            image.draft("RGB", (WORKING_SIZE, WORKING_SIZE))  # a large JPEG is read small at once
            image.load()
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I;16") or upright.mode in ("I", "F"):
                upright = _to_eight_bits(upright)
            has_alpha = "A" in upright.getbands() or "transparency" in upright.info
            upright.thumbnail((WORKING_SIZE, WORKING_SIZE))
            return np.array(upright.convert("RGBA" if has_alpha else "RGB"))
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"{name}: the picture is too large; {most} pixels") from error
    except Exception as error:  # Pillow's readers raise whatever a damaged file leads them to
        raise ImageError(f"{name}: it is not a picture that can be read, or it is damaged; use PNG or JPEG") from error


def _to_eight_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.float64)
    values = np.nan_to_num(values - np.nanmin(values))
    return Image.fromarray((values * (255 / max(float(values.max()), 1e-9))).astype(np.uint8))


def _to_grey(pixels: npt.NDArray[np.uint8]) -> Grey:
    """Brightness in [0, 1] of uint8 (H, W), (H, W, 3) or (H, W, 4); transparency over white."""
    values = pixels.astype(np.float32) / 255
    if values.ndim == 2:
        return np.asarray(values, np.float32)
    grey = values[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601-2, as PIL's "L"
    if values.shape[2] == 4:
        grey = grey * values[..., 3] + (1 - values[..., 3])
    return np.asarray(grey, np.float32)
