"""Small pictures for the page: digits, heat over ink, many feature maps in one; each with a caption and an alt text."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import streamlit as st

from vgg_demo.text import N_, translate

if TYPE_CHECKING:
    import torch

Pixels = npt.NDArray[np.uint8]
STYLE = """<style>
.pictures { display: flex; flex-wrap: wrap; gap: .9rem; align-items: flex-start; }
.pictures figure { margin: 0; font-size: .85rem; line-height: 1.35; max-width: 100%; }
.pictures img { display: block; image-rendering: pixelated; max-width: 100%; height: auto; border-radius: 3px;
                outline: 1px solid rgba(128, 128, 128, .5); margin-bottom: .3rem; }
</style>"""
LARGEST = 560  # pixels a side that are sent to the browser
INK_SHADE = 0.55  # how bright ink is under heat: a colour must stand out from it
SPEAKS_FOR, SPEAKS_AGAINST = (240, 138, 60), (63, 160, 220)  # orange, blue
MAP_PIXELS = 56
GAP = (58, 98, 134)  # between the maps: a colour, since every grey may be a value
PLACES = [N_("upper left"), N_("top"), N_("upper right"), N_("left"), N_("middle"), N_("right"), N_("lower left"),
          N_("bottom"), N_("lower right")]  # fmt: skip


def figure(pixels: Pixels, caption: str, alt: str, width: int = 140) -> str:
    """A picture as HTML. pixels: uint8 (H, W), (H, W, 3) or (H, W, 4). width: on the screen, in pixels."""
    from PIL import Image

    picture = Image.fromarray(pixels)
    picture.thumbnail((LARGEST, LARGEST))
    height = max(1, round(width * picture.height / picture.width))
    file = io.BytesIO()
    picture.save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    return (
        f'<figure style="width:{width}px"><img src="data:image/png;base64,{data}" width="{width}" height="{height}" '
        f'alt="{escape(alt)}"><figcaption>{escape(caption)}</figcaption></figure>'
    )


def row(*figures: str) -> None:
    """Pictures beside each other; on a narrow screen they wrap."""
    st.html(f'{STYLE}<div class="pictures">{"".join(figures)}</div>')


def with_box(ink: npt.NDArray[np.float32], box: tuple[int, int, int, int]) -> Pixels:
    """A picture, (H, W) in [0, 1], with a frame around left, top, right, bottom: uint8 (H, W, 3)."""
    from PIL import Image, ImageDraw

    picture = Image.fromarray((ink * 255).astype("uint8")).convert("RGB")
    thickness = max(1, max(picture.size) // 90)
    left, top, right, bottom = box
    frame = (left - thickness, top - thickness, right + thickness - 1, bottom + thickness - 1)
    ImageDraw.Draw(picture).rectangle(frame, outline=SPEAKS_FOR, width=thickness)
    return np.array(picture)


def heat_over(digit: Pixels, heat: torch.Tensor) -> Pixels:
    """A digit, uint8 (28, 28), with heat over it: uint8 (28, 28, 3).

    heat: (28, 28) in [-1, 1]; orange above 0, blue below, the stronger the more of it.
    """
    strength = heat.numpy().clip(-1, 1)[..., None]
    colours = np.where(strength >= 0, np.array(SPEAKS_FOR), np.array(SPEAKS_AGAINST))
    ink = (digit * INK_SHADE)[..., None] + np.where(digit[..., None] > 127, 60, 0)
    share = np.abs(strength) * 0.8
    return np.asarray((ink * (1 - share) + colours * share).round(), np.uint8)


def strongest_place(heat: torch.Tensor) -> str:
    """In words, which ninth of a map, (H, W), has most of it."""
    import torch.nn.functional as F

    return translate(PLACES[int(F.adaptive_avg_pool2d(heat[None].float(), 3).argmax())])


def mosaic(maps: torch.Tensor, columns: int = 8) -> Pixels:
    """Maps, (K, h, w) at least 0, as one picture with gaps, uint8 (H, W, 3); white is the largest value among them."""
    import torch.nn.functional as F  # torchvision's make_grid would do, but takes a second to load

    if maps.shape[-1] > MAP_PIXELS:
        maps = F.adaptive_avg_pool2d(maps, MAP_PIXELS)
    gap, rows = max(1, maps.shape[1] // 9), -(-len(maps) // columns)
    brightness = maps / max(float(maps.max()), 1e-12)
    tiles = F.pad(brightness, (0, gap, 0, gap, 0, rows * columns - len(maps)), value=-1)  # (K, H, W)
    grid = tiles.view(rows, columns, *tiles.shape[1:]).transpose(1, 2).flatten(2).flatten(0, 1)[:-gap, :-gap]
    picture: Pixels = (grid.clamp(min=0) * 255).round().byte()[..., None].repeat(1, 1, 3).numpy()
    picture[grid.numpy() < 0] = GAP
    return picture
