"""Frees the memory of pages that were closed: their uploads, pictures and widgets.

What a closed page leaves behind refers to itself, so that only a full collection frees it. Python seldom does that when
much is in memory, and Streamlit would do it after every script run, which takes 0.2 s from the training each time.
"""

from __future__ import annotations

import gc
import threading

import streamlit as st

PAUSE_SECONDS = 3.0  # from a page's end to the collection, so that it is one for a class that leaves together

_planned = threading.Lock()  # held from a page's end to the collection


def collect_soon(_page: None = None) -> None:
    """Collect after a pause; for pages that are closed during the pause it is the same collection."""
    if _planned.acquire(blocking=False):
        timer = threading.Timer(PAUSE_SECONDS, _collect)
        timer.daemon = True
        timer.start()


def _collect() -> None:
    _planned.release()
    gc.collect()


@st.cache_resource(scope="session", show_spinner=False, on_release=collect_soon)
def collect_when_closed() -> None:
    """Free what this page holds after its end."""
