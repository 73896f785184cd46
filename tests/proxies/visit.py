"""What a student does on the page, step by step, and whether it works."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, Error, Frame, Page, expect

from tests.e2e.test_page import READY_CANVAS, SEVEN, draw
from tests.proxies.cases import STEPS, Case

Place = Page | Frame  # the page, by itself or in a frame
LONGEST = 20_000  # milliseconds for one step


def visit(context: BrowserContext, case: Case, port: int, picture: Path) -> dict[str, str]:
    """What each step says: "works", "fails" or "says why". picture: a seven, to upload."""
    context.clear_cookies()
    scheme = "https" if case.is_https else "http"
    page = context.new_page()
    try:
        if case.is_framed:
            page.goto(f"{scheme}://platform.example:{port}/platform")
        else:
            page.goto(f"{scheme}://{case.site}:{port}{case.path}?tab=Draw")
        return take_steps(page, case.is_framed, picture)
    finally:
        page.close()


def frame_around(case: Case, port: int) -> str:
    """The location of another site's page that frames the page."""
    scheme = "https" if case.is_https else "http"
    frame = f"<iframe src='{scheme}://{case.site}:{port}{case.path}?tab=Draw' width=1200 height=850></iframe>"
    return f'location = /platform {{ default_type text/html; return 200 "{frame}"; }}'


def take_steps(page: Page, is_framed: bool, picture: Path) -> dict[str, str]:
    place: Place = page.frames[1] if is_framed else page
    steps: list[Callable[[], None]] = [
        lambda: place.locator(READY_CANVAS).wait_for(),
        lambda: draw_seven(page, place),
        lambda: upload(place, picture),
        lambda: train(place),
        lambda: stop_after_reload(page, is_framed),
    ]
    outcome = dict.fromkeys(STEPS, "fails")
    for name, step in zip(STEPS, steps, strict=True):
        if name != "page" and outcome["page"] == "fails":
            break
        try:
            step()
            outcome[name] = "works"
        except (Error, AssertionError):
            here = page.frames[1] if is_framed else page
            if here.get_by_text("does not keep this page's cookie").is_visible():
                outcome[name] = "says why"
    return outcome


def draw_seven(page: Page, place: Place) -> None:
    draw(page, SEVEN, place)
    expect(place.get_by_label("The answer: 7")).to_be_visible(timeout=LONGEST)


def upload(place: Place, picture: Path) -> None:
    place.get_by_text("Use a picture instead").click()
    place.locator("input[type=file]").set_input_files(picture)
    expect(place.get_by_role("button", name="Back to the canvas")).to_be_visible(timeout=LONGEST)


def train(place: Place) -> None:
    """Start a training that lasts, and see its curve move."""
    place.get_by_role("tab", name="Train").click()
    place.get_by_role("combobox", name="Preset").click()
    place.get_by_role("option", name="lesson").click()
    expect(place.get_by_text("each seen twice, a little distorted")).to_be_visible(timeout=LONGEST)
    place.get_by_role("button", name="Start training").click()
    expect(place.get_by_label(re.compile("^Loss curve: step [1-9]"))).to_be_visible(timeout=2 * LONGEST)


def stop_after_reload(page: Page, is_framed: bool) -> None:
    page.reload()
    place: Place = page.frames[1] if is_framed else page
    place.get_by_role("tab", name="Train").click()
    place.get_by_role("button", name="Stop").click()
    expect(place.get_by_text(" · stopped")).to_be_visible(timeout=LONGEST)
