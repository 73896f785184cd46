"""Look at the network: its picture, what the chosen layer does, the table of its layers, and how PyTorch prints it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from vgg_demo.architecture import Layer, count_parameters, layers_of
from vgg_demo.config import ModelConfig
from vgg_demo.text import _, percent, plain
from vgg_demo.ui.network import picture
from vgg_demo.ui.network.picture import Station

if TYPE_CHECKING:
    from vgg_demo.model import VGG

LARGE_SHARE = 0.5  # of the parameters in one layer: then the page says so


def show(config: ModelConfig, key: str, network: VGG | None = None) -> None:
    """The picture and the table. key: of the widgets, one for each place of the page. network: for its kernels."""
    show_picture(config, key, network=network)
    show_layers(config, key)


def show_picture(config: ModelConfig, key: str, figures: Sequence[float] = (), network: VGG | None = None) -> None:
    """The picture, and what the layer does that was chosen in it. figures: as of picture.show."""
    station = picture.show(config, key, figures)
    if station is not None:
        show_layer(config, station, network)


def show_layers(config: ModelConfig, key: str) -> None:
    """The table of the layers, and the network as PyTorch prints it."""
    show_table(config)
    if st.toggle(_("As PyTorch prints it: print(model)"), key=f"{key}-print"):
        st.code(printed(config), language=None, wrap_lines=True)


def show_layer(config: ModelConfig, station: Station, network: VGG | None = None) -> None:
    """What a layer is and does, and what it costs. network: for pictures of the first convolution's kernels."""
    layer, layers = station.layer, layers_of(config)
    with st.container(border=True):
        st.markdown(f"**{station.title}** · `{plain(layer.name)}`\n\n{what_it_does(config, layer)}")
        if station.followers:
            words = {"norm": _("batch normalisation"), "relu": _("ReLU"), "dropout": _("dropout")}
            st.caption(_("Then: {what}.").format(what=", ".join(words[after.kind] for after in station.followers)))
        if layer.weights:
            st.caption(
                _(
                    "{parameters:,} parameters, {share} of the network's; {multiplications:,} multiplications, {part}."
                ).format(
                    parameters=layer.parameters,
                    share=percent(layer.parameters / count_parameters(config), 1),
                    multiplications=layer.multiplications,
                    part=percent(layer.multiplications / sum(each.multiplications for each in layers), 1),
                )
            )
        if network is not None and layer == layers[0]:
            show_kernels(network)


def what_it_does(config: ModelConfig, layer: Layer) -> str:
    """A layer's work in two sentences."""
    if layer.kind == "pool":
        return _(
            "It keeps the largest of each 2×2 pixels, so height and width are halved. From here on it matters what was "
            "found, and less where exactly."
        )
    if layer.kind == "conv" and layer.inputs[0] == 1:
        return _(
            "Each of its {channels:,} channels slides a kernel of 3×3 pixels over the image and is large where its "
            "pattern is found. A border of zeros keeps the image at {side}×{side} pixels."
        ).format(channels=layer.outputs[0], side=layer.outputs[1])
    if layer.kind == "conv":
        return _(
            "Each of its {channels:,} channels slides a kernel of 3×3 pixels over all {inputs:,} input channels and is "
            "large where its pattern is found. A border of zeros keeps the image at {side}×{side} pixels."
        ).format(channels=layer.outputs[0], inputs=layer.inputs[0], side=layer.outputs[1])
    text = _("Each of its {units:,} units is a weighted sum of all {inputs:,} inputs.").format(
        units=layer.outputs[0], inputs=layer.inputs[0]
    )
    if layer == layers_of(config)[-1]:
        return text + " " + _("The ten sums are the logits: the digit with the largest is the answer.")
    return text + " " + _("So it can combine what was found anywhere in the image.")


def show_kernels(network: VGG) -> None:
    """The first convolution's kernels, summed over the image's channels: bright weights add, dark ones take away."""
    from vgg_demo.ui.shared import pictures

    weight = network.get_parameter("features.0.weight").detach().float().cpu().sum(1)  # (K, 3, 3)
    lowest = weight.amin((1, 2), keepdim=True)
    bright = (weight - lowest) / (weight.amax((1, 2), keepdim=True) - lowest).clamp(min=1e-12)  # each from 0 to 1
    caption = _("Its {count} kernels: white is the largest weight of each, black the smallest").format(
        count=len(bright)
    )
    large = bright.repeat_interleave(12, 1).repeat_interleave(12, 2)
    pictures.row(pictures.figure(pictures.mosaic(large), caption, caption, 400))


def show_table(config: ModelConfig) -> None:
    """A row for each layer that has weights or halves the image, with its share of the whole."""
    layers = layers_of(config)
    parameters, multiplications = count_parameters(config), sum(layer.multiplications for layer in layers)
    kernels = {"conv": "3×3", "pool": "2×2"}
    shown = [layer for layer in layers if layer.kind not in ("relu", "dropout")]
    st.dataframe(
        {
            _("layer"): [layer.name for layer in shown],
            _("kind"): [kind_in_words(layer) for layer in shown],
            _("output"): [" × ".join(f"{size:,}" for size in layer.outputs) for layer in shown],
            _("kernel"): [kernels.get(layer.kind, "") for layer in shown],
            _("parameters"): [f"{layer.parameters:,}" for layer in shown],
            _("share"): [percent(layer.parameters / parameters, 1) for layer in shown],
            _("multiplications"): [f"{layer.multiplications:,}" for layer in shown],
            _("their share"): [percent(layer.multiplications / multiplications, 1) for layer in shown],
        },
        hide_index=True,
        alt=_("The layers, from the image to the logits"),
    )
    text = _("In all **{parameters:,} parameters** and {multiplications:,} multiplications an image.").format(
        parameters=parameters, multiplications=multiplications
    )
    largest = max(layers, key=lambda layer: layer.parameters)
    if largest.parameters > LARGE_SHARE * parameters:
        text += " " + _("{share} of the parameters sit in one layer, `{name}`.").format(
            share=percent(largest.parameters / parameters, 0), name=largest.name
        )
    st.markdown(text)


def kind_in_words(layer: Layer) -> str:
    """What a layer is called."""
    names = {"conv": _("convolution"), "norm": _("batch norm"), "pool": _("max-pool"), "linear": _("linear")}
    return names[layer.kind]


@st.cache_data(show_spinner=False, max_entries=20)
def printed(config: ModelConfig) -> str:
    """The network's text, of a copy that has shapes and no weights."""
    import torch

    from vgg_demo.model import VGG

    with torch.device("meta"):
        return str(VGG(config))
