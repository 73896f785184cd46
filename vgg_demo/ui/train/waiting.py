"""What is said where trainings are a cluster's: of a run that waits for it, and of a cluster that does not answer."""

from __future__ import annotations

import streamlit as st

from vgg_demo.runs.class_settings import read_class_settings
from vgg_demo.runs.engines import engine
from vgg_demo.runs.reasons import DIED
from vgg_demo.runs.status import Status
from vgg_demo.text import _, plain


def show(status: Status, step: int) -> None:
    """Why a run waits. step: the last one that it has recorded."""
    if engine().has_queue:
        st.warning(
            _(
                "It waits for a cluster that this page was not started with (VGG_DEMO_RAY). To train it here, withdraw "
                "it, then resume it."
            )
        )
        return
    if status.reason == DIED:
        text = _("Its machine died at step {step:,}. It goes on from its last save, on another machine.")
        st.warning(text.format(step=step))
    if read_class_settings().queue_paused:
        st.info(_("It waits for the cluster. The teacher has paused the queue."))
    elif not show_problem():
        st.info(_("It waits for the cluster: it starts automatically, as soon as a machine has room."))


def show_problem() -> bool:
    """Say why the cluster starts nothing; returns whether there is anything to say."""
    problem = engine().problem()
    if problem:
        text = _("Nothing can be trained at present: {problem}. What was trained is here as ever.")
        st.warning(text.format(problem=plain(problem)))
    return bool(problem)
