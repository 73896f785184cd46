"""Images with what the network made of them: a page at a time, each with its ten probabilities and a way to Draw."""

from __future__ import annotations

import base64
from functools import lru_cache
from html import escape

import numpy as np
import numpy.typing as npt
import streamlit as st

from vgg_demo.colours import BLUE, ORANGE
from vgg_demo.predictions import Positions
from vgg_demo.text import DRAW, N_, Message, _, confidence_in_words
from vgg_demo.ui.draw import inputs
from vgg_demo.ui.evaluate.results import Result
from vgg_demo.ui.shared import pins
from vgg_demo.ui.shared.charts import probabilities_in_words

STYLE = f"""<style>
.tile {{ font-size: .82rem; line-height: 1.3; text-align: center; }}
.tile img, .samples img {{ image-rendering: pixelated; border-radius: 2px; }}
.tile img {{ display: block; margin: 0 auto .3rem; }}
.tile-bars {{ display: flex; align-items: flex-end; gap: 1px; height: 38px; margin-top: .3rem; font-size: 9px; }}
.tile-bars span {{ flex: 1; line-height: 12px; }}
.tile-bars i {{ display: block; background: #8a8a8a; }}
.tile-bars .bar-answer i {{ background: {ORANGE}; }} .tile-bars .bar-true i {{ background: {BLUE}; }}
.tile-bars .bar-answer, .tile-bars .bar-true {{ font-weight: 700; }}
.tile-name {{ opacity: .75; font-size: .72rem; overflow-wrap: anywhere; }}
.samples {{ display: flex; flex-wrap: wrap; gap: .4rem; }}
.samples figure {{ margin: 0; text-align: center; font-size: .75rem; }}
</style>"""
PER_PAGE = 12
TILE_WIDTH = 134


@st.fragment
def show(result: Result, positions: Positions, name: str, per_page: int = PER_PAGE) -> None:
    """The images at these positions, in this order. name: for the elements' keys; a new one begins at page 1."""
    pages = -(-len(positions) // per_page)
    page = 1
    if pages > 1:
        label = _("Page, of {count:,}").format(count=pages)
        page = int(st.number_input(label, 1, pages, key=f"{name}-page", width=150))
    start = (page - 1) * per_page
    shown = positions[start : start + per_page].tolist()
    text = _("{first:,} to {last:,} of {count:,}")
    st.caption(text.format(first=start + 1, last=start + len(shown), count=len(positions)))
    with st.container(horizontal=True, gap="small", key=f"{name}-tiles"):
        for position in shown:
            tile(result, position, name)


def tile(result: Result, position: int, name: str) -> None:
    """One image: what it is, what it was read as and how sure, ten bars, and "Send to Draw"."""
    predictions, digit_set = result.predictions, result.digit_set
    index, true, answer = (int(a[position]) for a in (predictions.indices, predictions.labels, predictions.answers))
    image, caption = digit_set.image(index), digit_set.caption(index)
    probabilities = predictions.probabilities[position].tolist()
    sure = confidence_in_words(probabilities[answer])
    text = N_("{true}, read right") if true == answer else N_("{true} read as {answer}")
    says, alt = Message(text, true=true, answer=answer), escape(str(caption))
    with st.container(
        border=True, width=TILE_WIDTH, gap="small", horizontal_alignment="center", key=f"{name}-tile-{position}"
    ):
        st.html(
            f'<div class="tile"><img src="{data_uri(image.tobytes())}" width="84" height="84" '
            f'alt="{alt}: {says}, {sure}"><div><b>{says}</b><br>{sure}</div>'
            f'{_bars(probabilities, true, answer)}<div class="tile-name">{alt}</div></div>'
        )
        if st.button(
            _("Send to Draw"),
            key=f"{name}-send-{position}",
            type="tertiary",
            on_click=send_to_draw,
            args=(
                image,
                Message("{name}: {says}", name=caption, says=says),
                result.network.name,
                true,
                Message("{answer}, {probability:sure}", answer=answer, probability=probabilities[answer]),
            ),
            help=_("Look into this image on the Draw tab, with this network."),
        ):
            st.rerun()  # the whole page: the tab changes
        pins.show_small_button(image.tobytes(), true, f"{name}-pin-{position}")


def send_to_draw(image: npt.NDArray[np.uint8], caption: Message, network: str, label: int, answer: Message) -> None:
    """Open the Draw tab with this image, uint8 (28, 28), instead of a drawing. label: its true digit.

    answer: to the image as it is, in words.
    """
    inputs.send(image, caption, label, answer)
    st.session_state["draw_checkpoint"], st.session_state["tab"] = network, DRAW


@lru_cache(maxsize=4_000)
def data_uri(pixels: bytes) -> str:
    """An image of 28x28 bytes as a data URI: a small PNG."""
    from vgg_demo.export.result_files import digit_png

    png = digit_png(np.frombuffer(pixels, np.uint8).reshape(28, 28))
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _bars(probabilities: list[float], true: int, answer: int) -> str:
    """Ten bars with their digits; the answer in orange, the true digit in blue."""
    parts = []
    for digit, probability in enumerate(probabilities):
        kind = "answer" if digit == answer else "true" if digit == true else "other"
        height = max(1, round(24 * probability))
        parts.append(f'<span class="bar-{kind}"><i style="height:{height}px"></i>{digit}</span>')
    label = escape(probabilities_in_words(probabilities))
    return f'<div class="tile-bars" role="img" aria-label="{label}">{"".join(parts)}</div>'
