"""Three quick checks before a long run, made in a process of their own: green or red, with the reason."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from typing import Any

import streamlit as st

from vgg_demo.config import RunConfig
from vgg_demo.runs.spawning import spawn_checks
from vgg_demo.text import _, fill, plain, translate
from vgg_demo.ui.shared import jobs

TICK_SECONDS = 0.5
POLL_SECONDS = 0.1
TURN = threading.Lock()  # held by those checks that are being made: 30 at once would take all memory
MARKS = {True: ("check_circle", "green"), False: ("cancel", "red"), None: ("help", "gray")}  # of passed


class Checking:
    """One config's checks. When is_over and there are none, they have failed.

    They are made by one process at a time for all pages; when the page has been closed, or asks for others, they end.
    """

    def __init__(self, config: RunConfig) -> None:
        self.config, self.page = config, jobs.this_page()
        self.checks: list[dict[str, Any]] = []
        self.is_over = self.is_cancelled = False
        threading.Thread(target=self._run, name="checks", daemon=True).start()

    @property
    def is_unwanted(self) -> bool:
        """Nobody waits for them any more."""
        closed = self.page.closed
        return self.is_cancelled or (closed is not None and time.monotonic() - closed > jobs.LEFT_SECONDS)

    def _run(self) -> None:
        with suppress(OSError), TURN:  # no process could be started
            if not self.is_unwanted:
                self._check()
        self.is_over = True

    def _check(self) -> None:
        with spawn_checks(self.config) as process:  # not communicate(): it closes standard input, which ends it
            while process.poll() is None:
                time.sleep(POLL_SECONDS)
                if self.is_unwanted:
                    process.terminate()
            assert process.stdout is not None
            output = process.stdout.read()  # a line: the pipe has room for it
        with suppress(ValueError):  # it was ended before its result
            self.checks = json.loads(output)


def show(config: RunConfig | None) -> None:
    """A button, then the three results."""
    if config is None:
        return
    text = _("Before a long run: is the first loss ln 10, can it learn one batch, does it beat a blank image?")
    label, icon = _("Three quick checks"), ":material/checklist:"
    st.button(label, icon=icon, key="quick_checks", help=text, width="stretch", on_click=_start, args=(config,))
    checking: Checking | None = st.session_state.get("checking")
    if checking is not None and checking.config == config:
        is_over = checking.is_over
        st.fragment(_show, run_every=None if is_over else TICK_SECONDS)(checking, is_over)


def _show(checking: Checking, was_over: bool) -> None:
    if checking.is_over and not was_over:
        st.rerun()
    if not checking.is_over:
        st.caption(_("Checking …"))
    elif not checking.checks:
        st.error(_("The checks could not be made with these settings."))
    for check in checking.checks:
        icon, colour = MARKS[check["passed"]]
        words = fill(translate(check["reason"]), **check["values"])
        st.markdown(f":{colour}[:material/{icon}:] **{translate(check['name'])}**: {plain(words)}")


def _start(config: RunConfig) -> None:
    checking: Checking | None = st.session_state.get("checking")
    if checking is not None and not checking.is_over:
        checking.is_cancelled = True
    st.session_state["checking"] = Checking(config)
