"""The logits before and after softmax, with a temperature."""

from __future__ import annotations

import streamlit as st

from vgg_demo.text import _
from vgg_demo.ui.draw import probability_charts
from vgg_demo.ui.draw.look import Look
from vgg_demo.ui.shared import charts, resources


def show(look: Look) -> None:
    """Ten logits, ten probabilities, and the slider between them."""
    from vgg_demo.analysis.explain import probabilities_at

    logits = look.reading.logits
    with st.container(width=340):
        temperature = st.slider(
            _("Temperature"),
            0.2,
            10.0,
            1.0,
            0.2,
            key="draw_temperature",
            persist_state=resources.KEPT,
            help=_("Logits are divided by it before softmax. At 1 it is what the network was trained with."),
        )
    probabilities = probabilities_at(logits, temperature)
    before, after = st.columns(2, gap="large")
    with before:
        st.markdown(_("**Logits**, as the last layer gives them"))
        st.echarts_chart(
            probability_charts.logit_bars(logits),
            height=320,
            key="draw_logits",
            alt=probability_charts.logits_in_words(logits),
        )
    with after:
        st.markdown(_("**Probabilities**: softmax of logits / {temperature:g}").format(temperature=temperature))
        st.echarts_chart(
            charts.probability_bars(probabilities),
            height=320,
            key="draw_softmax",
            alt=charts.probabilities_in_words(probabilities),
        )
    st.caption(
        _(
            "Softmax turns any ten numbers into probabilities that add up to 100 %, for a cat as for a digit. A higher "
            "temperature evens them out, a lower one makes them surer; the order, and so the answer, stays."
        )
    )
