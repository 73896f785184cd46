"""The Draw tab: the canvas, the answer, the ten bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from vgg_demo.errors import BlankImageError, VggDemoError
from vgg_demo.ui import charts, resources
from vgg_demo.ui.evaluate_tab import pick_checkpoint
from vgg_demo.ui.text import _, percent

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CANVAS_PIXELS = 280
PEN_PIXELS = 22


@st.fragment
def show() -> None:
    """Draw the tab. A stroke reruns this fragment alone."""
    with st.container(width=480):
        path = pick_checkpoint("draw_checkpoint")
    if path is None:
        return
    canvas, answer, bars = st.columns([1.25, 0.9, 1.4], gap="medium")
    with canvas:
        sent = show_sent_image()
        with st.container(key="sketch"):
            pixels = sketch_pad()
        pixels = pixels if sent is None else sent
    try:
        seen, probabilities = read(path, pixels)
    except (VggDemoError, FileNotFoundError) as error:
        st.error(str(error))
        return
    with answer:
        show_answer(seen, probabilities)
    with bars:
        st.echarts_chart(
            charts.probability_bars(probabilities),
            height=320,
            key="bars",
            alt=charts.probabilities_in_words(probabilities),
        )


def sketch_pad() -> npt.NDArray[np.uint8] | None:
    """A canvas for finger, pen or mouse: uint8 (280, 280, 4), white ink on black, or None before the first stroke."""
    from streamlit_drawable_canvas import st_canvas  # raises when imported outside a running app

    st.session_state.setdefault("canvas_version", 0)
    result = st_canvas(
        stroke_width=PEN_PIXELS,
        stroke_color="#FFFFFF",
        background_color="#000000",
        width=CANVAS_PIXELS,
        height=CANVAS_PIXELS,
        return_image_data=True,
        key=f"canvas-{st.session_state['canvas_version']}",
    )
    st.button(_("Clear"), icon=":material/delete:", key="clear", on_click=_clear)
    pixels: npt.NDArray[np.uint8] | None = result.image_data
    return pixels


def show_sent_image() -> npt.NDArray[np.uint8] | None:
    """The image that was sent here, uint8 (28, 28, 3), in place of the canvas, and the way back; None without any."""
    image: npt.NDArray[np.uint8] | None = st.session_state.get("draw_image")
    # hidden, not left out: a canvas that goes loses its drawing
    st.html(f"<style>.st-key-sketch {{ display: {'flex' if image is None else 'none'}; }}</style>")
    if image is None:
        return None
    with st.container(key="sent"):
        caption = st.session_state.get("draw_image_caption", "")
        st.image(_enlarge(_enlarge(image)), width=CANVAS_PIXELS, caption=caption, alt=caption)
    st.button(_("Back to the canvas"), icon=":material/draw:", key="unsend", on_click=resources.forget,
              args=("draw_image", "draw_image_caption"))  # fmt: skip
    return image[..., None].repeat(3, 2)


def read(path: Any, pixels: npt.NDArray[np.uint8] | None) -> tuple[Any, list[float]]:
    """The digit as the network sees it, uint8 (28, 28), and ten probabilities; None and zeros for an empty canvas."""
    if pixels is None or not pixels[..., :3].any():
        return None, [0.0] * 10
    from vgg_demo.drawing import prepare_digit
    from vgg_demo.evaluation import predict_probabilities

    network, _header = resources.load_network(str(path), resources.fingerprint(path))
    try:
        prepared = prepare_digit(pixels)
    except BlankImageError:
        return None, [0.0] * 10
    return prepared.digit, predict_probabilities(network, prepared.tensor)[0].tolist()


def show_answer(seen: Any, probabilities: list[float]) -> None:
    """The digit, how sure the network is, and the picture that it got."""
    if seen is None:
        st.markdown(_("**Draw a digit, 0 to 9.**"))
        st.caption(_("The canvas is empty. Use a finger, a pen or the mouse; every stroke is read at once."))
        return
    digit = max(range(10), key=probabilities.__getitem__)
    st.html(f'<div class="answer-digit" role="status" aria-label="{_("The answer")}: {digit}">{digit}</div>')
    sure = probabilities[digit]
    st.caption(_("over 99.9 % sure") if sure > 0.999 else _("{sure} sure").format(sure=percent(sure, 1)))
    with st.container(key="seen"):
        st.image(
            _enlarge(seen),
            width=140,
            caption=_("What the network sees: 28×28"),
            alt=_("The drawing, scaled and centred in 28 by 28 pixels"),
        )


def _enlarge(digit: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Five screen pixels a pixel, without smoothing."""
    enlarged: npt.NDArray[np.uint8] = digit.repeat(5, 0).repeat(5, 1)
    return enlarged


def _clear() -> None:
    st.session_state["canvas_version"] += 1
