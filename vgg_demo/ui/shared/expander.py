"""An expander that stays as it was left while the session lasts, also when another tab was looked at in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st


@contextmanager
def kept(title: str, icon: str, key: str, is_open: bool = False) -> Iterator[bool]:
    """An expander around the block, which gets whether it is open. is_open: at first.

    The title must stay the same: under another one it is another expander, and shut.
    """
    st.session_state.setdefault(key, st.session_state.get(_kept_key(key), is_open))
    with st.expander(title, icon=icon, key=key, on_change="rerun") as box:
        st.session_state[_kept_key(key)] = bool(box.open)
        yield bool(box.open)


def was_open(key: str) -> bool:
    """Whether it was open when it was last drawn."""
    return bool(st.session_state.get(_kept_key(key), False))


def _kept_key(key: str) -> str:
    return f"{key}-is-open"  # Streamlit forgets the state of an expander that is not drawn
