"""Reading picture files: pixels from whatever a camera, a scanner or a drawing program wrote, in bounded memory."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from vgg_demo.errors import ImageError

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
MAX_PIXELS = 120_000_000
WORKING_SIZE = 1_000


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
