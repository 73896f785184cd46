"""The network as slabs to scale, drawn from its config alone; each slab can be chosen (see picture.js)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import streamlit as st

from vgg_demo.architecture import Layer, layers_of
from vgg_demo.config import ModelConfig
from vgg_demo.text import _, ngettext

SMALLEST = 1e-10  # as on the charts through the layers

CSS = """
svg { display: block; max-width: 100%; overflow: visible; }
text { font-size: 14px; fill: var(--st-text-color); }
.slab { outline: none; --colour: #8a8f98; }
.slab[role="button"] { cursor: pointer; }
.slab[data-kind="conv"] { --colour: #3FA0DC; }
.slab[data-kind="pool"] { --colour: #D55E00; }
.slab[data-kind="linear"] { --colour: #009E73; }
.slab[data-measured] { --colour: color-mix(in srgb, #FFC83D var(--tone), #15171c); }
polygon { stroke: var(--st-background-color); stroke-width: .75; fill: var(--colour); }
.slab[data-measured] polygon { stroke: #8a8f98; }
.top { filter: brightness(1.12); }
.side { filter: brightness(.78); }
.row { fill: transparent; }
.slab[role="button"]:hover polygon { stroke: var(--st-text-color); }
.slab:focus-visible polygon, .slab[aria-pressed="true"] polygon { stroke: var(--st-text-color); stroke-width: 2; }
.slab[aria-pressed="true"] text { font-weight: 700; }
"""

_picture = st.components.v2.component(
    "network_picture",
    html='<div class="network"></div>',
    css=CSS,
    js=Path(__file__).with_name("picture.js").read_text("utf-8"),
)


@dataclass(frozen=True)
class Station:
    """A slab of the picture: the image, or a convolution, a pool or a linear layer with what follows it directly.

    block, number: of a convolution or a pool, from 1; of a linear layer block is 0.
    """

    layer: Layer
    block: int
    number: int
    followers: tuple[Layer, ...] = ()

    @property
    def title(self) -> str:
        """What it is, with its shape."""
        texts = {
            "conv": _("Block {block}, convolution {number}: {shape}"),
            "pool": _("Block {block}, max-pool: {shape}"),
            "linear": _("Linear layer {number}: {shape}"),
        }
        return texts[self.layer.kind].format(
            block=self.block, number=self.number, shape=shape_in_words(self.layer.outputs)
        )

    @property
    def short(self) -> str:
        """The same for a narrow screen."""
        texts = {"conv": _("conv 3×3 → {shape}"), "pool": _("max-pool → {shape}"), "linear": _("linear → {shape}")}
        return texts[self.layer.kind].format(shape=" × ".join(f"{size:,}" for size in self.layer.outputs))


def shape_in_words(shape: tuple[int, ...]) -> str:
    """(C, H, W) or (units,)."""
    if len(shape) == 1:
        return ngettext("{units:,} unit", "{units:,} units", shape[0]).format(units=shape[0])
    text = ngettext("{channels:,} channel of {height}×{width}", "{channels:,} channels of {height}×{width}", shape[0])
    return text.format(channels=shape[0], height=shape[1], width=shape[2])


def stations_of(config: ModelConfig) -> list[Station]:
    """The slabs, from the image to the logits, the image itself left out."""
    stations: list[Station] = []
    block, number, linears = 1, 0, 0
    for layer in layers_of(config):
        if layer.kind == "conv":
            number += 1
            stations.append(Station(layer, block, number))
        elif layer.kind == "pool":
            stations.append(Station(layer, block, number))
            block, number = block + 1, 0
        elif layer.kind == "linear":
            linears += 1
            stations.append(Station(layer, 0, linears))
        elif stations:
            stations[-1] = replace(stations[-1], followers=(*stations[-1].followers, layer))
    return stations


def tones(stations: list[Station], figures: Sequence[float]) -> list[float | None]:
    """How bright each slab is, 0 to 1, by the logarithm of its figure; a pool is as bright as what it pools."""
    if len(figures) != sum(bool(station.layer.weights) for station in stations):  # none, or another network's
        return [None] * len(stations)
    left = list(figures)
    bright: list[float | None] = []
    for station in stations:
        bright.append(tone(left.pop(0)) if station.layer.weights else bright[-1])
    return bright


def tone(figure: float) -> float:
    """From 0, for SMALLEST or less, to 1, for 1 or more."""
    if math.isnan(figure) or figure <= SMALLEST:
        return 0.0
    return min(1.0, 1 - math.log10(figure) / math.log10(SMALLEST))


def show(config: ModelConfig, key: str, figures: Sequence[float] = ()) -> Station | None:
    """Draw the network and return the slab that was chosen.

    figures: one for each layer with weights, for example its signal: bright is 1 or more, dark 1e-10 or less.
    """
    stations = stations_of(config)
    names = {station.layer.name: station for station in stations}
    chosen = st.session_state.get(key, {}).get("layer")
    size = config.image_size
    image = {
        "name": "image", "kind": "image", "title": _("The image: {channels} × {size}×{size}").format(
            channels=config.channels, size=size
        ), "short": _("image {size}×{size}").format(size=size), "channels": config.channels, "side": size, "tone": None,
        "caption": "", "opens": False,
    }  # fmt: skip
    slabs: list[dict[str, Any]] = []
    brightness = tones(stations, figures)
    for station, lit in zip(stations, brightness, strict=True):
        outputs = station.layer.outputs
        opens = station.number == 1 and station.layer.kind != "pool"
        slabs.append(
            {
                "name": station.layer.name,
                "kind": station.layer.kind,
                "title": station.title,
                "short": station.short,
                "channels": outputs[0],
                "side": outputs[1] if len(outputs) > 1 else 0,
                "tone": lit,
                "opens": opens,
                "caption": (str(outputs[1]) if len(outputs) > 1 else _("linear")) if opens else "",
            }
        )
    label = _("The network: {count} layers with weights").format(count=sum(bool(s.layer.weights) for s in stations))
    result = _picture(
        key=key,
        data={"stations": [image, *slabs], "label": label, "chosen": chosen},
        on_layer_change=_again,
    )
    st.caption(scale_in_words(is_measured=brightness[-1] is not None))
    return names.get(result.layer or "")


def scale_in_words(is_measured: bool) -> str:
    """What the sizes and colours of the picture mean."""
    text = _(
        "Height and depth of a slab: the side of its image. Thickness of a convolution: its channels. Click or tap a "
        "slab to see what it does."
    )
    if not is_measured:
        return text + " " + _("Grey: the image. Blue: convolutions. Orange: max-pools. Green: linear layers.")
    return text + " " + _("Bright: it is there; dark: it is gone, by the scale of the chart (1 to 10⁻¹⁰).")


def _again(*_args: Any) -> None:
    """A callback is what makes the script run when a slab is chosen."""
