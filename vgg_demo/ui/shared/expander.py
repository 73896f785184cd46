"""An expander that stays as it was left, also when another tab was looked at in between or its title has changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st


@contextmanager
def kept(title: str, icon: str, key: str, is_open: bool = False) -> Iterator[bool]:
    """An expander around the block, which gets whether it is open. is_open: at first."""
    state: Any = st.session_state
    if key not in state or state.get(f"{key}-title") != title:  # under another title it is another one to Streamlit
        state[key], state[f"{key}-title"] = state.get(key, state.get(_kept_key(key), is_open)), title
    with st.expander(title, icon=icon, key=key, on_change="rerun") as box:
        st.session_state[_kept_key(key)] = bool(box.open)
        yield bool(box.open)


def was_open(key: str) -> bool:
    """Whether it was open when it was last drawn."""
    return bool(st.session_state.get(_kept_key(key), False))


def _kept_key(key: str) -> str:
    return f"{key}-is-open"  # Streamlit forgets the state of an expander that is not drawn
