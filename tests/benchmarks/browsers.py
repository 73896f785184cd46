"""Six pages in a real browser, four of them on phones; and what such a browser asks of the server."""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass
from types import TracebackType

import psutil
from playwright.sync_api import Page, WebSocket, expect, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.e2e.conftest import CHROMIUM_FLAGS, PHONE, WIDE
from tests.e2e.test_page import FOUR, ONE, SEVEN, ZERO, canvas_box, draw, draw_by_touch, expect_answer, wait_idle
from vgg_demo.errors import RunError
from vgg_demo.runs.processes import lower_priority

PHONES, SCREENS = 4, 2
LOWEST_PRIORITY = 19
DRAWINGS = {7: SEVEN, 1: ONE, 0: ZERO, 4: FOUR}


@dataclass(frozen=True)
class Requests:
    """What a browser has sent: after each of some strokes, when Start was pressed, and a drawing for a collection."""

    strokes: list[BackMsg]
    start: BackMsg
    collected: WidgetState


class Browsers:
    """A browser with its pages. Use as a context manager; all of it in one thread."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self) -> Browsers:
        path = shutil.which("chromium")
        if path is None:
            raise RunError("no browser to measure with; install Debian's chromium")
        self.playwright = sync_playwright().start()
        self.browser = self.playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        self.phones = [self.browser.new_context(viewport=PHONE, has_touch=True).new_page() for _ in range(PHONES)]
        self.screens = [self.browser.new_context(viewport=WIDE).new_page() for _ in range(SCREENS)]
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.browser.close()
        self.playwright.stop()

    def record(self, collection: str) -> Requests:
        """Draw four digits and one for the collection, and press Start; returns what the browser sent for that."""
        page, sent = self.screens[0], list[BackMsg]()
        page.on("websocket", lambda socket: note_sent(socket, sent))
        page.goto(f"{self.url}/?tab=Draw")
        strokes: list[BackMsg] = []
        for digit, drawing in DRAWINGS.items():
            canvas_box(page)
            sent.clear()
            draw(page, drawing)
            expect_answer(page, digit)
            strokes += sent
            clear(page)
        page.goto(f"{self.url}/?tab=Draw&collect={collection}")
        canvas_box(page)
        sent.clear()
        draw(page, ZERO)
        wait_idle(page)
        page.get_by_role("button", name="Send").click()
        page.get_by_text("1 of 20 kept").wait_for()
        states = [state for request in sent for state in request.rerun_script.widget_states.widgets]
        collected = next(state for state in reversed(states) if "-class-" in state.id and state.json_value)
        page.goto(self.url)
        start = page.get_by_role("button", name="Start training")
        expect(start).to_be_enabled()
        sent.clear()
        start.click()
        page.get_by_role("button", name="Withdraw").wait_for()
        return Requests(strokes, sent[0], collected)

    def use(self, run: str, strokes: list[float], errors: list[str], end: float) -> None:
        """Until then (time.monotonic): the phones draw in turn; one screen shows the curve, one the board."""
        for page, query in zip(self.screens, (f"run={run}", f"view=board&run={run}"), strict=True):
            page.goto(f"{self.url}/?{query}")
        for page in self.phones:
            page.goto(f"{self.url}/?tab=Draw")
        come_last()
        while time.monotonic() < end:
            for page in self.phones:
                strokes.append(answer_seconds(page))
        for page in (*self.phones, *self.screens):
            if page.locator('[data-testid="stException"]').count():
                errors.append("a page shows an error")


def come_last() -> None:
    """Give this process and all that it has started the lowest priority."""
    this = psutil.Process()
    for process in (this, *this.children(recursive=True)):
        lower_priority(process.pid, LOWEST_PRIORITY)


def give_way() -> None:
    """Let this process work only while nothing else wants the processor; only Linux knows that."""
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def answer_seconds(page: Page) -> float:
    """From the end of a stroke until its answer is seen."""
    draw_by_touch(page, SEVEN)
    started = time.monotonic()
    expect_answer(page, 7)
    seconds = time.monotonic() - started
    clear(page)
    return seconds


def clear(page: Page) -> None:
    """An empty canvas again."""
    page.locator(".st-key-sketch button[data-tool=clear]").click()
    page.get_by_text("The canvas is empty").wait_for()


def note_sent(socket: WebSocket, sent: list[BackMsg]) -> None:
    """Keep what the page asks of the server: that its script is run."""

    def keep(payload: str | bytes) -> None:
        if isinstance(payload, bytes) and "/_stcore/stream" in socket.url:
            message = BackMsg.FromString(payload)
            if message.WhichOneof("type") == "rerun_script":
                sent.append(message)

    socket.on("framesent", keep)
