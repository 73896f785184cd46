"""Two networks, one drawing."""

from __future__ import annotations

import streamlit as st

from vgg_demo.errors import VggDemoError
from vgg_demo.text import _, percent, plain
from vgg_demo.ui.draw import charts, feature_maps
from vgg_demo.ui.draw.inference import Inference, read
from vgg_demo.ui.shared import networks, pictures
from vgg_demo.ui.shared.charts import probabilities_in_words

SEES_NOTHING = 0.01  # logits: a drawing that moves them by less than this is as good as not there


def show(first: Inference) -> None:
    """Pick a second network, and show both answers and what reaches their last layers."""
    others = {name: other for name, other in networks.choices().items() if other != first.network}
    if not others:
        st.info(_("There is no other network yet. Train one first, in the Train tab."), icon=":material/info:")
        return
    network = networks.pick(_("Second network"), others, "draw_compare")
    left, right = st.columns(2, gap="large")
    with left:
        show_one(first, "first")
    with right:
        try:
            if second := read(network, first.pixels, first.rasterized, first.chosen):
                show_one(second, "second")
        except (VggDemoError, FileNotFoundError) as error:
            st.error(plain(error))


def show_one(inference: Inference, key: str) -> None:
    """One network's answer, its bars, how much the drawing matters to it, and its last layer."""
    from vgg_demo.analysis import explain

    reading, name = inference.reading, inference.network.name
    st.markdown(f"**{plain(networks.shown_name(name))}**")
    answer = str(reading.digit) if reading.can_tell else _("I can't tell")
    st.html(f'<div class="answer-small">{answer}</div>')
    sure = _("{sure} sure") if reading.can_tell else _("If it must be one: {digit}, {sure}")
    st.caption(sure.format(digit=reading.digit, sure=percent(max(reading.probabilities), 1)))
    st.echarts_chart(
        charts.probability_bars(reading.probabilities, reading.can_tell),
        height=280,
        key=f"draw_compare_{key}",
        alt=f"{name}: {probabilities_in_words(reading.probabilities)}",
    )
    change = explain.logit_change(inference.vgg, inference.image)
    text = _("Your drawing moves its logits by up to {change:.1f}, against an empty image.")
    if change < SEES_NOTHING:
        text = _(
            "Your drawing moves its logits by {change:.7f} at most: **it does not see it**, and says the same to all."
        )
    st.markdown(text.format(change=change))
    last = explain.feature_maps(inference.vgg, inference.image)[-1]
    caption = _("{title}, the strongest maps").format(title=feature_maps.title(last.layer))
    shown = pictures.mosaic(last.maps[last.strongest(feature_maps.SHOWN)])
    pictures.row(pictures.figure(shown, caption, caption, 320))
