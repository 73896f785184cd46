"""The Draw tab: the canvas, the answer, the ten bars; and, a step away, everything that happened in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from vgg_demo.errors import VggDemoError
from vgg_demo.ui import (
    charts,
    draw_canvas,
    draw_charts,
    draw_compare,
    draw_inputs,
    draw_layers,
    draw_logits,
    draw_looked,
    draw_pictures,
    draw_steps,
    resources,
)
from vgg_demo.ui.draw_look import Look, read
from vgg_demo.ui.evaluate_tab import pick_checkpoint
from vgg_demo.ui.text import _, percent

STYLE = """<style>
.answer-none { font-size: 2.2rem; line-height: 1.2; font-weight: 700; }
.answer-several { font-size: 3.6rem; line-height: 1.1; font-weight: 700; letter-spacing: .06em; }
.answer-small { font-size: 2.4rem; line-height: 1.1; font-weight: 700; }
</style>"""


@st.fragment
def show() -> None:
    """Draw the tab. A stroke reruns this fragment alone."""
    with st.container(width=480):
        path = pick_checkpoint("draw_checkpoint")
    if path is None:
        return
    canvas, answer, bars = st.columns(
        [2.7, 0.9, 1.2] if st.session_state.get("wide") else [1.25, 0.9, 1.4], gap="medium"
    )
    with canvas:
        sent = draw_inputs.show_sent()
        with st.container(key="sketch"):
            pixels, drawn_again = draw_canvas.sketch_pad()
    try:
        name = st.session_state["draw_checkpoint"]
        look = read(name, path, pixels, drawn_again) if sent is None else read(name, path, sent)
        with answer:
            look = show_answer(look)
        with bars:
            show_bars(look)
        ways, pen = st.columns(2, gap="large")
        with ways:
            draw_inputs.show()
        with pen:
            draw_canvas.settings()
        if look is not None:
            show_section(look)
    except (VggDemoError, FileNotFoundError) as error:
        st.error(str(error))


def show_answer(look: Look | None) -> Look | None:
    """The digit or digits, how sure the network is, and the picture that it got. Returns the look at the chosen one."""
    st.html(STYLE)
    if look is None:
        show_nothing()
        return None
    if len(look.readings) > 1:
        look = choose(look)
    else:
        show_digit(look)
    label = draw_inputs.true_label()
    if label is not None:
        is_right = look.reading.can_tell and look.reading.digit == label
        verdict = _("✓ read right") if is_right else _("✗ misread")
        st.markdown(_("True label: **{label}** · {verdict}").format(label=label, verdict=verdict))
    with st.container(key="seen"):
        caption = _("What the network sees: 28×28")
        alt = _("The drawing, scaled and centred in 28 by 28 pixels")
        draw_pictures.row([draw_pictures.figure(look.reading.prepared.digit, caption, alt)])
    return look


def show_nothing() -> None:
    """Nothing to read: an empty canvas, or a picture without ink."""
    if "draw_image" in st.session_state:
        st.markdown(_("**There is nothing on this picture.**"))
        st.caption(_("It is empty, or too faint to be read. Choose a picture with a digit that stands out clearly."))
        return
    st.markdown(_("**Draw a digit, 0 to 9.**"))
    st.caption(_("The canvas is empty. Use a finger, a pen, the mouse or the keyboard; every stroke is read at once."))


def show_digit(look: Look) -> None:
    """One digit, or that the network cannot tell."""
    reading = look.reading
    digit, sure = reading.digit, max(reading.probabilities)
    if not reading.can_tell:
        st.html('<div class="answer-none" role="status">' + _("I can't tell") + "</div>")
        st.caption(_("This does not look like a digit. If it must be one: {digit}.").format(digit=digit))
        return
    st.html(f'<div class="answer-digit" role="status" aria-label="{_("The answer")}: {digit}">{digit}</div>')
    st.caption(_("over 99.9 % sure") if sure > 0.999 else _("{sure} sure").format(sure=percent(sure, 1)))


def choose(look: Look) -> Look:
    """Several digits, left to right, and which of them to look into."""
    digits = "".join(str(reading.digit) if reading.can_tell else "?" for reading in look.readings)
    st.html(f'<div class="answer-several" role="status" aria-label="{_("The answer")}: {digits}">{digits}</div>')
    if "?" in digits:
        st.caption(_("?: I can't tell; this does not look like a digit."))

    def name(place: int) -> str:
        reading = look.readings[place]
        text = _("{place}: {digit}, {sure}") if reading.can_tell else _("{place}: can't tell")
        return text.format(place=place + 1, digit=reading.digit, sure=percent(max(reading.probabilities), 0))

    chosen = st.segmented_control(
        _("Look into"), range(len(digits)), default=0, format_func=name, key=f"draw_chosen-{len(digits)}", required=True
    )
    return replace(look, chosen=chosen or 0)


def show_bars(look: Look | None) -> None:
    """The ten probabilities of the chosen digit."""
    probabilities = [0.0] * 10 if look is None else look.reading.probabilities
    st.echarts_chart(
        draw_charts.bars(probabilities, look is None or look.reading.can_tell),
        height=320,
        key="bars",
        alt=charts.probabilities_in_words(probabilities),
    )


def show_section(look: Look) -> None:
    """One closer look, when it is asked for; what is not asked for is not computed."""
    section = st.segmented_control(
        _("Look inside"),
        list(SECTIONS),
        format_func=lambda name: SECTIONS[name][0],
        key="draw_section",
        persist_state=resources.KEPT,
    )
    if section is not None:
        with st.container(key="inside"):
            SECTIONS[section][1](look)


SECTIONS: dict[str, tuple[str, Callable[[Look], None]]] = {
    "steps": (_("Every step"), draw_steps.show),
    "layers": (_("Feature maps"), draw_layers.show),
    "looked": (_("Where it looked"), draw_looked.show),
    "logits": (_("Logits and softmax"), draw_logits.show),
    "compare": (_("Two networks"), draw_compare.show),
}
