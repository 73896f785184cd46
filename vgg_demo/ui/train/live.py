"""One run, as it goes: its state, the buttons that steer it, its figures and its curve."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from operator import methodcaller

import streamlit as st

from vgg_demo.config import RunConfig
from vgg_demo.errors import RunError, VggDemoError
from vgg_demo.places import shipped_names
from vgg_demo.runs.class_settings import read_class_settings
from vgg_demo.runs.engines import engine
from vgg_demo.runs.manager import continue_run, dispatch, resume_run, withdraw_run
from vgg_demo.runs.pinned import pinned_digits
from vgg_demo.runs.reader import Curve
from vgg_demo.runs.reasons import DIED
from vgg_demo.runs.status import Status
from vgg_demo.runs.store import Run, get_run
from vgg_demo.text import DRAW, EVALUATE, _, format_duration, ngettext, percent, plain, translate
from vgg_demo.ui.shared import identity, locks, resources
from vgg_demo.ui.shared.kept_errors import keep_error, show_error
from vgg_demo.ui.train import (
    class_training,
    diagnosis_view,
    feed,
    live_curve,
    pinned_tiles,
    pinned_view,
    queue_place,
    settings,
    waiting,
)

QUEUE_TICK_SECONDS = 0.9


def show(run: Run) -> None:
    """Draw the run; while it waits or trains, as a fragment, which runs again without the rest of the page."""
    try:
        state = _state(run.status())
    except RunError:
        state = "over"
    if state == "over":
        _show(run, state)
    else:  # the curve of an active run is updated by the feed, and runs this again when more has changed
        st.fragment(_show, run_every=QUEUE_TICK_SECONDS if state == "queued" else None)(run, state)


def _show(run: Run, state_before: str) -> None:
    try:
        if run.status().state == "queued":
            dispatch()
        config, status = run.config(), run.status()
    except VggDemoError as error:
        if not run.config_path.is_file():
            st.session_state["run_gone"] = True
            st.rerun()  # the whole page: it shows another run, or none
        st.warning(plain(error))
        return
    if _state(status) != state_before:
        st.rerun()  # the whole page: it starts, or Start comes back
    curve = resources.run_reader(str(run.path)).refresh()

    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="steer"):
        st.markdown(f"**{plain(run.name)}** · {state_in_words(status, curve.last_step)}")
        show_buttons(run, status, config)
    show_error("steer_error")
    if status.state == "queued":
        if engine().has_queue and status.engine is None:
            show_place(run)
        else:
            waiting.show(status, curve.last_step)
        pinned_view.show(run, status, curve)
        return
    if status.is_over:
        show_result(run, status, curve)
    if curve.damaged_lines:
        text = ngettext(
            "{count} line of this run's metrics.jsonl is damaged and left out.",
            "{count} lines of this run's metrics.jsonl are damaged and left out.",
            curve.damaged_lines,
        )
        st.warning(text.format(count=curve.damaged_lines))
    place = st.container()
    with st.popover(_("How it is drawn"), icon=":material/visibility:"):
        live_curve.show_settings()
    is_followed = diagnosis_view.show(run, config, status, curve)
    with place:
        others = [name for name in resources.overlaid() if name != run.name]
        digits = pinned_digits(run)
        tiles = "" if pinned_view.stands_still(status) else pinned_tiles.tiles(digits)
        live_curve.show(run, feed.page_key(status, curve, is_followed, digits), others, is_followed, tiles)
        pinned_view.show(run, status, curve)


def show_buttons(run: Run, status: Status, config: RunConfig) -> None:
    """What this browser may do with the run in its state."""
    if not identity.may_steer(status):
        if status.is_over and run.class_digits_path.is_file():
            class_training.show_again(run)
        elif status.is_over:
            show_copy(config)
        else:
            st.caption(_("You are watching: another browser started it."))
        return

    def button(label: str, icon: str, key: str, action: Callable[[Run], None], text: str | None = None) -> None:
        st.button(label, icon=f":material/{icon}:", key=key, help=text, on_click=_steer, args=(run.name, action))

    def command(label: str, icon: str, name: str, text: str, key: str = "") -> None:
        button(label, icon, key or name, methodcaller("send", name), text)

    if status.state == "queued":
        button(_("Withdraw"), "close", "withdraw", withdraw_run)
    if status.state == "running":
        command(_("Pause"), "pause", "pause", _("Wait after this batch."))
    if status.state == "paused":
        command(_("Resume"), "play_arrow", "resume", _("Go on."), key="pause")  # in its place: it has the focus, too
        command(_("One batch"), "skip_next", "batch", _("Learn from a single batch, then pause again."))
        command(_("To the end of the epoch"), "fast_forward", "epoch", _("Go on, then pause when the epoch ends."))
    if status.is_active:
        command(_("Stop"), "stop", "stop", _("End here and keep what was learned."))
        with st.popover(_("Learning rate"), icon=":material/speed:"):
            show_learning_rate(run, config)
    if status.is_over and status.state != "finished":
        button(_("Resume"), "play_arrow", "resume", partial(resume_run, in_queue=True))
    if status.is_over and run.resume_path.is_file():
        with st.popover(_("Train longer"), icon=":material/more_time:"):
            st.number_input(_("More epochs"), value=1, key="more_epochs")
            st.button(_("Go on"), key="continue", on_click=_continue, args=(run.name,))
    if status.is_over and run.class_digits_path.is_file():
        class_training.show_again(run)
    elif status.is_over:
        show_copy(config)


def show_copy(config: RunConfig) -> None:
    """Any viewer may start a run with the same settings, unless the settings are hidden."""
    if locks.is_hidden("settings"):
        return
    label = _("New run with its settings")
    st.button(label, icon=":material/content_copy:", key="copy", on_click=_copy, args=(config,))


def show_learning_rate(run: Run, config: RunConfig) -> None:
    """Change the learning rate from the next batch on."""
    label, rate = _("New learning rate"), config.train.learning_rate
    text = _(
        "It holds from the next batch on: where the schedule falls, it falls from there in proportion, and it "
        "never rises above. The change is marked on the curve."
    )
    st.number_input(label, value=rate, format="%g", key="new_learning_rate", help=text)
    st.button(_("Set"), key="set_learning_rate", on_click=_set_learning_rate, args=(run.name,))


def show_place(run: Run) -> None:
    """Where a waiting run stands in the queue, and about when it starts."""
    place, seconds = queue_place.place_and_wait(run)
    if read_class_settings().queue_paused:
        text = _("Place {place} in the queue. The teacher has paused the queue.")
    elif seconds is None:
        text = _("Place {place} in the queue: it starts automatically.")
    else:
        text = _("Place {place} in the queue: it starts automatically in about {wait}.")
    st.info(text.format(place=place, wait="" if seconds is None else format_duration(seconds)))


def show_result(run: Run, status: Status, curve: Curve) -> None:
    """What came of a run that is over, and what to do with it."""
    if status.state == "failed" and status.reason == DIED:
        st.error(_("The process died at step {step:,}.").format(step=curve.last_step))
        if identity.may_steer(status):
            saved = _("**Resume** goes on from its last save.")
            st.caption(saved if run.resume_path.is_file() else _("**Resume** begins again: nothing was saved."))
    elif status.state == "failed" and curve.losses and math.isnan(curve.losses[-1]):
        text = _(
            "The loss became NaN (not a number) at step {step:,}: the learning rate, {rate:g}, is probably too high. "
            "What was saved before is kept."
        )
        st.error(text.format(step=curve.last_step, rate=curve.learning_rates[-1]))
    elif status.state == "failed":
        st.error(_("The training failed: {reason}").format(reason=plain(translate(status.reason or ""))))
    result = (status.result if status.state != "failed" else None) or {}
    accuracy, loss = result.get("val_accuracy"), result.get("average_loss")
    if accuracy is not None:
        text = _("**{accuracy}** of the validation digits are read right; the network has not learned from them.")
        st.success(text.format(accuracy=percent(accuracy)), icon=":material/check_circle:")
    elif loss is not None:
        text = _(
            "Loss {loss:.4f}, the mean of its last epoch. No validation digits have been looked at yet; Evaluate shows "
            "how good it is."
        )
        st.info(text.format(loss=loss), icon=":material/info:")
    if run.class_digits_path.is_file():
        class_training.show_outcome(run, status)
    if run.name in shipped_names():
        st.caption(_("A network that ships with the project has this name, too: rename the run to evaluate it."))
    elif run.checkpoint_path.is_file():
        with st.container(horizontal=True):
            if not locks.is_hidden("evaluate"):
                st.button(_("Evaluate it"), icon=":material/fact_check:", on_click=go_to, args=(EVALUATE, run.name))
            if not locks.is_hidden("draw"):
                st.button(_("Draw with it"), icon=":material/draw:", on_click=go_to, args=(DRAW, run.name))


def state_in_words(status: Status, step: int) -> str:
    """The run's state in a few words."""
    if status.state == "running" and step and status.engine and status.host:
        return _("training on {machine}").format(machine=plain(status.host.partition("/")[0]))
    if status.state == "running":
        return _("training") if step else _("starting …")
    return {
        "queued": _("waiting"),
        "paused": _("paused"),
        "finished": _("finished"),
        "stopped": _("stopped"),
        "failed": _("failed"),
    }[status.state]


