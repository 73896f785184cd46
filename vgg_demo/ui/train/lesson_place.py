"""Where someone is in the lesson; the page's address keeps it, so that the lesson can be left and continued."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from vgg_demo.presets import get_preset
from vgg_demo.ui.shared import expander
from vgg_demo.ui.train.lesson_questions import STEPS_TO_TRAIN
from vgg_demo.ui.train.lesson_runs import is_trained_as

STEPS = 5
LAST_STEP_WITHOUT_THE_CAUSE = 3  # up to here the lesson asks what the page's own diagnosis would tell
BROKEN = get_preset("blog-mini").config.with_changes(steps=STEPS_TO_TRAIN)
MENDED = BROKEN.with_changes(init="he")
KEY = "lesson"  # of the expander, and in the address
HIDDEN = "hidden"


@dataclass(frozen=True)
class Place:
    """Where someone is in the lesson: the step from 1, STEPS + 1 when done, and the two networks once trained."""

    step: int = 1
    broken: str = ""
    mended: str = ""
    is_hidden: bool = False


def read_place() -> Place:
    """The place that the address names; the beginning where it names none.

    Runs that are gone are forgotten, and so are those of other networks that have their names now.
    """
    step, broken, mended, hidden = [*st.query_params.get(KEY, "").split("~"), "", "", ""][:4]
    return Place(
        int(step) if step in map(str, range(1, STEPS + 2)) else 1,
        broken if is_trained_as(broken, BROKEN) else "",
        mended if is_trained_as(mended, MENDED) else "",
        hidden == HIDDEN,
    )


def write_place(place: Place) -> None:
    """Keep the place in the address, and let the whole page know."""
    hidden = f"~{HIDDEN}" if place.is_hidden else ""
    st.query_params[KEY] = f"{place.step}~{place.broken}~{place.mended}{hidden}"
    st.session_state["page_changed"] = True


def is_asking() -> bool:
    """Whether the lesson is open at a step that asks for the cause: until then the page does not name it."""
    place = read_place()
    return expander.was_open(KEY) and not place.is_hidden and place.step <= LAST_STEP_WITHOUT_THE_CAUSE
