"""Whether the pen's ink is where the pen was: in a browser that is slow, on a page that was scrolled."""

from __future__ import annotations

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from playwright.async_api import async_playwright
from playwright.sync_api import Page

from tests.benchmarks.server import Server
from tests.e2e.conftest import CHROMIUM_FLAGS, LONGEST_WAIT
from tests.e2e.test_page import READY_CANVAS, expect_answer, open_tab

pytestmark = pytest.mark.e2e

INK = """
    (sketch, places) => {
        const canvas = sketch.getContext("2d");
        const scale = sketch.width / 280;  // screens have more than one pixel for a pixel of the canvas
        return places.map(([x, y]) => canvas.getImageData(x * scale, y * scale, 1, 1).data[0] > 128);
    }
"""


def ink_at(page: Page, places: list[tuple[int, int]]) -> list[bool]:
    """Whether there is ink at each of these places, in pixels of the canvas."""
    return list(page.locator(".st-key-sketch canvas.dc-canvas.lower-canvas").evaluate(INK, places))


def test_keyboard_draws_where_the_pen_is_on_a_page_that_was_scrolled(page: Page, server: Server) -> None:
    page.set_viewport_size({"width": 1280, "height": 500})
    open_tab(page, server, "Draw")
    canvas = page.locator(READY_CANVAS)
    canvas.scroll_into_view_if_needed()
    main = page.locator('[data-testid="stMain"]')
    main.evaluate("main => main.scrollTo(0, 150)")
    assert main.evaluate("main => main.scrollTop") == 150

    canvas.focus()
    for key in [" "] + ["ArrowDown"] * 10 + [" "]:  # the pen begins at (140, 70)
        page.keyboard.press(key)

    expect_answer(page, 1)
    assert all(ink_at(page, [(140, 75), (140, 165)]))
    assert not any(ink_at(page, [(140, 30), (140, 210)]))


ZIGZAG = [(40, 60), (80, 220), (120, 60), (160, 220), (200, 60), (240, 220)]
ONE_FRAME_IN_HALF_A_SECOND = """
    () => {
        const work = () => {
            for (const end = performance.now() + 500; performance.now() < end; );
            requestAnimationFrame(work);
        };
        requestAnimationFrame(work);
    }
"""


async def draw_within_a_frame(url: str, by_touch: bool) -> list[bool]:
    """Draw a zigzag faster than the browser makes its next frame. Returns for each of its corners if it has ink.

    All of the moves are sent before the first is answered: playwright's other interface waits a frame for each.
    """
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
        page = await browser.new_page(has_touch=by_touch)
        page.set_default_timeout(LONGEST_WAIT)
        await page.goto(f"{url}/?tab=Draw")
        await page.get_by_text("The canvas is empty").wait_for()
        await page.locator(".st-key-sketch button[data-tool=clear]").wait_for()
        await page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
        canvas = page.locator(READY_CANVAS)
        await canvas.scroll_into_view_if_needed()
        box = await canvas.bounding_box()
        assert box is not None
        session = await page.context.new_cdp_session(page)

        async def send(kind: str, x: float, y: float) -> None:
            place: Any = {"x": box["x"] + x, "y": box["y"] + y}
            if by_touch:
                name = {"press": "touchStart", "move": "touchMove", "release": "touchEnd"}[kind]
                event = {"type": name, "touchPoints": [] if kind == "release" else [place]}
                await session.send("Input.dispatchTouchEvent", event)
            else:
                name = {"press": "mousePressed", "move": "mouseMoved", "release": "mouseReleased"}[kind]
                held = {"button": "left", "buttons": int(kind != "release"), "clickCount": int(kind != "move")}
                await session.send("Input.dispatchMouseEvent", {"type": name, **place, **held})

        moves = [
            (x0 + (x1 - x0) * part / 8, y0 + (y1 - y0) * part / 8)
            for (x0, y0), (x1, y1) in pairwise(ZIGZAG)
            for part in range(1, 9)
        ]
        await page.evaluate(ONE_FRAME_IN_HALF_A_SECOND)
        stroke = [send("press", *ZIGZAG[0]), *(send("move", x, y) for x, y in moves), send("release", *ZIGZAG[-1])]
        await asyncio.gather(*stroke)
        await page.locator(".st-key-sketch button[data-tool=undo]:enabled").wait_for()  # the stroke is there
        ink = await page.locator(".st-key-sketch canvas.dc-canvas.lower-canvas").evaluate(INK, ZIGZAG)
        await browser.close()
        return list(ink)


@pytest.mark.parametrize("by_touch", [False, True])
def test_corners_of_a_stroke_within_one_frame_are_kept(server: Server, by_touch: bool) -> None:
    with ThreadPoolExecutor(1) as beside:  # playwright's own loop runs in this thread
        ink = beside.submit(asyncio.run, draw_within_a_frame(server.url, by_touch)).result()

    assert ink == [True] * len(ZIGZAG)
