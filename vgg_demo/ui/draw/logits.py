"""The logits before and after softmax, with a temperature."""

from __future__ import annotations

import streamlit as st

from vgg_demo.text import _
from vgg_demo.ui.draw import charts
from vgg_demo.ui.draw.inference import Inference
from vgg_demo.ui.shared import resources
from vgg_demo.ui.shared.charts import probabilities_in_words


def show(inference: Inference) -> None:
    """Ten logits, ten probabilities, and the slider between them."""
    from vgg_demo.analysis.explain import probabilities_at

    logits = inference.reading.logits
    meaning = _("Logits are divided by it before softmax. At 1 it is what the network was trained with.")
    with st.container(width=340):
        temperature = st.slider(
            _("Temperature"), 0.2, 10.0, 1.0, 0.2, key="draw_temperature", persist_state=resources.KEPT, help=meaning
        )
    after_softmax = probabilities_at(logits, temperature)
    before, after = st.columns(2, gap="large")
    with before:
        st.markdown(_("**Logits**, as the last layer gives them"))
        alt = charts.logits_in_words(logits)
        st.echarts_chart(charts.logit_bars(logits), height=320, key="draw_logits", alt=alt)
    with after:
        st.markdown(_("**Probabilities**: softmax of logits / {temperature:g}").format(temperature=temperature))
        alt = probabilities_in_words(after_softmax)
        st.echarts_chart(charts.probability_bars(after_softmax), height=320, key="draw_softmax", alt=alt)
    st.caption(
        _(
            "Softmax turns any ten numbers into probabilities that add up to 100 %, for a cat as for a digit. A higher "
            "temperature evens them out, a lower one makes them surer; the order, and so the answer, stays."
        )
    )
