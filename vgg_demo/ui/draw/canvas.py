"""The canvas: drawing with a finger, a pen, the mouse or the keyboard; undo, redo, clear; how thick the pen is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from vgg_demo.collection.drawing import CANVAS_PIXELS
from vgg_demo.text import _
from vgg_demo.ui.shared import resources
from vgg_demo.ui.shared.pictures import Pixels

if TYPE_CHECKING:
    from streamlit_drawable_canvas import CanvasResult

WIDE_PIXELS = 560  # of the canvas with room for several digits
PEN_PIXELS = 22
THINNEST, THICKEST = 4, 40

TOOLS_HTML = """
<div class="tools">
  <button type="button" data-tool="undo" disabled><b aria-hidden="true">↶</b> <span></span></button>
  <button type="button" data-tool="redo" disabled><b aria-hidden="true">↷</b> <span></span></button>
  <button type="button" data-tool="clear"><b aria-hidden="true">✕</b> <span></span></button>
</div>
<p class="hint" aria-live="polite" hidden></p>
"""
TOOLS_CSS = """
.tools { display: flex; gap: .5rem; max-width: 280px; }
@media (max-width: 640px) { .tools { max-width: none; } }
button { flex: 1; min-height: 44px; padding: 0 .4rem; font: inherit; font-size: .875rem; cursor: pointer;
         color: var(--st-text-color); background: var(--st-background-color);
         border: 1px solid var(--st-border-color); touch-action: manipulation;
         border-radius: var(--st-button-radius, .5rem); white-space: nowrap; }
button:hover:not(:disabled) { border-color: var(--st-primary-color); }
button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
button:disabled { opacity: .45; cursor: default; }
.hint { margin: .4rem 0 0; font-size: .85rem; color: var(--st-text-color); max-width: 280px; }
"""

_tools = st.components.v2.component(
    "sketch_tools",
    html=TOOLS_HTML,
    css=TOOLS_CSS,
    js=Path(__file__).with_name("sketch_tools.js").read_text(encoding="utf-8"),
)


def sketch_pad() -> tuple[Pixels | None, Pixels | None]:
    """The canvas and its tools: the drawing, white ink on black, and its strokes with a pen that suits its size.

    uint8 (280, 280 or 560, 4), None before the first stroke; and uint8 (280, 280 or 560), None for mere dots.
    """
    from vgg_demo.drawing.rasterize import rasterize_strokes

    result = _pad("canvas", WIDE_PIXELS if st.session_state.get("wide") else CANVAS_PIXELS, return_image_data=True)
    pixels: Pixels | None = result.image_data
    return pixels, None if pixels is None else rasterize_strokes(result.json_data, *pixels.shape[:2])


def stroke_pad(key: str) -> dict[str, Any] | None:
    """The canvas and its tools, 280×280: its strokes, as rasterize_strokes takes them; None before the first.

    With another key it is another canvas, and empty.
    """
    strokes: dict[str, Any] | None = _pad(key, CANVAS_PIXELS, return_image_data=False).json_data
    return strokes


def _pad(key: str, width: int, return_image_data: bool) -> CanvasResult:
    from streamlit_drawable_canvas import st_canvas  # raises when imported outside a running app

    result = st_canvas(
        stroke_width=st.session_state.get("pen", PEN_PIXELS),
        stroke_color="#FFFFFF",
        background_color="#000000",
        width=width,
        height=CANVAS_PIXELS,
        return_image_data=return_image_data,
        key=key,
    )
    _tools(
        key="sketch_tools",
        data={
            "here": _("Draw here"),
            "undo": _("Undo"),
            "redo": _("Redo"),
            "clear": _("Clear"),
            "label": _("Canvas. Arrow keys move the pen, the space bar puts it down and lifts it."),
            "up": _("Pen up. Arrow keys move it, the space bar puts it down. With Shift it moves finely."),
            "down": _("Pen down. Arrow keys draw, the space bar lifts it and has the drawing read."),
        },
    )
    drawing = result.json_data
    st.session_state["strokes"] = isinstance(drawing, dict) and bool(drawing.get("objects"))
    return result


def has_strokes() -> bool:
    """Whether something is drawn on this page's canvas."""
    return bool(st.session_state.get("strokes"))


def settings() -> None:
    """The width of the pen and of the canvas."""
    with st.container(width=CANVAS_PIXELS, gap="small"):
        st.slider(_("Pen, in pixels"), THINNEST, THICKEST, PEN_PIXELS, key="pen", persist_state=resources.KEPT)
        st.toggle(_("Room for several digits"), key="wide", persist_state=resources.KEPT)
