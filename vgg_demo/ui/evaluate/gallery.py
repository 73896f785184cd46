"""Images with what the network made of them: a page at a time, each with its ten probabilities and a way to Draw."""

from __future__ import annotations

import base64
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from vgg_demo.colours import BLUE, ORANGE
from vgg_demo.text import DRAW, _, percent

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from vgg_demo.predictions import Positions, Predictions
    from vgg_demo.ui.evaluate.results import DigitSet, Network

STYLE = f"""<style>
.tile {{ font-size: .82rem; line-height: 1.3; text-align: center; }}
.tile img, .samples img {{ image-rendering: pixelated; border-radius: 2px; }}
.tile img {{ display: block; margin: 0 auto .3rem; }}
.tile-bars {{ display: flex; align-items: flex-end; gap: 1px; height: 38px; margin-top: .3rem; font-size: 9px; }}
.tile-bars span {{ flex: 1; line-height: 12px; }}
.tile-bars i {{ display: block; background: #8a8a8a; }}
.tile-bars .bar-answer i {{ background: {ORANGE}; }} .tile-bars .bar-true i {{ background: {BLUE}; }}
.tile-bars .bar-answer, .tile-bars .bar-true {{ font-weight: 700; }}
.tile-name {{ opacity: .65; font-size: .72rem; overflow-wrap: anywhere; }}
.samples {{ display: flex; flex-wrap: wrap; gap: .4rem; }}
.samples figure {{ margin: 0; text-align: center; font-size: .75rem; }}
</style>"""
PER_PAGE = 12
TILE_WIDTH = 134


def show(
    predictions: Predictions,
    positions: Positions,
    network: Network,
    digit_set: DigitSet,
    name: str,
    per_page: int = PER_PAGE,
) -> None:
    """The images at these positions, in this order. name: for the elements' keys; a new one begins at page 1."""
    st.fragment(_show)(predictions, positions, network, digit_set, name, per_page)


def _show(
    predictions: Predictions, positions: Positions, network: Network, digit_set: DigitSet, name: str, per_page: int
) -> None:
    pages = -(-len(positions) // per_page)
    page = 1
    if pages > 1:
        page = st.pagination(pages, key=f"{name}-page") or 1
    start = (page - 1) * per_page
    shown = positions[start : start + per_page].tolist()
    st.caption(
        _("{first:,} to {last:,} of {count:,}").format(first=start + 1, last=start + len(shown), count=len(positions))
    )
    with st.container(horizontal=True, gap="small", key=f"{name}-tiles"):
        for position in shown:
            tile(predictions, position, network, digit_set, name)


def tile(predictions: Predictions, position: int, network: Network, digit_set: DigitSet, name: str) -> None:
    """One image: what it is, what it was read as and how sure, ten bars, and "Send to Draw"."""
    index, true, answer = (int(a[position]) for a in (predictions.indices, predictions.labels, predictions.answers))
    image = digit_set.load().images[index, 0].numpy()
    caption = digit_set.caption(index)
    sure = sure_in_words(float(predictions.confidences[position]))
    right = _("{true}, read right").format(true=true)
    wrong = _("{true} read as {answer}").format(true=true, answer=answer)
    says = right if true == answer else wrong
    likeliest = predictions.probabilities[position].argsort()[::-1][:3].tolist()
    in_words = ", ".join(f"{d}: {percent(float(predictions.probabilities[position][d]), 1)}" for d in likeliest)
    with st.container(
        border=True, width=TILE_WIDTH, gap="small", horizontal_alignment="center", key=f"{name}-tile-{position}"
    ):
        st.html(
            f'<div class="tile"><img src="{data_uri(image.tobytes())}" width="84" height="84" '
            f'alt="{escape(caption)}: {says}, {sure}"><div><b>{says}</b><br>{sure}</div>'
            f"{_bars(predictions.probabilities[position].tolist(), true, answer, in_words)}"
            f'<div class="tile-name">{escape(caption)}</div></div>'
        )
        if st.button(
            _("Send to Draw"),
            key=f"{name}-send-{position}",
            type="tertiary",
            on_click=send_to_draw,
            args=(image, f"{caption}: {says}", network.name),
            help=_("Look into this image on the Draw tab, with this network."),
        ):
            st.rerun()  # the whole page: the tab changes


def send_to_draw(image: npt.NDArray[np.uint8], caption: str, network: str) -> None:
    """Open the Draw tab with this image, uint8 (28, 28), instead of a drawing."""
    state: Any = st.session_state
    state["draw_image"] = image
    state["draw_image_caption"] = caption
    state["draw_checkpoint"] = network
    state["tab"] = DRAW


@lru_cache(maxsize=4_000)
def data_uri(pixels: bytes) -> str:
    """An image of 28x28 bytes as a data URI: a small PNG."""
    import numpy as np

    from vgg_demo.export.result_files import digit_png

    return (
        "data:image/png;base64," + base64.b64encode(digit_png(np.frombuffer(pixels, np.uint8).reshape(28, 28))).decode()
    )


def _bars(probabilities: list[float], true: int, answer: int, in_words: str) -> str:
    """Ten bars with their digits; the answer in orange, the true digit in blue."""
    parts = []
    for digit, probability in enumerate(probabilities):
        kind = "answer" if digit == answer else "true" if digit == true else "other"
        height = max(1, round(24 * probability))
        parts.append(f'<span class="bar-{kind}"><i style="height:{height}px"></i>{digit}</span>')
    label = escape(_("Probabilities: ") + in_words)
    return f'<div class="tile-bars" role="img" aria-label="{label}">{"".join(parts)}</div>'


def sure_in_words(confidence: float) -> str:
    """How sure an answer is: 98.7 % sure."""
    return _("over 99.9 % sure") if confidence > 0.999 else _("{sure} sure").format(sure=percent(confidence, 1))
