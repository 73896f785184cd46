"""How the teacher leads the class from the board: the queue, "follow me", and what students do not get."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

import streamlit as st

from vgg_demo.errors import RunError
from vgg_demo.presets import PRESETS
from vgg_demo.runs.class_settings import (
    HIDEABLE,
    TABS,
    ClassSettings,
    Lead,
    change_class_settings,
    move_lead,
    read_class_settings,
)
from vgg_demo.runs.manager import dispatch
from vgg_demo.text import N_, _, plain
from vgg_demo.ui.board import follow
from vgg_demo.ui.shared import identity, locks, tabs
from vgg_demo.ui.shared.kept_errors import keep_error, show_error


def show() -> None:
    """A row of switches for who may teach; for others, where there is a code, the way to become the teacher."""
    with st.container(key="controls", horizontal=True, vertical_alignment="center", gap="medium"):
        if identity.may_teach():
            settings = read_class_settings()
            text = _("Runs that wait do not start until this is off.")
            toggle(_("Pause the queue"), "queue_paused", settings.queue_paused, text, pause)
            show_lead(settings.lead)
            with st.popover(_("What students get"), icon=":material/lock:"):
                show_locks(settings)
        if identity.teacher_code() is not None:
            with st.popover(_("For the teacher"), icon=":material/school:", type="tertiary"):
                identity.show_teacher_access()
    identity.say_that_all_may_teach()
    show_error("class_error")


def show_lead(lead: Lead | None) -> None:
    """The switch of "follow me", and, once it is on, what students see."""
    text = _(
        "Students' pages go to the tab and the run that this browser's page shows, until they choose otherwise. "
        "A student who is drawing is asked first."
    )
    toggle(_("Students follow me"), "leading", lead is not None and follow.leads(lead), text, turn_lead)
    if lead is not None:
        st.session_state["lead_tab"] = lead.tab or None
        st.segmented_control(
            _("Students see"),
            TABS,
            format_func=tabs.titles().__getitem__,
            key="lead_tab",
            on_change=show_tab,
            label_visibility="collapsed",
            width="content",
        )
        if lead.name:
            st.caption(plain(lead.name))


def show_locks(settings: ClassSettings) -> None:
    """What is hidden from students, and the preset that Start training has for them."""
    titles = {
        "settings": _("the settings"),
        "presets": _("the choice of a preset"),
        "lesson": _("the lesson"),
        "train": _("the tab Train"),
        "evaluate": _("the tab Evaluate"),
        "draw": _("the tab Draw"),
    }
    st.session_state["class_hidden"] = list(settings.hidden)
    label = _("Hidden from students")
    st.multiselect(label, HIDEABLE, format_func=titles.__getitem__, key="class_hidden", on_change=hide)
    st.session_state["class_preset"] = settings.preset
    st.selectbox(
        _("Preset of Start training"),
        ["", *PRESETS],
        format_func=lambda name: name or _("any preset"),
        key="class_preset",
        on_change=fix_preset,
    )
    st.caption(_("A link can hide them, too, on the pages that it opens: `?hide=settings,lesson`"))


def toggle(label: str, key: str, value: bool, text: str, change: Any) -> None:
    """A switch that shows what holds now, also when another board has changed it."""
    st.session_state[key] = value
    st.toggle(label, key=key, help=text, on_change=change)


def pause() -> None:
    """Hold the queue, or let it go on."""
    with keep_error("class_error"):
        _change(queue_paused=bool(st.session_state["queue_paused"]))
        dispatch()


def turn_lead() -> None:
    """Let students follow this browser, or nobody. Turned on again, it calls back those who had left."""
    with keep_error("class_error"):
        _change(lead=Lead(secrets.token_hex(8), identity.owner()) if st.session_state["leading"] else None)


def show_tab() -> None:
    """Take students to a tab, whatever this browser's page shows."""
    lead, tab = read_class_settings().lead, st.session_state["lead_tab"]
    with keep_error("class_error"):
        if lead is not None and tab:
            _require_teacher()
            move_lead(replace(lead, tab=tab, name=""))


def hide() -> None:
    """Hide from students what was chosen; one tab stays."""
    hidden = tuple(name for name in HIDEABLE if name in st.session_state["class_hidden"])
    with keep_error("class_error"):
        if set(hidden) >= locks.TAB_NAMES:
            raise RunError(N_("All three tabs would be hidden: at least one stays."))
        _change(hidden=hidden)


def fix_preset() -> None:
    """Let Start training have one preset for students, or any."""
    with keep_error("class_error"):
        _change(preset=st.session_state["class_preset"])


def _change(**changes: Any) -> None:
    """Change what holds for the class. Raises RunError in a student's browser, StorageError."""
    _require_teacher()
    change_class_settings(**changes)


def _require_teacher() -> None:
    if not identity.may_teach():
        raise RunError(N_("Only the teacher leads the class: give the teacher's code first."))
