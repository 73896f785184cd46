"""A network that goes away and comes back: cut, so that the browser sees it, or silent, so that nobody does."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, Error, Page, expect

from tests.benchmarks.server import Server
from tests.e2e.test_page import READY_CANVAS, SEVEN, draw
from tests.proxies.cases import TOP
from tests.proxies.nginx import Nginx
from tests.proxies.visit import upload

SHORT, LONG = 5, 180  # seconds
LONGEST = 60_000  # milliseconds until a page is connected again: its browser asks less and less often


@dataclass
class Absence:
    """One page, and how its network goes away."""

    page: Page
    nginx: Nginx
    is_silent: bool
    seconds: int
    what: str
    is_drawn: bool = False

    @property
    def name(self) -> str:
        return f"{self.what}, {'silent' if self.is_silent else 'cut'} for {self.seconds} s"

    def begin(self) -> None:
        if self.is_silent:
            self.nginx.process.send_signal(signal.SIGSTOP)
        else:
            self.nginx.end()
            self.page.locator('[data-testid="stApp"]:not([data-test-connection-state="CONNECTED"])').wait_for()

    def draw(self) -> None:
        """At once, and one stroke: a moment later Streamlit's message lies over the page."""
        draw(self.page, SEVEN)
        self.is_drawn = self.page.locator(".st-key-sketch button[data-tool=undo]").is_enabled()

    def end(self) -> None:
        if self.is_silent:
            self.nginx.process.send_signal(signal.SIGCONT)
        else:
            self.nginx.start()


def absences(context: BrowserContext, server: Server, folder: Path, picture: Path) -> Iterator[tuple[str, str]]:
    """What came of each, "works" or what else: the first strokes drawn meanwhile; a picture uploaded before, with a
    drawing behind it and a setting."""
    with ExitStack() as stack:
        all_of_them = []
        for number in range(8):
            is_silent, is_long, is_upload = bool(number & 1), bool(number & 2), bool(number & 4)
            nginx = stack.enter_context(Nginx(folder / f"away-{number}", f"127.0.0.1:{server.port}", TOP))
            page = context.new_page()
            prepare(page, nginx, picture if is_upload else None)
            what = "picture and settings" if is_upload else "strokes meanwhile"
            all_of_them.append(Absence(page, nginx, is_silent, LONG if is_long else SHORT, what))
        for absence in all_of_them:
            absence.begin()
            if absence.what == "strokes meanwhile":
                absence.draw()
        began = time.monotonic()
        for seconds in (SHORT, LONG):
            while time.monotonic() < began + seconds:
                all_of_them[0].page.wait_for_timeout(500)
            for absence in all_of_them:
                if absence.seconds == seconds:
                    absence.end()
        for absence in all_of_them:
            yield absence.name, outcome(absence)
            absence.page.close()


def prepare(page: Page, nginx: Nginx, picture: Path | None) -> None:
    """Open the page; with a picture: draw a seven, ask for a wide canvas, and upload the picture before it."""
    page.goto(f"http://school.example:{nginx.port}/?tab=Draw")
    page.locator(READY_CANVAS).wait_for()
    if picture is None:
        expect(page.get_by_text("The canvas is empty")).to_be_visible(timeout=LONGEST)
        return
    page.get_by_text("Room for several digits").click()
    expect(page.locator(READY_CANVAS)).to_have_attribute("width", "560")
    draw(page, SEVEN)
    expect(page.get_by_label("The answer: 7")).to_be_visible(timeout=LONGEST)
    upload(page, picture)


def outcome(absence: Absence) -> str:
    """Whether all is there again."""
    page = absence.page
    try:
        if absence.what == "strokes meanwhile":
            if not absence.is_drawn:
                return "nothing could be drawn"
            expect(page.get_by_label("The answer: 7")).to_be_visible(timeout=LONGEST)
            return "works"
        back = page.get_by_role("button", name="Back to the canvas")
        expect(back).to_be_enabled(timeout=LONGEST)
        back.click()
        expect(page.get_by_label("The answer: 7")).to_be_visible(timeout=LONGEST)
        expect(page.get_by_text("What the network sees")).to_be_visible(timeout=LONGEST)
        expect(page.locator(READY_CANVAS)).to_have_attribute("width", "560")
        return "works"
    except (Error, AssertionError):
        return "fails"
