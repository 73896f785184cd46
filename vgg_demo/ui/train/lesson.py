"""A guided ten minutes: predict, observe, explain. Why does the story's network not learn, and what mends it?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import fmean

import streamlit as st

from vgg_demo.diagnosis.verdict import escape_step
from vgg_demo.runs.manager import queue_run
from vgg_demo.runs.reader import Curve
from vgg_demo.text import DRAW, _, fill, percent, translate
from vgg_demo.ui.network import view
from vgg_demo.ui.shared import expander, identity, pins, resources
from vgg_demo.ui.shared.kept_errors import keep_error, show_error
from vgg_demo.ui.train import diagnosis_charts, diagnosis_view
from vgg_demo.ui.train.lesson_place import BROKEN, KEY, STEPS, Place, read_place, write_place
from vgg_demo.ui.train.lesson_questions import QUESTIONS, STEPS_TO_TRAIN
from vgg_demo.ui.train.lesson_runs import escape_in_words, finished, is_going_on, show_state

TICK_SECONDS = 2.0
WHERE_BROKEN_ANSWERS = (1, 5)  # the steps that ask what the broken network will do


def show() -> None:
    """One closed expander, or nothing when it was hidden."""
    if read_place().is_hidden:
        return
    title = _("A lesson in ten minutes: why does it not learn?")
    with expander.kept(title, ":material/school:", KEY, is_open=KEY in st.query_params) as is_open:  # continued
        if is_open:
            waits = _is_waiting(read_place())
            st.fragment(_show_step, run_every=TICK_SECONDS if waits else None)(waits)


def _show_step(was_waiting: bool) -> None:
    place = read_place()
    if st.session_state.pop("page_changed", False) or (was_waiting and not _is_waiting(place)):
        st.rerun()
    show_error("lesson_error")
    if place.step > STEPS:
        st.success(_("**Done.** It was not the depth: the same 16 layers learn when the signal gets through them."))
        if mended := finished(place.mended):
            st.markdown(_explain_mended(mended, finished(place.broken)))
        st.button(_("Begin again"), key="lesson_again", on_click=write_place, args=(Place(),))
        _show_ways_out(place)
        return
    question = QUESTIONS[place.step - 1]
    st.progress((place.step - 1) / STEPS)
    st.markdown(f"**{place.step} / {STEPS} · {translate(question.title)}**")
    guess = st.radio(
        translate(question.text).format(steps=STEPS_TO_TRAIN),
        range(len(question.choices)),
        index=None,
        format_func=lambda choice: translate(question.choices[choice]),
        key=f"lesson-guess-{place.step}",
        persist_state=resources.KEPT,
    )
    if guess is None:
        st.caption(_("Choose first, then look."))
    else:
        seen = _ACTIONS[place.step - 1](place)
        if seen:
            st.markdown(_judge(place, guess == question.right) + seen)
            st.button(
                _("Next") if place.step < STEPS else _("Finish"),
                type="primary",
                key="lesson_next",
                on_click=write_place,
                args=(replace(place, step=place.step + 1),),
            )
    _show_ways_out(place)


def _judge(place: Place, is_right: bool) -> str:
    """What stands before the measurement. A broken network that learned all the same decides nothing."""
    escape = escape_in_words(place.broken) if place.step in WHERE_BROKEN_ANSWERS else ""
    if escape:
        return escape + " "
    return _("**As you said.** ") if is_right else _("**Not so.** ")


def _show_ways_out(place: Place) -> None:
    before, after = replace(place, step=place.step - 1), replace(place, step=place.step + 1)
    with st.container(horizontal=True, gap="small"):
        if place.step > 1:
            st.button(_("Back"), key="lesson_back", type="tertiary", on_click=write_place, args=(before,))
        if place.step <= STEPS:
            st.button(_("Skip this step"), key="lesson_skip", type="tertiary", on_click=write_place, args=(after,))
        hidden, text = replace(place, is_hidden=True), _("A button at the end of the page shows it again.")
        label = _("Hide the lesson")
        st.button(label, key="lesson_hide", type="tertiary", help=text, on_click=write_place, args=(hidden,))


def show_way_back() -> None:
    """A button that shows the lesson again, where it was left; nothing unless it was hidden."""
    place = read_place()
    if place.is_hidden:
        shown = replace(place, is_hidden=False)
        st.button(_("Show the lesson"), icon=":material/school:", type="tertiary", on_click=write_place, args=(shown,))


def _offer_training(name: str, label: str, train: Callable[[], None]) -> None:
    """How far the run of this name is; a button to train one unless it waits or trains."""
    show_state(name)
    if not is_going_on(name):
        st.button(label, icon=":material/play_arrow:", key="lesson_train", on_click=train)


def _reproduce(place: Place) -> str | None:
    """Step 1: train the story's network."""
    curve = finished(place.broken)
    if curve is None:
        _offer_training(place.broken, _("Train it: {steps} steps").format(steps=STEPS_TO_TRAIN), _train_broken)
        return None
    text = _("After {steps} steps the loss is **{loss:.3f}**, and knowing nothing is 2.303. {answers}")
    answers = diagnosis_charts.answers_in_words(curve.diagnoses[-1])
    return text.format(steps=curve.last_step, loss=fmean(curve.losses[-50:]), answers=answers)


