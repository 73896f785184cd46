"""What all viewers of one server share: loaded networks, readers of runs, remembered results."""

from __future__ import annotations

import contextlib
import functools
import importlib
import queue
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from vgg_demo.config import RunConfig
from vgg_demo.errors import RunError, VggDemoError
from vgg_demo.presets import PRESETS
from vgg_demo.runs import manager, spawning
from vgg_demo.runs.checkpoints import find_checkpoint
from vgg_demo.runs.child import Ending
from vgg_demo.runs.cost import cost, estimate_seconds
from vgg_demo.runs.engines import engine
from vgg_demo.runs.reader import Curve, RunReader
from vgg_demo.runs.spawning import spawn_budget
from vgg_demo.runs.store import Run, get_run, home, list_runs
from vgg_demo.text import N_, Message

if TYPE_CHECKING:
    from vgg_demo.checkpoint import Header
    from vgg_demo.data import Digits
    from vgg_demo.model import VGG

KEPT: Literal["session"] = "session"  # what was chosen stays while its tab is closed

BUSY_POLL_SECONDS = 2.0
PROBE_POLL_SECONDS = 0.2

STYLE = """<style>
.block-container { padding-top: 2.5rem; max-width: 75rem; }
[data-testid="stMetricValue"] { font-variant-numeric: tabular-nums; }
[data-testid="stMain"] h1 { padding: 0; }
/* what a chart's toolbar would cover above it is text; its own corner is empty */
[data-testid="stFullScreenFrame"]:has([data-testid="stEChartsChart"]) [data-testid="stElementToolbar"] { top: -.75rem; }
[data-testid="stMain"]:lang(ko) { word-break: keep-all; overflow-wrap: anywhere; }  /* lines break between words */
@media (max-width: 640px) {  /* a phone's screen is for what is below the tabs */
  .block-container { padding: .5rem 1rem 2rem; }
  .block-container > [data-testid="stVerticalBlock"] { gap: .25rem; }
  .st-key-heading > [data-testid="stElementContainer"], :has(> .st-key-to_board) { display: none; }
  .st-key-heading { gap: 0; }
  .st-key-language_switch [data-testid="stSkeleton"] { height: 2rem; }  /* as the switch: nothing moves when it comes */
  [data-testid="stMain"] h1 { font-size: 1.25rem; }
  [data-testid="stTabPanel"] { padding-top: .5rem; }
}
@media (prefers-reduced-motion: reduce) {
  *, ::before, ::after { animation-duration: 1ms !important; animation-iteration-count: 1 !important;
                         transition-duration: 1ms !important; }
}
@media (max-width: 360px) { [data-testid="stToast"] { width: calc(100vw - 2rem); } }
/* what the keyboard is at has a frame, and is there: Streamlit shows some buttons under a mouse alone */
:is(button, a, summary, [role="tab"]):focus-visible, label:has(input:focus-visible),
[data-testid="stDataFrame"]:has(:focus-visible) { outline: 3px solid #0072B2; outline-offset: 2px; }
[role="tab"]:focus-visible { outline-offset: -3px; }
[data-testid="stElementToolbar"]:focus-within { opacity: 1; z-index: 1; }
/* white has to be read on it, and dark mode's primary colour has to be read on black: no colour is both */
[data-testid="stBaseButton-primary"]:enabled { background-color: #0072B2; border-color: #0072B2; }
[data-testid="stBaseButton-primary"]:hover:enabled { filter: brightness(.85); }
/* Streamlit's own colours of code are too faint */
[data-testid="stCode"] .token:is(.keyword, .function, .class-name) { color: light-dark(#005F95, #5CB3E6); }
[data-testid="stCode"] .token:is(.string, .boolean, .number) { color: light-dark(#006B4F, #2CC295); }
[data-testid="stCode"] .token:is(.comment, .punctuation) { color: light-dark(#5A5F6B, #A9ADB8); }
.answer-digit { font-size: 6rem; line-height: 1; font-weight: 700; font-variant-numeric: tabular-nums; }
</style>"""


