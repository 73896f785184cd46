"""One number by hand: a pixel of a convolution or a max-pool, or a logit, with everything it was computed from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from vgg_demo.architecture import Layer
from vgg_demo.config import CLASSES
from vgg_demo.text import _, ngettext, short
from vgg_demo.ui.draw.inference import Inference

if TYPE_CHECKING:
    import torch

    from vgg_demo.model import VGG

STYLE = """<style>
.sums { display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: center; font-variant-numeric: tabular-nums; }
.sums figure { margin: 0; }
.sums figcaption { font-size: .85rem; }
.sums table { border-collapse: collapse; }
.sums td { border: 1px solid rgba(128, 128, 128, .5); padding: .2rem .45rem; text-align: right; min-width: 3.2rem; }
.sums b { font-size: 1.4rem; font-weight: 400; }
</style>"""
PLACE = 112  # pixels of a field: three of them fit side by side on a phone
SHOWN_UNITS = 8  # of a linear layer: those that contribute most


def show(inference: Inference, layer: Layer) -> None:
    """Choose a number of a layer's output and follow it. A linear layer: of the last one, a logit."""
    network, image = inference.vgg, inference.image
    if layer.kind == "linear":
        show_logit(network, image)
        return
    channels, height, width = layer.outputs
    key = f"by_hand-{layer.name}-{channels}-{height}"
    with st.container(horizontal=True, gap="small"):
        channel = int(st.number_input(_("Channel"), 0, channels - 1, 0, key=f"{key}-channel", width=PLACE))
        row = int(st.number_input(_("Row"), 0, height - 1, height // 2, key=f"{key}-row", width=PLACE))
        column = int(st.number_input(_("Column"), 0, width - 1, width // 2, key=f"{key}-column", width=PLACE))
    if layer.kind == "conv":
        show_convolution(network, image, layer.index, (channel, row, column), key)
    else:
        show_pool(network, image, layer.index, (channel, row, column))


def show_convolution(network: VGG, image: torch.Tensor, index: int, place: tuple[int, int, int], key: str) -> None:
    """The nine products of one input channel, and how all input channels, the bias and ReLU give the number."""
    from vgg_demo.analysis.by_hand import convolved_pixel

    pixel = convolved_pixel(network, image, index, *place)
    inputs, strongest = len(pixel.kernel), int(pixel.channel_sums.abs().argmax())
    given = strongest
    if inputs > 1:
        label = _("Input channel, of {count}; number {strongest} adds most").format(count=inputs, strongest=strongest)
        given = int(st.number_input(label, 0, inputs - 1, strongest, key=f"{key}-{place}-input"))
    tables = [
        grid(_("the inputs under the kernel"), pixel.patch[given].tolist()),
        "<b>×</b>",
        grid(_("the kernel's weights"), pixel.kernel[given].tolist()),
        "<b>=</b>",
        grid(_("the nine products"), pixel.products[given].tolist()),
    ]
    st.html(f'{STYLE}<div class="sums">{"".join(tables)}</div>')
    parts = [(_("sum of the nine products"), float(pixel.channel_sums[given]))]
    if inputs > 1:
        words = ngettext(
            "the same of the other input channel", "the same of the other {count} input channels", inputs - 1
        ).format(count=inputs - 1)
        others = [place for place in range(inputs) if place != given]
        parts.append((words, float(pixel.channel_sums[others].sum())))
    parts.append((_("the bias"), pixel.bias))
    after = [(_("after batch normalisation"), pixel.normalized), (_("after ReLU"), pixel.activation)]
    show_sum(parts, pixel.output, [(name, value) for name, value in after if value is not None])


def show_pool(network: VGG, image: torch.Tensor, index: int, place: tuple[int, int, int]) -> None:
    """Four numbers, and the largest of them."""
    from vgg_demo.analysis.by_hand import pooled_pixel

    pixel = pooled_pixel(network, image, index, *place)
    window = grid(_("the four inputs"), pixel.window.tolist())
    st.html(f'{STYLE}<div class="sums">{window}<b>→</b>{grid(_("the largest"), [[pixel.output]])}</div>')


def show_logit(network: VGG, image: torch.Tensor) -> None:
    """The units that contribute most to one of the ten logits, and how all give the number."""
    from vgg_demo.analysis.by_hand import logit

    parts = [logit(network, image, digit) for digit in range(CLASSES)]
    answer = max(range(CLASSES), key=lambda digit: parts[digit].output)
    digit = st.segmented_control(
        _("Logit of the digit"), range(CLASSES), default=answer, key="by_hand-digit", required=True
    )
    chosen = parts[answer if digit is None else digit]
    order = chosen.contributions.abs().argsort(descending=True).tolist()
    shown = order[:SHOWN_UNITS]
    st.dataframe(
        {
            _("unit"): shown,
            _("input"): [number(float(chosen.inputs[unit])) for unit in shown],
            _("weight"): [number(float(chosen.weights[unit])) for unit in shown],
            _("product"): [number(float(chosen.contributions[unit])) for unit in shown],
        },
        hide_index=True,
        alt=_("The units that contribute most"),
    )
    sums = [(_("sum of these products"), float(chosen.contributions[shown].sum()))]
    if others := order[SHOWN_UNITS:]:
        words = ngettext("the product of the other unit", "the products of the other {count:,} units", len(others))
        sums.append((words.format(count=len(others)), float(chosen.contributions[others].sum())))
    show_sum([*sums, (_("the bias"), chosen.bias)], chosen.output, [])


def show_sum(parts: Sequence[tuple[str, float]], whole: float, after: Sequence[tuple[str, float]]) -> None:
    """An addition in one line of words, and what becomes of its result."""
    text = " + ".join(f"{words} **{number(value)}**" for words, value in parts) + f" = **{number(whole)}**"
    st.markdown(text + "".join(f" → {words} **{number(value)}**" for words, value in after))


def grid(caption: str, rows: list[list[float]]) -> str:
    """Numbers as an HTML table."""
    cells = "".join("<tr>" + "".join(f"<td>{number(value)}</td>" for value in row) + "</tr>" for row in rows)
    return f"<figure><table>{cells}</table><figcaption>{caption}</figcaption></figure>"


def number(value: float) -> str:
    """A number of a sum, to four digits."""
    return short(value, 4)
