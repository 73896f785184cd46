"""The Draw tab: the canvas, the answer, the ten bars; and, a step away, everything that happened in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from vgg_demo.errors import VggDemoError
from vgg_demo.text import _, percent, plain
from vgg_demo.ui.draw import (
    canvas as draw_canvas,
)
from vgg_demo.ui.draw import (
    compare as draw_compare,
)
from vgg_demo.ui.draw import (
    inputs,
    pictures,
    probability_charts,
)
from vgg_demo.ui.draw import (
    layers as draw_layers,
)
from vgg_demo.ui.draw import (
    logits as draw_logits,
)
from vgg_demo.ui.draw import (
    looked as draw_looked,
)
from vgg_demo.ui.draw import (
    steps as draw_steps,
)
from vgg_demo.ui.draw.look import Look, read
from vgg_demo.ui.evaluate.tab import pick_checkpoint
from vgg_demo.ui.shared import charts, resources

if TYPE_CHECKING:
    from vgg_demo.drawing.predict import Reading

STYLE = """<style>
.answer-none { font-size: 2.2rem; line-height: 1.2; font-weight: 700; }
.answer-several { font-size: 3.6rem; line-height: 1.1; font-weight: 700; letter-spacing: .06em; }
.answer-small { font-size: 2.4rem; line-height: 1.1; font-weight: 700; }
/* a phone: canvas, tools and answer within 320 x 568 pixels; room is kept for the picture that comes with the answer */
@media (max-width: 640px) {
  div.st-key-draw_tab, div.st-key-drawing :where([data-testid$="Block"]) { gap: .5rem; }
  .st-key-draw_checkpoint [data-testid="stSelectbox"] { display: flex; align-items: center; gap: .75rem; }
  .st-key-draw_checkpoint [data-testid="stSelectbox"] > label { margin: 0; }
  .st-key-draw_checkpoint [data-testid="stSelectbox"] > :last-child { flex: 1; }
  div.st-key-reading { min-height: 17rem; }
  div.st-key-answer { flex-flow: row wrap; align-content: flex-start; gap: 0 1rem; min-height: 5rem; }
  div.st-key-answer > div { width: auto; }
  div.st-key-answer > div:last-child { flex: 1 1 8rem; align-self: center; }
  div.st-key-nothing { gap: 0; }
  div.st-key-about { flex-flow: row-reverse; gap: 1rem; }
  div.st-key-about > div { flex: 1; min-width: 0; }
  div.st-key-about > div:last-child { flex: none; margin-right: auto; }
  .answer-digit { font-size: 4.5rem; }
  .answer-none { font-size: 1.5rem; }
  .answer-several { font-size: 3rem; }
}
</style>"""


@st.fragment
def show() -> None:
    """Draw the tab. A stroke reruns this fragment alone."""
    st.html(STYLE)
    with st.container(key="draw_tab"):
        show_tab()


def show_tab() -> None:
    """The network, the canvas, what it reads; other ways to a digit; a look inside."""
    with st.container(width=480):
        path = pick_checkpoint("draw_checkpoint")
    if path is None:
        return
    with st.container(key="drawing"):
        canvas, answer, bars = st.columns(
            [2.7, 0.9, 1.2] if st.session_state.get("wide") else [1.25, 0.9, 1.4], gap="medium"
        )
    with canvas:
        sent = inputs.show_sent()
        with st.container(key="sketch"):
            pixels, drawn_again = draw_canvas.sketch_pad()
    try:
        name = st.session_state["draw_checkpoint"]
        look = read(name, path, pixels, drawn_again) if sent is None else read(name, path, sent)
        with answer, st.container(key="reading"):
            look = show_reading(look)
        with bars:
            show_bars(look)
        ways, pen = st.columns(2, gap="large")
        with ways:
            inputs.show()
        with pen:
            draw_canvas.settings()
        if look is not None:
            show_section(look)
    except (VggDemoError, FileNotFoundError) as error:
        st.error(plain(error))


def show_reading(look: Look | None) -> Look | None:
    """The answer, and below it the picture that the network got. Returns the look at the chosen digit."""
    with st.container(key="answer"):
        show_answer(look)
    if look is None:
        return None
    with st.container(key="about"):
        with st.container():
            if len(look.readings) > 1:
                look = choose(look)
            show_true_label(look.reading)
        with st.container(key="seen", width="content"):
            caption = _("What the network sees: 28×28")
            alt = _("The drawing, scaled and centred in 28 by 28 pixels")
            pictures.row([pictures.figure(look.reading.prepared.digit, caption, alt)])
    return look


def show_answer(look: Look | None) -> None:
    """The digit or digits, and how sure the network is; or what to do."""
    if look is None:
        with st.container(key="nothing"):
            show_nothing()
    elif len(look.readings) > 1:
        show_digits(look)
    else:
        show_digit(look)


def show_true_label(reading: Reading) -> None:
    """Whether a picture whose label is known was read right."""
    label = inputs.true_label()
    if label is not None:
        is_right = reading.can_tell and reading.digit == label
        verdict = _("✓ read right") if is_right else _("✗ misread")
        st.markdown(_("True label: **{label}** · {verdict}").format(label=label, verdict=verdict))


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
        if reading.prepared.looks_like_two:
            st.caption(_("This looks like two digits that touch. Leave room between them."))
        else:
            st.caption(_("This does not look like a digit. If it must be one: {digit}.").format(digit=digit))
        return
    st.html(f'<div class="answer-digit" role="status" aria-label="{_("The answer")}: {digit}">{digit}</div>')
    st.caption(_("over 99.9 % sure") if sure > 0.999 else _("{sure} sure").format(sure=percent(sure, 1)))


def show_digits(look: Look) -> None:
    """Several digits, left to right."""
    digits = "".join(str(reading.digit) if reading.can_tell else "?" for reading in look.readings)
    st.html(f'<div class="answer-several" role="status" aria-label="{_("The answer")}: {digits}">{digits}</div>')
    if "?" in digits:
        st.caption(_("?: I can't tell; this does not look like a digit."))


def choose(look: Look) -> Look:
    """Which of several digits to look into, and how sure the network is of each."""

    def name(place: int) -> str:
        reading = look.readings[place]
        text = _("{place}: {digit}, {sure}") if reading.can_tell else _("{place}: can't tell")
        return text.format(place=place + 1, digit=reading.digit, sure=percent(max(reading.probabilities), 0))

    count = len(look.readings)
    chosen = st.segmented_control(
        _("Look into"), range(count), default=0, format_func=name, key=f"draw_chosen-{count}", required=True
    )
    return replace(look, chosen=chosen or 0)


def show_bars(look: Look | None) -> None:
    """The ten probabilities of the chosen digit."""
    probabilities = [0.0] * 10 if look is None else look.reading.probabilities
    st.echarts_chart(
        probability_charts.bars(probabilities, look is None or look.reading.can_tell),
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
