"""The page's language, of each session its own: at first the browser's, then what was chosen at the top of the page."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from vgg_demo.language import ask_session, first_known, language, languages, of_environment, speaking
from vgg_demo.text import _

KEY = "lang"  # in the session, and in the address once it was chosen
SWITCH = "language_switch"


def choose() -> None:
    """Before any word is written: a new session gets the language of its address, else its browser's."""
    ask_session(of_session)
    if KEY not in st.session_state:
        asked = first_known([st.query_params.get(KEY, "")])
        st.session_state[KEY] = asked or _of_browser()


def of_session() -> str | None:
    """The language of the session whose script runs in this thread; None in other threads."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    found: str | None = st.session_state.get(KEY)
    return found


def show_switch() -> None:
    """The languages to choose from, each under its own name; nothing where there is only one."""
    now = language()
    st.html(f"<script>document.documentElement.lang = '{now}'</script>", unsafe_allow_javascript=True)
    if len(languages()) > 1:
        st.segmented_control(
            _("Language"),
            languages(),
            default=now,
            format_func=own_name,
            key=SWITCH,
            required=True,
            on_change=_switch,
            label_visibility="collapsed",
            width="content",
        )


def own_name(name: str) -> str:
    """What a language calls itself."""
    with speaking(name):
        # Translators: what your language calls itself, such as Deutsch or 한국어
        return _("English")


def _switch() -> None:
    """Take the chosen language. The address keeps it, unless the browser asks for it anyway."""
    chosen = st.session_state[KEY] = st.session_state[SWITCH]
    for name, value in st.session_state.items():
        if type(value) in (str, int, float):  # a browser knows a choice by its label: it gets each again, translated
            st.session_state[name] = value
    if chosen == _of_browser():
        st.query_params.pop(KEY, None)
    else:
        st.query_params[KEY] = chosen


def _of_browser() -> str:
    return first_known([st.context.locale or ""]) or of_environment()