def _guess(place: Place) -> str | None:
    """Step 2: what the figures rule out."""
    curve = finished(place.broken)
    if curve is None:
        return _explain_missing(place.broken)
    escaped = escape_step(curve.losses) or math.inf  # before it learned all the same, if it did
    now = [look for look in curve.diagnoses if look.step < escaped][-1:] or curve.diagnoses[:1]
    text = _(
        "The curve alone cannot tell; the layers can. A step moves the weights by {update:2 %}, so the learning rate "
        "is not too low; the loss never jumped (highest {peak:.2f}), so it is not too high. "
        "But the gradient that reaches the first layer is {first:short} of its weights, and {last:short} in the last."
    )
    return fill(
        text,
        update=curve.diagnoses[0].typical_update,
        peak=max(curve.losses),
        first=now[0].layers[0].gradient,
        last=now[0].layers[-1].gradient,
    )


def _look(place: Place) -> str | None:
    """Step 3: the signal's way, at the first look."""
    curve = finished(place.broken)
    if curve is None:
        return _explain_missing(place.broken)
    shown = {"lesson_looked": True}
    st.button(_("Show the signal"), icon=":material/show_chart:", key="lesson_signal", on_click=_set, kwargs=shown)
    if not st.session_state.get("lesson_looked"):
        return None
    first = curve.diagnoses[0]
    view.show_picture(BROKEN.model, "lesson_network", [layer.signal for layer in first.layers])
    spec = diagnosis_charts.signal_through_layers(place.broken, first, first, {})
    words = diagnosis_charts.signal_in_words(first)
    st.echarts_chart(spec, height=260, key="lesson-signal", alt=words)
    text = _(
        "{words} Theory says 1/√6 = 0.41 for these weights and ReLU. At the logits the images are "
        "**about {times:short} times** more alike than they were: the input does not reach the output."
    )
    return fill(text, words=words, times=first.image_signal / max(first.output_signal, 1e-30))


def _mend(place: Place) -> str | None:
    """Step 4: He initialisation and nothing else."""
    broken, mended = finished(place.broken), finished(place.mended)
    if broken is None:
        return _explain_missing(place.broken)
    if mended is None:
        _offer_training(place.mended, _("Train it with He initialisation"), partial(_train_mended, place))
        return None
    return _explain_mended(mended, broken)


def _draw(place: Place) -> str | None:
    """Step 5: one drawing, two networks."""
    broken, mended = finished(place.broken), finished(place.mended)
    if broken is None or mended is None:
        return _explain_missing(place.broken, place.mended)
    with st.container(horizontal=True, gap="small"):
        for key, name, label in (
            ("lesson_draw_broken", place.broken, _("Draw for the broken one")),
            ("lesson_draw_mended", place.mended, _("Draw for the mended one")),
        ):
            st.button(label, icon=":material/draw:", key=key, on_click=_go_drawing, args=(name,))
    drawn = st.session_state.get("lesson_drawn", set())
    if not {place.broken, place.mended} <= drawn:
        st.caption(_("The drawing stays; choose the other network above it, or here."))
        return None
    return _("Broken: {broken} Mended: {mended}").format(
        broken=diagnosis_charts.answers_in_words(broken.diagnoses[-1]),
        mended=diagnosis_charts.answers_in_words(mended.diagnoses[-1]),
    )


_ACTIONS: list[Callable[[Place], str | None]] = [_reproduce, _guess, _look, _mend, _draw]


def _explain_mended(curve: Curve, broken: Curve | None) -> str:
    text = _(
        "Before its first step the signal at the logits was {signal:short}{instead}; after {steps} steps the loss is "
        "**{loss:.2f}** and it reads {right} of the digits it is looked at with. Same depth, same data, same order."
    )
    before = fill(_(" instead of {before:short}"), before=broken.diagnoses[0].output_signal) if broken else ""
    return fill(
        text,
        signal=curve.diagnoses[0].output_signal,
        instead=before,
        steps=curve.last_step,
        loss=fmean(curve.losses[-20:]),
        right=percent(curve.diagnoses[-1].accuracy, 0),
    )


def _explain_missing(*names: str) -> str | None:
    """What to do when one of these runs has not finished: wait for it, or go back."""
    if going := [name for name in names if is_going_on(name)]:
        show_state(going[0])
        return None
    st.info(_("This step looks at the networks of steps 1 and 4. Go back and train them first."))
    return None


def _is_waiting(place: Place) -> bool:
    """Whether a run of the lesson waits or trains."""
    return is_going_on(place.broken) or is_going_on(place.mended)


def _train_broken() -> None:
    with keep_error("lesson_error"):
        run = queue_run(BROKEN, identity.owner(), pins.kept())
        st.query_params["run"] = run.name
        write_place(Place(1, run.name))


def _train_mended(place: Place) -> None:
    diagnosis_view.try_change(place.broken, {"init": "he"})
    if "change_error" not in st.session_state:
        write_place(replace(place, mended=diagnosis_view.read_tried()[1][-1]))


def _go_drawing(name: str) -> None:
    drawn = {*st.session_state.get("lesson_drawn", set()), name}
    _set(lesson_drawn=drawn, tab=DRAW, draw_checkpoint=name, page_changed=True)


def _set(**values: object) -> None:
    st.session_state.update(values)
