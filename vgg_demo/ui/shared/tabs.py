"""The three tabs. Their names are translated; what the session and the address say is the same in every language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from vgg_demo.language import language
from vgg_demo.text import DRAW, EVALUATE, TRAIN, _, find_tab

KEY = "tab"  # in the session, and in the address: TRAIN, EVALUATE or DRAW


def choose() -> None:
    """Before the tabs are drawn: a new session opens the one that its address asks for."""
    if KEY not in st.session_state:
        st.session_state[KEY] = find_tab(st.query_params.get(KEY, "")) or TRAIN


def titles() -> dict[str, str]:
    """What each tab is called."""
    return {TRAIN: _("Train"), EVALUATE: _("Evaluate"), DRAW: _("Draw")}


def show() -> Sequence[Any]:
    """The tabs, the one open that the session asks for: what its address asked for, or what was opened since."""
    tab, widget = st.session_state[KEY], f"tabs-{language()}"
    if st.session_state.get(widget) != titles()[tab]:
        st.session_state[widget] = titles()[tab]
    if tab == TRAIN:
        st.query_params.pop(KEY, None)
    else:
        st.query_params[KEY] = tab
    return st.tabs(list(titles().values()), key=widget, on_change=_opened, args=(widget, titles()))


def _opened(widget: str, titles: dict[str, str]) -> None:
    """Take the tab that was opened by a click."""
    st.session_state[KEY] = next(tab for tab, title in titles.items() if title == st.session_state[widget])
