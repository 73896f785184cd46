"""Work that may take a while, in the server: followed by every viewer, with a progress bar and Stop.

What computes with a network is done one at a time. A job ends when all pages that asked for it are closed, and its
result is remembered for all viewers.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from vgg_demo.errors import VggDemoError
from vgg_demo.text import N_, Message, _, format_duration, plain
from vgg_demo.ui.shared import identity

if TYPE_CHECKING:
    from vgg_demo.data import Progress as Progress

TICK_SECONDS = 0.8
PATIENCE_SECONDS = 2.5  # what is over so soon needs no progress bar
LEFT_SECONDS = 10.0  # after so long without a page a job ends: one that is loaded again is back by then
REMEMBERED = 100
TURN = threading.Lock()  # held by the one job that computes with a network: the page stays quick

T = TypeVar("T")
Work = Callable[["Progress"], T]


class Stopped(Exception):
    """Someone pressed Stop, or all pages that asked for the job are closed."""


class Page:
    """A page in a browser. closed: when its connection ended, or None."""

    def __init__(self) -> None:
        self.closed: float | None = None

    def close(self) -> None:
        """The page's connection has ended."""
        self.closed = time.monotonic()


@st.cache_resource(scope="session", show_spinner=False, on_release=Page.close)
def this_page() -> Page:
    """The page that the script draws; a new connection is another page."""
    return Page()


class Job:
    """A piece of work in a thread of its own. done and total are for the progress bar; total is 0 before the first.

    owner: the browser that started it. takes_turns: it waits until no other job is at work that takes turns.
    pages: those that follow it; when all have been closed for LEFT_SECONDS, it ends.
    """

    def __init__(self, key: Hashable, work: Work[Any], owner: str | None = None, takes_turns: bool = True) -> None:
        self.key, self.owner, self.takes_turns = key, owner, takes_turns
        self.pages: set[Page] = set()
        self.done = self.total = 0
        self.started: float | None = None  # None while it waits for another one
        self.error: VggDemoError | Message | None = None
        self.is_stopped = False
        self._stop, self._over = threading.Event(), threading.Event()
        threading.Thread(target=self._run, args=(work,), name="job", daemon=True).start()

    @property
    def is_over(self) -> bool:
        """It has ended, in one way or another."""
        return self._over.is_set()

    def stop(self) -> None:
        """End it at the next batch."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait for its end, so long at most. Returns whether it has ended."""
        return self._over.wait(seconds)

    def _run(self, work: Work[Any]) -> None:
        try:
            with self._turn():
                self.started = time.monotonic()
                memory().put(self.key, work(self._progress))
        except Stopped:
            self.is_stopped = True
        except VggDemoError as error:
            self.error = error
        except FileNotFoundError:
            self.error = Message(N_("This checkpoint has just been deleted; pick another one."))
        except MemoryError:
            self.error = Message(N_("There is not enough memory for this network on this machine; pick a smaller one."))
        except Exception:  # torch, scikit-learn and captum may raise anything; the thread's traceback goes to the log
            self.error = Message(
                N_("This failed for a reason that the program does not know; the server's log says more.")
            )
            raise
        finally:
            self._over.set()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until no other job that takes turns is at work; Stop ends the waiting, too."""
        lock = TURN if self.takes_turns else threading.Lock()
        while not lock.acquire(timeout=0.1):
            self._progress(0, 0)
        try:
            self._progress(0, 0)
            yield
        finally:
            lock.release()

    def _progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        closed = [page.closed for page in tuple(self.pages)]
        now = time.monotonic()
        is_left = bool(closed) and all(at is not None and now - at > LEFT_SECONDS for at in closed)
        if is_left or self._stop.is_set():
            raise Stopped


class Memory:
    """What has been computed, and what is being computed, for all viewers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: OrderedDict[Hashable, Any] = OrderedDict()
        self._jobs: dict[Hashable, Job] = {}

    def get(self, key: Hashable) -> Any:
        """The remembered result, or None."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
            return self._results.get(key)

    def put(self, key: Hashable, result: Any) -> None:
        """Remember a result, and drop the one that was used least recently."""
        with self._lock:
            self._results[key] = result
            while len(self._results) > REMEMBERED:
                self._results.popitem(last=False)

    def job(self, key: Hashable) -> Job | None:
        """The job of this key that was started last."""
        with self._lock:
            return self._jobs.get(key)

    def start(self, key: Hashable, work: Work[Any], owner: str | None = None, takes_turns: bool = True) -> Job:
        """Start a job, or return the one that is at it."""
        with self._lock:
            job = self._jobs.get(key)
            if job is None or job.is_over:
                self._jobs = {k: j for k, j in self._jobs.items() if not j.is_over}
                job = self._jobs[key] = Job(key, work, owner, takes_turns)
            return job


@st.cache_resource(show_spinner=False)
def memory() -> Memory:
    """The one memory of this server."""
    return Memory()


def ask(
    key: Hashable,
    work: Work[T],
    button: str,
    name: str,
    icon: str = "fact_check",
    at_once: bool = False,
    takes_turns: bool = True,
) -> T | None:
    """The result of some work: remembered; or, when it is wanted, computed now.

    Returns None while there is none: then a button to start it is on the page, or its progress, or why it failed.
    at_once: the first time it needs no button. name: for the elements' keys. takes_turns: as of Job.
    """
    result: T | None = memory().get(key)
    if result is not None:
        return result
    job = memory().job(key)
    if job is None or job.is_over:
        if job is not None and job.error is not None:
            st.error(plain(job.error))
        if job is not None and job.is_stopped:
            st.info(_("Stopped. Nothing was kept of it."), icon=":material/stop:")
        is_first = at_once and job is None
        place = st.empty()
        if not is_first and not place.button(button, type="primary", icon=f":material/{icon}:", key=f"{name}-go"):
            return None
        place.empty()
        job = memory().start(key, work, identity.owner(), takes_turns)
    job.pages.add(this_page())
    with st.spinner(_("Computing …")):
        job.wait(PATIENCE_SECONDS)
    result = memory().get(key)
    if result is None:
        st.fragment(_show_progress, run_every=TICK_SECONDS)(job, name)
    return result


def _show_progress(job: Job, name: str) -> None:
    """A bar with the time that is left. It redraws the page when the job is over.

    The browser that started it and the teacher have a button to stop it.
    """
    if job.is_over:
        st.rerun()
    job.pages.add(this_page())
    if job.started is None:
        text = _("Waiting for another computation to end …")
    elif not job.total:
        text = _("Getting ready …")
    elif job.done >= job.total:
        text = _("{total:,} of {total:,} · almost there …").format(total=job.total)
    else:
        seconds = time.monotonic() - job.started
        left = seconds / job.done * (job.total - job.done) if job.done else 0.0
        text = _("{done:,} of {total:,} · about {left} left").format(
            done=job.done, total=job.total, left=format_duration(left)
        )
    st.progress(job.done / job.total if job.total else 0.0, text)
    if job.owner == identity.owner() or identity.is_teacher():
        st.button(_("Stop"), icon=":material/stop:", key=f"{name}-stop", on_click=job.stop)
