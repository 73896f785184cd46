"""Three quick checks before a long run, made in a process of their own: green or red, with the reason."""

from __future__ import annotations

import json
import threading
from typing import Any

import streamlit as st

from vgg_demo.config import RunConfig
from vgg_demo.runs.manager import spawn_checks
from vgg_demo.text import _

TICK_SECONDS = 0.5


class Checking:
    """One config's checks, going on or done."""

    def __init__(self, config: RunConfig) -> None:
        self.process = spawn_checks(config)
        self.checks: list[dict[str, Any]] | None = None
        self.failed = False
        threading.Thread(target=self._read, name="checks", daemon=True).start()

    @property
    def is_over(self) -> bool:
        """Whether there is a result, or will never be."""
        return self.failed or self.checks is not None

    def _read(self) -> None:
        with self.process as process:  # not communicate(): it closes standard input, which ends the process
            assert process.stdout is not None
            output = process.stdout.read()
        try:
            self.checks = json.loads(output)
        except ValueError:
            self.failed = True


def show(config: RunConfig | None) -> None:
    """A button, then the three results."""
    if config is None:
        return
    st.button(
        _("Three quick checks"),
        icon=":material/checklist:",
        key="quick_checks",
        on_click=_start,
        args=(config,),
        help=_("Before a long run: is the first loss ln 10, can it learn one batch, does it beat a blank image?"),
        width="stretch",
    )
    checking: Checking | None = st.session_state.get("checking")
    if checking is None or st.session_state.get("checked") != config:
        return
    st.fragment(_show, run_every=None if checking.is_over else TICK_SECONDS)(checking, checking.is_over)


def _show(checking: Checking, was_over: bool) -> None:
    if checking.is_over and not was_over:
        st.rerun()
    if checking.failed:
        st.error(_("The checks could not be made with these settings."))
    elif checking.checks is None:
        st.caption(_("Checking …"))
    for check in checking.checks or []:
        icon, colour = _MARKS[check["passed"]]
        st.markdown(f":{colour}[:material/{icon}:] **{_(check['name'])}**: {check['reason']}")


_MARKS = {True: ("check_circle", "green"), False: ("cancel", "red"), None: ("help", "gray")}


def _start(config: RunConfig) -> None:
    checking: Checking | None = st.session_state.get("checking")
    if checking is not None and not checking.is_over:
        checking.process.terminate()
    st.session_state["checking"], st.session_state["checked"] = Checking(config), config
