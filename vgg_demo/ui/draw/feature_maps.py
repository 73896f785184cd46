"""What each layer answers to this very drawing: its feature maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from vgg_demo.architecture import Layer
from vgg_demo.text import _, ngettext
from vgg_demo.ui.draw.inference import Inference
from vgg_demo.ui.shared import pictures, resources

if TYPE_CHECKING:
    from vgg_demo.analysis.explain import ConvLayer, FeatureMaps

SHOWN = 16  # channels a layer


def show(inference: Inference) -> None:
    """The first, the middle and the last convolution, and any other."""
    from vgg_demo.analysis.explain import feature_maps

    found = feature_maps(inference.vgg, inference.image)
    st.caption(
        _(
            "A bright spot: this channel has found there what it looks for. Early layers find edges, just where the "
            "ink is; late ones find parts of digits, in few and coarse pixels."
        )
    )
    for place in sorted({0, (len(found) - 1) // 2, len(found) - 1}):
        show_maps(found[place])
    with st.container(width=340):
        chosen = st.selectbox(
            _("Any layer"),
            [None, *range(len(found))],
            format_func=lambda place: _("choose one") if place is None else title(found[place].layer),
            key=f"draw_layer-{len(found)}",
            persist_state=resources.KEPT,
        )
    if chosen is not None:
        show_maps(found[chosen])


def show_layer(inference: Inference, layer: Layer) -> None:
    """The maps of one convolution."""
    from vgg_demo.analysis.explain import feature_maps

    show_maps(next(maps for maps in feature_maps(inference.vgg, inference.image) if maps.layer.index > layer.index))


def title(layer: ConvLayer) -> str:
    """A convolution's name, and whether its maps are those after the pool, which may come before the ReLU."""
    text = _("Block {block}, convolution {number}")
    if layer.pools == layer.block:
        text = _("Block {block}, convolution {number}, after its max-pool")
    return text.format(block=layer.block, number=layer.number)


def show_maps(maps: FeatureMaps) -> None:
    """A layer's strongest channels in one picture, and how many are silent."""
    count, height, width = maps.maps.shape
    strongest = maps.strongest(SHOWN)
    text = ngettext("{title}: {count} map of {h}×{w}", "{title}: {count} maps of {h}×{w}", count)
    text = text.format(title=title(maps.layer), count=count, h=height, w=width)
    if maps.silent:
        text += _("; {silent} silent here").format(silent=maps.silent)
    if len(strongest) < count:
        text += _(". The {shown} strongest").format(shown=len(strongest))
    place = pictures.strongest_place(maps.maps[strongest[0]])
    most = _("; the strongest is channel {channel}, most of it {place}").format(channel=strongest[0], place=place)
    pictures.row(pictures.figure(pictures.mosaic(maps.maps[strongest]), text, text + most, 560))
