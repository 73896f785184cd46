"""What is hidden on this page: by its link (hide=settings,lesson), and by the teacher, from students.

It is a guide for a class, as in TensorFlow Playground, and no protection: who changes the link sees everything.
"""

from __future__ import annotations

import streamlit as st

from vgg_demo.runs.class_settings import HIDEABLE, TABS, read_class_settings
from vgg_demo.text import _
from vgg_demo.ui.shared import identity

KEY = "hide"  # in the address
TAB_NAMES = frozenset(tab.lower() for tab in TABS)


def names_in(text: str) -> tuple[frozenset[str], bool]:
    """Those of HIDEABLE that an address names, and whether all of it made sense. At least one tab stays."""
    asked = frozenset(name.strip().lower() for name in text.split(",") if name.strip())
    known = asked & frozenset(HIDEABLE)
    return (known - TAB_NAMES, False) if known >= TAB_NAMES else (known, asked == known)


def of_link() -> frozenset[str]:
    """What this page's link hides."""
    return names_in(st.query_params.get(KEY, ""))[0]


def of_class() -> frozenset[str]:
    """What the teacher hides on this page; from the teacher nothing."""
    return frozenset() if identity.is_teacher() else frozenset(read_class_settings().hidden)


def hidden() -> frozenset[str]:
    """Of HIDEABLE, what does not show on this page. If link and teacher together hid all tabs, the teacher decides."""
    both = of_link() | of_class()
    if both >= TAB_NAMES:
        both = both - TAB_NAMES | of_class()
    return both - TAB_NAMES if both >= TAB_NAMES else both


def is_hidden(name: str) -> bool:
    """Whether one of HIDEABLE does not show on this page."""
    return name in hidden()


def class_preset() -> str:
    """The preset that the teacher has given to students' Start training, "" for any."""
    return "" if identity.is_teacher() else read_class_settings().preset


def explain_address() -> None:
    """Once a session: say so when the link hides what there is not. It quotes nothing of the address."""
    if not st.session_state.setdefault("hide_explained", False):
        st.session_state["hide_explained"] = True
        if not names_in(st.query_params.get(KEY, ""))[1]:
            text = _("The address asks to hide what cannot be hidden; that part of it is left out.")
            st.toast(text, icon=":material/info:")


def leave_hidden_tab() -> None:
    """Before the tabs are drawn: a page whose tab is hidden goes back to the tab before, or to the first one left.

    A hidden tab is not taken away: all tabs would be made again, and a drawing lost.
    """
    closed = hidden() & TAB_NAMES
    if not closed:
        st.session_state["tab_before"] = st.session_state.get("tab", TABS[0])
        return
    left = [tab for tab in TABS if tab.lower() not in closed]
    if st.session_state.get("tab", TABS[0]) not in left:
        before = st.session_state.get("tab_before")
        st.session_state["tab"] = before if before in left else left[0]
    st.session_state["tab_before"] = st.session_state.get("tab", TABS[0])
    places = [f'[data-testid="stTab"]:nth-of-type({place})' for place, tab in enumerate(TABS, 1) if tab not in left]
    st.html(f"<style>{', '.join(places)} {{ display: none; }}</style>")
