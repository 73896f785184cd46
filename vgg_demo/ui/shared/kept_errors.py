"""An error of a button's callback, kept until the page is drawn, which is after the callback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from vgg_demo.errors import VggDemoError
from vgg_demo.text import plain


@contextmanager
def keep_error(key: str) -> Iterator[None]:
    """End the block at a VggDemoError, and keep its words under this key of the session."""
    try:
        yield
    except VggDemoError as error:
        st.session_state[key] = str(error)


def show_error(key: str) -> None:
    """Show what was kept under this key, once."""
    if error := st.session_state.pop(key, None):
        st.error(plain(error))
