"""The lesson's two trainings: what they have recorded, how far they are, or how they ended."""

from __future__ import annotations

import streamlit as st

from vgg_demo.config import RunConfig
from vgg_demo.errors import RunError
from vgg_demo.runs.reader import Curve
from vgg_demo.runs.status import Status
from vgg_demo.runs.store import get_run
from vgg_demo.text import _
from vgg_demo.ui.shared import resources
from vgg_demo.ui.train import story_view
from vgg_demo.ui.train.lesson_questions import STEPS_TO_TRAIN


def finished(name: str) -> Curve | None:
    """What the run has recorded, once it has finished with a diagnosis; None until then."""
    status, curve = _status(name), resources.curve_of(name)
    if status is None or status.state != "finished" or curve is None or not curve.diagnoses or not curve.losses:
        return None
    return curve


def is_trained_as(name: str, config: RunConfig) -> bool:
    """Whether there is a run of this name with these settings, however long it trains."""
    try:
        return not set(get_run(name).config().changes_from(config)) - {"steps", "epochs"}
    except RunError:
        return False


def is_going_on(name: str) -> bool:
    """Whether the run waits or trains."""
    status = _status(name)
    return status is not None and not status.is_over


def escape_in_words(name: str) -> str:
    """That the run learned though it should not have; nothing when it did not, or has not finished."""
    curve = finished(name)
    try:
        return story_view.escape_in_words(get_run(name).config(), curve) if curve else ""
    except RunError:
        return ""


def show_state(name: str) -> None:
    """Show the state of a run that the lesson cannot use yet, or at all; nothing for one that is gone."""
    status, curve = _status(name), resources.curve_of(name)
    if status is None or curve is None:
        return
    at = {"step": curve.last_step, "total": STEPS_TO_TRAIN}
    if status.state == "queued":
        st.caption(_("The training waits for its turn …"))
    elif not status.is_over:
        st.caption(_("Training: step {step} of {total} …").format(**at))
    elif status.state == "stopped":
        st.info(_("It was stopped at step {step} of {total}. Train it again.").format(**at))
    elif status.state == "failed":
        st.info(_("It failed at step {step} of {total}; its curve says why. Train it again.").format(**at))
    else:
        st.info(_("Nothing was seen inside it, so there is nothing to explain. Train it again."))


def _status(name: str) -> Status | None:
    try:
        return get_run(name).status()
    except RunError:
        return None
