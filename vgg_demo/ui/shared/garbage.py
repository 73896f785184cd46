"""Frees the memory of pages that were closed: their uploads, pictures and widgets.

What a closed page leaves behind refers to itself, so that only a full collection frees it. Python collects that seldom
when much is in memory, and Streamlit would do it after every script run, which takes 0.2 s from the training each time.
"""

from __future__ import annotations

import gc
import threading
import time

import streamlit as st

PAUSE_SECONDS = 3.0  # from a page's end to the collection, so that a class that leaves is collected once


class Collector:
    """Collects a little after pages were closed, in a thread of its own."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        threading.Thread(target=self._work, name="garbage", daemon=True).start()

    def ask(self) -> None:
        """Collect soon."""
        self._wanted.set()

    def _work(self) -> None:
        while True:
            self._wanted.wait()
            time.sleep(PAUSE_SECONDS)
            self._wanted.clear()
            gc.collect()


@st.cache_resource(show_spinner=False)
def collector() -> Collector:
    """The one of this server."""
    return Collector()


@st.cache_resource(scope="session", show_spinner=False, on_release=Collector.ask)
def collect_when_closed() -> Collector:
    """Let what this page holds be freed after its end."""
    return collector()