def go_to(tab: str, checkpoint: str) -> None:
    """Open another tab with this checkpoint chosen there."""
    st.session_state["tab"] = tab
    st.session_state["evaluate_checkpoint" if tab == EVALUATE else "draw_checkpoint"] = checkpoint
    st.session_state["evaluate_now"] = checkpoint if tab == EVALUATE else None


def _state(status: Status) -> str:
    """What decides how the page is drawn: "queued", "active" or "over"."""
    return "queued" if status.state == "queued" else "active" if status.is_active else "over"


def _steer(name: str, action: Callable[[Run], None]) -> None:
    """Do something with a run if this browser may."""
    with keep_error("steer_error"):
        run = get_run(name)
        if not identity.may_steer(run.status()):
            raise RunError(_("Another browser started this run: it cannot be steered from here."))
        action(run)


def _copy(config: RunConfig) -> None:
    settings.fill_settings(config)
    st.toast(_("The settings are filled in. Press **Start training** to start the run."), icon=":material/info:")


def _set_learning_rate(name: str) -> None:
    value = st.session_state["new_learning_rate"]  # as it is now: arguments are those of the last time it was drawn

    def change(run: Run) -> None:
        if not 0 < value <= 100:
            raise RunError(
                _("New learning rate: {value:g} was given; it is above 0 and at most 100.").format(value=value)
            )
        run.send("learning_rate", value=value)

    _steer(name, change)


def _continue(name: str) -> None:
    epochs = st.session_state["more_epochs"]

    def go_on(run: Run) -> None:
        if not 1 <= epochs <= 100:
            raise RunError(_("More epochs: {value} was given; it is between 1 and 100.").format(value=epochs))
        continue_run(run, epochs, in_queue=True)

    _steer(name, go_on)