@st.cache_resource(show_spinner=False)
def warm_up() -> None:
    """Once a server: load in the background what drawing and evaluating need, and measure how fast this machine is."""

    def load() -> None:
        engine().prepare()
        manager.dispatch()  # what waited while there was no server
        with contextlib.suppress(VggDemoError):  # the tab that needs it shows the error
            path = find_checkpoint()
            load_network(str(path), fingerprint(path))
        importlib.import_module("vgg_demo.drawing.predict")
        importlib.import_module("sklearn.metrics")  # what Evaluate counts with: over a second to load
        for preset in sorted(PRESETS.values(), key=lambda preset: cost(preset.config)):
            measuring().ask(preset.config)

    threading.Thread(target=load, name="warm-up", daemon=True).start()


class Measuring:
    """Measures how long trainings take here, one after the other, whenever no run is going on."""

    def __init__(self) -> None:
        self.wanted: queue.SimpleQueue[RunConfig] = queue.SimpleQueue()
        self.pending: set[RunConfig] = set()
        self.unknown: dict[RunConfig, Exception | Message] = {}  # what could not be measured, with the reason
        threading.Thread(target=self._work, name="measuring", daemon=True).start()

    def ask(self, config: RunConfig) -> None:
        """Measure this one, too; in the end estimate_seconds knows it, or it is among the unknown."""
        if config not in self.pending and config not in self.unknown:
            self.pending.add(config)
            self.wanted.put(config)

    def _work(self) -> None:
        while True:
            config = self.wanted.get()
            try:
                self._measure(config)
            except Exception as error:  # whatever it is: the thread must live, and the page must not wait for ever
                self.unknown[config] = error
            self.pending.discard(config)

    def _measure(self, config: RunConfig) -> None:
        """Let a process measure it; when a training comes in between, again after that."""
        is_over = False
        while not is_over and estimate_seconds(config) is None:
            while is_busy():
                time.sleep(BUSY_POLL_SECONDS)
            process, is_over = spawn_budget(config), True
            while process.poll() is None:
                time.sleep(PROBE_POLL_SECONDS)
                if is_busy():
                    process.terminate()
                    is_over = False
        if estimate_seconds(config) is None:
            self.unknown[config] = ending_in_words(process.returncode)


def ending_in_words(status: int) -> Message:
    """Why a measurement gave nothing. status: of its process."""
    if status == Ending.TOO_LONG:
        return Message(N_("a few steps take more than {limit:duration}"), limit=spawning.PROBE_SECONDS)
    if status == Ending.TOO_LARGE:
        return Message(N_("it needs more memory than is free"))
    return Message(N_("the measurement failed"))


def is_busy() -> bool:
    """Whether a run is going on."""
    return any(run.is_active for run in list_runs())


@st.cache_resource(show_spinner=False)
def measuring() -> Measuring:
    """The one that measures, for all viewers."""
    return Measuring()


@st.cache_resource(show_spinner=False, max_entries=6)
def load_network(path: str, version: str) -> tuple[VGG, Header]:
    """The network of a checkpoint, kept in memory. version changes when the file does."""
    from vgg_demo.checkpoint import load_checkpoint

    return load_checkpoint(Path(path))


@st.cache_resource(show_spinner=False)
def test_digits() -> Digits:
    """The 10,000 test digits."""
    from vgg_demo.data import load_test

    return load_test()


@functools.lru_cache(maxsize=50)  # asked for with each tick, of which Streamlit's cache would take a tenth
def run_reader(path: str) -> RunReader:
    """The one reader of a run, for all who watch it."""
    return RunReader(Run(Path(path)))


def curve_of(name: str) -> Curve | None:
    """What a run has recorded, or None when it is gone."""
    try:
        return run_reader(str(get_run(name).path)).refresh()
    except RunError:
        return None


def overlaid() -> list[str]:
    """The runs to lay over the curve, by name: those chosen that are still there, not later ones of the same name."""
    chosen: list[str] = st.session_state.get("overlay", [])
    identities: dict[str, str] = st.session_state.setdefault("overlaid", {})  # of each when it was chosen
    for name in identities.keys() - set(chosen):
        del identities[name]
    there = {name: Run(home() / name).identity for name in chosen}
    return [name for name, identity in there.items() if identity and identities.setdefault(name, identity) == identity]


def fingerprint(path: Path) -> str:
    """Changes when the file does: its size and time."""
    stat = path.stat()
    return f"{stat.st_size}-{stat.st_mtime_ns}"


def forget(*names: str) -> None:
    """Drop values from this viewer's session."""
    state: Any = st.session_state
    for name in names:
        state.pop(name, None)
