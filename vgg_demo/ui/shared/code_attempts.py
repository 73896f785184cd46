"""Guessing the teacher's code takes long, from however many browsers it is tried."""

from __future__ import annotations

import threading
import time

import streamlit as st

FIRST_DELAY, LONGEST_DELAY = 1.0, 10.0  # seconds from one code to the next: twice as long after each wrong one
LONGEST_WAIT = 60.0  # a browser that had to wait longer is refused
FORGOTTEN_SECONDS = 600.0  # after so long without a wrong code the delay is short again


class CodeAttempts:
    """When the next code may be checked, for all browsers together: one after the other, in the order they came."""

    def __init__(self) -> None:
        self.failures = 0  # since there was none for FORGOTTEN_SECONDS
        self._failed = self._next = time.monotonic()
        self._lock = threading.Lock()

    @property
    def delay(self) -> float:
        """Seconds between two codes."""
        return float(min(FIRST_DELAY * 2 ** min(self.failures, 30), LONGEST_DELAY))

    def take_turn(self) -> float | None:
        """Seconds until this code may be checked, or None when too many others wait; then it must not be."""
        with self._lock:
            now = time.monotonic()
            if now - self._failed > FORGOTTEN_SECONDS:
                self.failures = 0
            turn = max(now, self._next)
            if turn - now > LONGEST_WAIT:
                return None
            self._next = turn + self.delay
            return turn - now

    def count_failure(self) -> float:
        """A code was wrong; returns the seconds that its browser has to wait for the answer."""
        with self._lock:
            wait = self.delay
            self.failures += 1
            self._failed = time.monotonic()
            self._next = max(self._next, self._failed + self.delay)
            return wait


@st.cache_resource(show_spinner=False)
def code_attempts() -> CodeAttempts:
    """Those of this server."""
    return CodeAttempts()
