"""The network that read the digit: its picture, and of the chosen layer the maps, one number by hand, and a switch."""

from __future__ import annotations

import streamlit as st

from vgg_demo.text import _
from vgg_demo.ui.draw import by_hand, feature_maps, switch_off
from vgg_demo.ui.draw.inference import Inference
from vgg_demo.ui.network import picture, view
from vgg_demo.ui.shared import resources


def show(inference: Inference) -> None:
    """The picture, and one look at the layer that was chosen in it."""
    config = inference.network.config.model
    station = picture.show(config, "draw_network")
    if station is None:
        return
    layer = station.layer
    view.show_layer(config, station, inference.vgg)
    looks = {"by_hand": _("One number by hand"), "switch_off": _("Switch it off")}
    if layer.kind == "conv":
        looks = {"maps": _("Feature maps"), **looks}
    chosen = st.segmented_control(
        _("Look at this layer"),
        list(looks),
        format_func=looks.__getitem__,
        key="draw_layer_look",
        persist_state=resources.KEPT,
    )
    if chosen == "maps":
        feature_maps.show_layer(inference, layer)
    elif chosen == "by_hand":
        by_hand.show(inference, layer)
    elif chosen == "switch_off":
        switch_off.show(inference, layer)
