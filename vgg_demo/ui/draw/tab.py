"""The Draw tab: the canvas, the answer, the ten bars; and, a step away, everything that happened in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from vgg_demo.errors import CollectionError, VggDemoError
from vgg_demo.text import N_, _, confidence_in_words, percent, plain
from vgg_demo.ui.collect import students, teacher
from vgg_demo.ui.draw import attribution, canvas, charts, compare, feature_maps, inputs, logits, network, preprocessing
from vgg_demo.ui.draw.inference import Inference, read
from vgg_demo.ui.shared import networks, pictures, pins, sections, source_code
from vgg_demo.ui.shared.charts import probabilities_in_words

if TYPE_CHECKING:
    from vgg_demo.drawing.predict import Reading

HOURLY = 3600.0  # seconds: seldom, as it is for the connection's sake
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
  div.st-key-sketch { min-height: calc(min((100vw - 2rem) / var(--canvas-ratio), 60vh) + 60px); }
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


@st.fragment(run_every=HOURLY)
def show(is_open: bool, then: Callable[[], None]) -> None:
    """Draw the tab, then call a function. A stroke reruns this fragment alone.

    A page that has something to run every so often runs as soon as its lost connection is back, with what was drawn
    meanwhile; another one would wait for the next stroke.
    """
    st.html(STYLE)
    with st.container(key="draw_tab"):
        try:
            if collection := students.chosen():
                students.show(collection)
            else:
                students.offer()
                show_tab()
                teacher.show(is_open)
        except CollectionError as error:  # it was deleted a moment ago
            st.error(plain(error))
    then()


def show_tab() -> None:
    """The network, the canvas, what it reads; other ways to a digit; a look inside."""
    chosen = networks.pick_network("draw_checkpoint")
    if chosen is None:
        return
    is_wide = bool(st.session_state.get("wide"))
    st.html(f"<style>.st-key-sketch {{ --canvas-ratio: {2 if is_wide else 1}; }}</style>")
    widths = [2.7, 0.9, 1.2] if is_wide else [1.25, 0.9, 1.4]
    with st.container(key="drawing"):
        drawing, answer, bars = st.columns(widths, gap="medium")
    with drawing:
        sent = inputs.show_sent()
        with st.container(key="sketch"):
            pixels, rasterized = canvas.sketch_pad()
    try:
        inference = read(chosen, pixels, rasterized) if sent is None else read(chosen, sent)
        with answer, st.container(key="reading"):
            inference = show_reading(inference)
        with bars:
            show_bars(inference)
            show_pin(inference)
        ways, pen = st.columns(2, gap="large")
        with ways:
            inputs.show()
        with pen:
            canvas.settings()
        if inference is not None:
            sections.show(_("Look inside"), SECTIONS, "draw_section", inference)
        source_code.show_closed(source_code.DRAW, "draw_code")
    except (VggDemoError, FileNotFoundError) as error:
        st.error(plain(error))


def show_reading(inference: Inference | None) -> Inference | None:
    """The answer, and below it the picture that the network got. Returns it with the digit that was chosen."""
    with st.container(key="answer"):
        show_answer(inference)
    if inference is None:
        return None
    with st.container(key="about"):
        with st.container():
            if len(inference.readings) > 1:
                inference = choose(inference)
            show_true_label(inference.reading)
        with st.container(key="seen", width="content"):
            caption = _("What the network sees: 28×28")
            alt = _("The drawing, scaled and centred in 28 by 28 pixels")
            pictures.row(pictures.figure(inference.reading.prepared.digit, caption, alt))
    return inference


def show_answer(inference: Inference | None) -> None:
    """The digit or digits, and how sure the network is; or what to do."""
    if inference is None:
        with st.container(key="nothing"):
            show_nothing()
    elif len(inference.readings) > 1:
        show_digits(inference)
    else:
        show_digit(inference)


def show_true_label(reading: Reading) -> None:
    """Whether a picture whose label is known was read right."""
    label = st.session_state.get("draw_image_label")
    if label is not None:
        is_right = reading.can_tell and reading.digit == label
        verdict = _("✓ read right") if is_right else _("✗ misread")
        st.markdown(_("True label: **{label}** · {verdict}").format(label=label, verdict=verdict))
    if answer := st.session_state.get("draw_image_answer"):
        text = _(
            "In Evaluate: {answer}. There the network sees the image as it is; here it is centred first, and its "
            "strokes are made as wide as MNIST's."
        )
        st.caption(text.format(answer=answer))


def show_nothing() -> None:
    """Nothing to read: an empty canvas, or a picture without ink."""
    if "draw_image" in st.session_state:
        st.markdown(_("**There is nothing on this picture.**"))
        st.caption(_("It is empty, or too faint to be read. Choose a picture with a digit that stands out clearly."))
        return
    st.markdown(_("**Draw a digit, 0 to 9.**"))
    st.caption(_("The canvas is empty. Use a finger, a pen, the mouse or the keyboard; every stroke is read at once."))


def show_digit(inference: Inference) -> None:
    """One digit, or that the network cannot tell."""
    reading = inference.reading
    digit = reading.digit
    if not reading.can_tell:
        st.html('<div class="answer-none" role="status">' + _("I can't tell") + "</div>")
        if reading.prepared.looks_like_two:
            st.caption(_("This looks like two digits that touch. Leave room between them."))
        else:
            st.caption(_("This does not look like a digit. If it must be one: {digit}.").format(digit=digit))
        return
    st.html(f'<div class="answer-digit" role="status" aria-label="{_("The answer")}: {digit}">{digit}</div>')
    st.caption(confidence_in_words(max(reading.probabilities)))


def show_digits(inference: Inference) -> None:
    """Several digits, left to right."""
    digits = "".join(str(reading.digit) if reading.can_tell else "?" for reading in inference.readings)
    st.html(f'<div class="answer-several" role="status" aria-label="{_("The answer")}: {digits}">{digits}</div>')
    if "?" in digits:
        st.caption(_("?: I can't tell; this does not look like a digit."))


def choose(inference: Inference) -> Inference:
    """Which of several digits to look into, and how sure the network is of each."""

    def name(place: int) -> str:
        reading = inference.readings[place]
        text = _("{place}: {digit}, {sure}") if reading.can_tell else _("{place}: can't tell")
        return text.format(place=place + 1, digit=reading.digit, sure=percent(max(reading.probabilities), 0))

    count = len(inference.readings)
    chosen = st.segmented_control(
        _("Look into"), range(count), default=0, format_func=name, key=f"draw_chosen-{count}", required=True
    )
    return replace(inference, chosen=chosen or 0)


def show_bars(inference: Inference | None) -> None:
    """The ten probabilities of the chosen digit."""
    probabilities = [0.0] * 10 if inference is None else inference.reading.probabilities
    spec = charts.probability_bars(probabilities, inference is None or inference.reading.can_tell)
    st.echarts_chart(spec, height=320, key="bars", alt=probabilities_in_words(probabilities))


def show_pin(inference: Inference | None) -> None:
    """Watch this digit while a network trains."""
    if inference is not None:
        reading = inference.reading
        label = st.session_state.get("draw_image_label")
        if label is None and reading.can_tell:
            label = reading.digit
        pins.show_button(reading.prepared.digit.tobytes(), label, "pin")


SECTIONS: sections.Sections[Inference] = {
    "preprocessing": (N_("Every step"), preprocessing.show),
    "network": (N_("The network"), network.show),
    "feature_maps": (N_("Feature maps"), feature_maps.show),
    "attribution": (N_("Where it looked"), attribution.show),
    "logits": (N_("Logits and softmax"), logits.show),
    "compare": (N_("Two networks"), compare.show),
}
