"""Switch channels or small weights of a layer off and see what becomes of the answer and of the accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from vgg_demo.architecture import Layer, layers_of
from vgg_demo.config import ModelConfig, TrainConfig
from vgg_demo.text import _, percent
from vgg_demo.ui.draw import charts
from vgg_demo.ui.draw.inference import Inference
from vgg_demo.ui.shared.charts import probabilities_in_words

if TYPE_CHECKING:
    from vgg_demo.data import Digits
    from vgg_demo.model import VGG

DIGITS = 1000  # that the accuracy is measured on
MOST_MULTIPLICATIONS = 1e12  # for all of them: some ten seconds on a laptop


def show(inference: Inference, layer: Layer) -> None:
    """Choose what is off, and see the answer to this digit and the accuracy. The checkpoint stays as it is."""
    network, version, train = inference.vgg, inference.network.sha256, inference.network.config.train
    key = f"switch_off-{layer.name}-{layer.outputs}"
    if not layer.weights:
        st.caption(_("A max-pool has no weights: choose a convolution or a linear layer."))
        return
    off: list[int] = []
    if layer.kind == "conv":
        off = st.multiselect(_("Channels switched off"), range(layer.outputs[0]), key=f"{key}-channels")
    share = st.slider(_("Smallest weights set to 0, in %"), 0, 100, 0, 5, key=f"{key}-share")
    if st.button(_("All on again"), icon=":material/restart_alt:", disabled=not off and not share, key=f"{key}-reset",
                 on_click=reset, args=(key,)):  # fmt: skip
        return
    from vgg_demo.evaluation import predict_probabilities

    changed = switched_off(network, version, layer, tuple(off), share)
    before, after = (predict_probabilities(each, inference.image)[0].tolist() for each in (network, changed))
    whole, now = accuracy(network, version, train), accuracy(changed, version, train, layer.name, tuple(off), share)
    title = _("Accuracy on {count:,} validation digits")
    if not train.validation_images:
        title = _("Accuracy on {count:,} training digits")
    left, right = st.columns(2)
    with left:
        st.metric(
            title.format(count=count_for(network.config)),
            percent(now, 1),
            _("{change:+.1f} points").format(change=100 * (now - whole)) if now != whole else None,
        )
        digit, was = (max(range(10), key=each.__getitem__) for each in (after, before))
        text = _("Your digit: **{digit}** ({sure} sure).")
        if digit != was:
            text = _("Your digit: **{digit}** ({sure} sure), no longer {was}.")
        st.markdown(text.format(digit=digit, sure=percent(after[digit], 1), was=was))
    with right:
        bars = charts.probability_bars(after)
        st.echarts_chart(bars, height=260, key=f"{key}-bars", alt=probabilities_in_words(after))
    st.caption(_("Nothing is saved: the checkpoint stays as it is."))


def reset(key: str) -> None:
    """All on again."""
    st.session_state[f"{key}-share"] = 0
    if f"{key}-channels" in st.session_state:
        st.session_state[f"{key}-channels"] = []


@st.cache_resource(show_spinner=False, max_entries=4)
def switched_off(_network: VGG, version: str, layer: Layer, channels: tuple[int, ...], share: int) -> VGG:
    """The copy that is shown, kept for the next stroke."""
    from vgg_demo.analysis.ablation import pruned, without_channels

    changed = pruned(_network, layer.name, share / 100) if share else _network
    return without_channels(changed, layer.index, channels) if channels else changed


@st.cache_data(show_spinner=False, max_entries=200)
def accuracy(
    _network: VGG, version: str, train: TrainConfig, name: str = "", channels: tuple[int, ...] = (), share: int = 0
) -> float:
    """The share of digits that are read right. version and what follows name the network, for what is remembered."""
    from vgg_demo.evaluation import accuracy_and_loss

    return accuracy_and_loss(_network, digits_for(train, count_for(_network.config)))[0]


def count_for(config: ModelConfig) -> int:
    """How many digits to measure with: 1,000, fewer for a network that would take minutes."""
    return max(20, min(DIGITS, round(MOST_MULTIPLICATIONS / sum(layer.multiplications for layer in layers_of(config)))))


@st.cache_resource(show_spinner=False, max_entries=4)
def digits_for(train: TrainConfig, count: int) -> Digits:
    """Digits that the network kept apart, or training digits where it kept none."""
    from vgg_demo.data import load_train, split_train

    return split_train(load_train(), max(train.validation_images, DIGITS), train.seed)[1][:count]
