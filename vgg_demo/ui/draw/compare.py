"""Two networks, one drawing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import streamlit as st

from vgg_demo.errors import VggDemoError
from vgg_demo.runs.store import SHIPPED_MODEL
from vgg_demo.text import _, percent, plain
from vgg_demo.ui.draw import layers as draw_layers
from vgg_demo.ui.draw import look as draw_look
from vgg_demo.ui.draw import pictures, probability_charts
from vgg_demo.ui.draw.look import Look
from vgg_demo.ui.evaluate.tab import label
from vgg_demo.ui.shared import charts, resources

SEES_NOTHING = 0.01  # logits: a drawing that moves them by less than this is as good as not there


def show(look: Look) -> None:
    """Pick a second network, and see both answers and what reaches their last layers."""
    others = {name: path for name, path in resources.checkpoint_choices().items() if name != look.name}
    if not others:
        st.info(_("There is no other network yet. Train one first, in the Train tab."), icon=":material/info:")
        return
    if st.session_state.get("draw_compare") not in others:
        st.session_state["draw_compare"] = SHIPPED_MODEL if SHIPPED_MODEL in others else next(iter(others))
    with st.container(width=480):
        name = st.selectbox(
            _("Second network"), list(others), key="draw_compare", persist_state=resources.KEPT, format_func=label
        )
    second = read_by(name, others[name], look)
    left, right = st.columns(2, gap="large")
    with left:
        show_one(look, "first")
    with right:
        if second is not None:
            show_one(second, "second")


def read_by(name: str, path: Path, look: Look) -> Look | None:
    """What another network reads in the same picture; None when it cannot be loaded, which the page then says."""
    from vgg_demo.drawing.predict import read_drawing

    try:
        readings = read_drawing(draw_look.load(path), look.inked)
        return replace(look, name=name, path=path, readings=readings, chosen=min(look.chosen, len(readings) - 1))
    except (VggDemoError, FileNotFoundError) as error:
        st.error(plain(error))
        return None


def show_one(look: Look, key: str) -> None:
    """One network's answer, its bars, how much the drawing matters to it, and its last layer."""
    from vgg_demo.analysis.explain import logit_change

    reading = look.reading
    st.markdown(f"**{plain(label(look.name))}**")
    answer = str(reading.digit) if reading.can_tell else _("I can't tell")
    st.html(f'<div class="answer-small">{answer}</div>')
    sure = _("{sure} sure") if reading.can_tell else _("If it must be one: {digit}, {sure}")
    st.caption(sure.format(digit=reading.digit, sure=percent(max(reading.probabilities), 1)))
    st.echarts_chart(
        probability_charts.bars(reading.probabilities, reading.can_tell),
        height=280,
        key=f"draw_compare_{key}",
        alt=f"{look.name}: {charts.probabilities_in_words(reading.probabilities)}",
    )
    change = logit_change(look.network, look.image)
    if change < SEES_NOTHING:
        text = _(
            "Your drawing moves its logits by {change:.7f} at most: **it does not see it**, and says the same to all."
        )
    else:
        text = _("Your drawing moves its logits by up to {change:.1f}, against an empty image.")
    st.markdown(text.format(change=change))
    maps = draw_layers.last_maps(look.network, look.image)
    shown = maps.maps[maps.strongest(min(draw_layers.SHOWN, len(maps.maps)))]
    caption = _("{title}, the strongest maps").format(title=draw_layers.title(maps.layer))
    pictures.row([pictures.figure(pictures.mosaic(shown), caption, caption, 320)])
