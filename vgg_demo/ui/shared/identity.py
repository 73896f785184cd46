"""Who is looking: each browser has a secret of its own, and the teacher may have a code.

The secret lies in a cookie; run folders hold only its hash. A run may be steered by the browser that started it, and by
the teacher.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import secrets
import time
from collections.abc import Iterator
from html import escape

import streamlit as st

from vgg_demo.runs.queue import readable
from vgg_demo.runs.status import Status
from vgg_demo.runs.store import Run
from vgg_demo.text import _
from vgg_demo.ui.shared.code_attempts import code_attempts
from vgg_demo.ui.shared.kept_errors import show_error

COOKIE = "vgg_demo_browser"

logger = logging.getLogger(__name__)


def remember_browser() -> None:
    """Give a new browser its secret."""
    if "browser" in st.session_state:
        return
    known = str(st.context.cookies.get(COOKIE, ""))
    if re.fullmatch(r"[A-Za-z0-9_-]{32,64}", known):
        st.session_state["browser"] = known
        return
    st.session_state["browser"] = st.session_state["new_browser"] = secrets.token_urlsafe(24)


# In a frame of another site's page a browser takes only the second kind of cookie, over https, and keeps it for that
# site alone. What is not taken is not there when it is read again. The note comes with its style: a slow phone would
# show it until a style of its own is there.
COOKIE_SCRIPT = """<script>{
  const cookie = "{name}={secret}", isKept = () => document.cookie.includes(cookie);
  for (const kind of ["SameSite=Strict", "SameSite=None; Secure; Partitioned"]) {
    if (!isKept()) document.cookie = `${cookie}; max-age=31536000; path=/; ${kind}`;
  }
  document.documentElement.classList.toggle("no-cookie", !isKept());
}</script>"""
NO_COOKIE_STYLE = """<style>
:root:not(.no-cookie) :has(> .st-key-no_cookie) { display: none; }  /* takes no room while it is hidden */
.st-key-no_cookie p { margin: 0; padding: 1rem; border-radius: .5rem; background: light-dark(#E8F2FC, #172D43); }
</style>"""


def write_cookie() -> None:
    """Let a new browser keep its secret for a year, or say what does not work without. Harmless when repeated."""
    if not (secret := st.session_state.get("new_browser")):
        return
    text = _(
        "This browser does not keep this page's cookie, as in a frame of another site without https: after a "
        "reload you can watch the runs that you started here, but no longer stop or change them."
    )
    way_out = _("Open VGG Demo in a tab of its own")
    link = f'<a href="{escape(st.context.url or ".")}" target="_blank">{way_out}</a>'
    note = f'<p role="alert">{text} {link}</p>'
    script = COOKIE_SCRIPT.replace("{name}", COOKIE).replace("{secret}", secret)
    with st.container(key="no_cookie"):
        st.html(f"{NO_COOKIE_STYLE}{note}{script}", unsafe_allow_javascript=True)


def owner() -> str:
    """This browser's mark in the runs that it starts."""
    return hashlib.sha256(st.session_state["browser"].encode()).hexdigest()[:32]


def number(purpose: str) -> int:
    """A random number of at most eight digits that this browser always gets for the same purpose.

    Nobody can tell from it which browser it is, nor that two of them are the same one's.
    """
    mark = hashlib.sha256(f"{st.session_state['browser']} {purpose}".encode()).digest()
    return 1 + int.from_bytes(mark[:8]) % 99_999_999


def is_teacher() -> bool:
    """Whether the teacher's code was given in this browser, on any of its pages."""
    return owner() in _teachers()


def may_teach() -> bool:
    """Whether this browser may lead the class: the teacher's may, and where there is no code all may."""
    return teacher_code() is None or is_teacher()


def take_role(is_teacher: bool) -> None:
    """Make this browser the teacher's, or a student's again."""
    (_teachers().add if is_teacher else _teachers().discard)(owner())


@st.cache_resource(show_spinner=False)
def _teachers() -> set[str]:
    """The marks of the browsers in which the code was given, until the server ends."""
    return set()


def may_steer(status: Status) -> bool:
    """Whether this browser may stop, change or delete the run. Runs of the command line are everybody's."""
    return status.owner is None or status.owner == owner() or is_teacher()


def own_active_run() -> tuple[Run, Status] | None:
    """The run of this browser that goes on or waits: it can start no second one beside it."""
    return next(((run, status) for run, status in _own() if not status.is_over), None)


def own_runs() -> list[Run]:
    """All runs that this browser has started."""
    return [run for run, _status in _own()]


def teacher_code() -> str | None:
    """The code that VGG_DEMO_TEACHER_CODE sets, or None when there is no teacher."""
    return os.environ.get("VGG_DEMO_TEACHER_CODE") or None


def say_that_all_may_teach() -> None:
    """Where there is no teacher's code: a line that says to whom what is here is open."""
    if teacher_code() is None:
        text = _(
            "No teacher's code is set (`VGG_DEMO_TEACHER_CODE`): everyone can lead the class, and close or delete its "
            "collections."
        )
        st.caption(text)


def show_teacher_access() -> None:
    """A field for the teacher's code, or the way back to being a student."""
    if is_teacher():
        st.caption(_("You are the teacher in this browser: you can steer every run, and lead the class on the board."))
        st.button(_("Leave the teacher's role"), on_click=take_role, args=(False,))
        return
    st.text_input(
        _("Teacher's code"),
        type="password",
        key="teacher_code",
        on_change=_check_code,
        help=_("It unlocks steering all runs, and, on the board, leading the class."),
    )
    show_error("teacher_refused")


def _check_code() -> None:
    """Take the code that was typed. Waits, in this browser's thread alone, for its turn and after a wrong one."""
    given, code = st.session_state["teacher_code"], teacher_code()
    st.session_state["teacher_code"] = ""
    wait = code_attempts().take_turn()
    if wait is None:
        st.session_state["teacher_refused"] = _("Too many codes are being tried at the moment. Try again in a minute.")
        return
    time.sleep(wait)
    if code is not None and hmac.compare_digest(given.encode(), code.encode()):
        take_role(True)
        return
    attempts = code_attempts()
    time.sleep(attempts.count_failure())
    logger.warning("A wrong teacher's code: number %d, from the browser %s", attempts.failures, owner()[:8])
    st.session_state["teacher_refused"] = _("That is not the code.")


def _own() -> Iterator[tuple[Run, Status]]:
    return ((run, status) for run, status in readable() if status.owner == owner())
