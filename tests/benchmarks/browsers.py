"""Six pages in a real browser, four of them on phones; and what such a browser asks of the server."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from types import TracebackType

import psutil
from playwright.sync_api import Page, WebSocket, expect, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.e2e.conftest import CHROMIUM_FLAGS, PHONE, WIDE
from tests.e2e.test_page import FOUR, ONE, SEVEN, ZERO, canvas_box, draw, draw_by_touch, expect_answer
from vgg_demo.errors import RunError

PHONES, SCREENS = 4, 2
DRAWINGS = {7: SEVEN, 1: ONE, 0: ZERO, 4: FOUR}
LOWEST_PRIORITY = 19


@dataclass(frozen=True)
class Requests:
    """What a browser has sent: after each of some strokes, and when Start was pressed."""

    strokes: list[BackMsg]
    start: BackMsg


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
        for process in psutil.Process().children(recursive=True):
            if "chrom" in process.name():
                process.nice(LOWEST_PRIORITY)
        self.phones = [self.browser.new_context(viewport=PHONE, has_touch=True).new_page() for _ in range(PHONES)]
        self.screens = [self.browser.new_context(viewport=WIDE).new_page() for _ in range(SCREENS)]
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.browser.close()
        self.playwright.stop()

    def record(self) -> Requests:
        """Draw four digits and press Start in a browser; returns what it sent for that."""
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
        page.goto(self.url)
        start = page.get_by_role("button", name="Start training")
        expect(start).to_be_enabled()
        sent.clear()
        start.click()
        page.get_by_role("button", name="Withdraw").wait_for()
        return Requests(strokes, sent[0])

    def use(self, run: str, strokes: list[float], errors: list[str], end: float) -> None:
        """Until then (time.monotonic): the phones draw, one after the other; the screens show the run's curve."""
        for page in self.screens:
            page.goto(f"{self.url}/?run={run}")
        for page in self.phones:
            page.goto(f"{self.url}/?tab=Draw")
        while time.monotonic() < end:
            for page in self.phones:
                strokes.append(answer_seconds(page))
        for page in (*self.phones, *self.screens):
            if page.locator('[data-testid="stException"]').count():
                errors.append("a page shows an error")


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
