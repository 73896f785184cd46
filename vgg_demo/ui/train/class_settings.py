"""The teacher's settings for the whole class; they are shown where VGG_DEMO_TEACHER_CODE is set."""

from __future__ import annotations

import streamlit as st

from vgg_demo.runs.manager import dispatch
from vgg_demo.runs.queue import ClassSettings, read_class_settings, write_class_settings
from vgg_demo.text import _
from vgg_demo.ui.shared import expander, identity


def show() -> None:
    """The teacher's corner."""
    if identity.teacher_code() is None:
        return
    with expander.kept(_("For the teacher"), ":material/school:", "teacher_corner"):
        identity.show_teacher_access()
        if identity.is_teacher():
            current = read_class_settings()
            text = _("Runs that wait do not start until this is off.")
            st.toggle(_("Pause the queue"), current.queue_paused, key="queue_paused", help=text, on_change=_write)
            text = _("Students choose a preset and press Start, without its settings.")
            label = _("Hide settings from students")
            st.toggle(label, current.settings_hidden, key="settings_hidden", help=text, on_change=_write)


def are_hidden() -> bool:
    """Whether this viewer chooses a preset without its settings."""
    return read_class_settings().settings_hidden and not identity.is_teacher()


def _write() -> None:
    if identity.is_teacher():
        write_class_settings(ClassSettings(st.session_state["queue_paused"], st.session_state["settings_hidden"]))
        dispatch()
