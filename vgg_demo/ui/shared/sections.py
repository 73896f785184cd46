"""One closer look of several, below a result: only the one that is asked for is computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from vgg_demo.text import translate
from vgg_demo.ui.shared import resources

T = TypeVar("T")
Sections = dict[str, tuple[str, Callable[[T], None]]]  # by key: title, marked with N_, and what shows more of a result


def show(label: str, sections: Sections[T], key: str, result: T) -> None:
    """The titles of the sections, and the one that was chosen."""
    chosen = st.segmented_control(
        label,
        list(sections),
        format_func=lambda name: translate(sections[name][0]),
        key=key,
        persist_state=resources.KEPT,
    )
    if chosen is not None:
        with st.container(key=f"{key}_content"):
            sections[chosen][1](result)
