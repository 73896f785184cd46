"""Take the README's pictures: python -m tests.pictures writes docs/train.png, docs/evaluate.png and docs/draw.png.

It starts a server with an empty store on a free port of this machine, trains classroom there, and looks at each tab in
Debian's chromium. The pictures show the page as it is, and this machine's speed.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.benchmarks.server import Server
from tests.e2e.conftest import CHROMIUM_FLAGS
from tests.e2e.test_page import wait_idle
from tests.helpers import PROJECT, processes

DOCS = PROJECT / "docs"
SIZE = {"width": 1280, "height": 960}
LONGEST = 300_000  # milliseconds that a part may take on a slow machine
SEVEN = [(80, 62), (120, 58), (205, 60), (180, 110), (155, 165), (135, 232)]  # canvas pixels


@contextlib.contextmanager
def page_of_an_empty_store() -> Iterator[tuple[Page, Server]]:
    """A page in a browser, and its server; both end with the block."""
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
        try:
            context = browser.new_context(viewport=SIZE, device_scale_factor=1.5, color_scheme="light")
            yield context.new_page(), server
        finally:
            browser.close()
            for process in processes(server.home):
                process.kill()


def stand_still(page: Page) -> None:
    """Wait until the page's script has run and what it drew stands still."""
    wait_idle(page)
    page.mouse.move(0, 0)  # no help text lies over the page
    page.wait_for_timeout(1500)


def take(page: Page, name: str) -> None:
    """Write docs/NAME.png."""
    stand_still(page)
    page.screenshot(path=DOCS / f"{name}.png")


def train(page: Page, server: Server) -> None:
    """Train classroom, as the page sets it."""
    page.goto(f"{server.url}/?tab=Train")
    start = page.get_by_role("button", name="Start training")
    expect(start).to_be_enabled(timeout=LONGEST)
    expect(page.get_by_text("measuring how long")).to_be_hidden(timeout=LONGEST)
    stand_still(page)
    start.click()
    expect(page.get_by_text("classroom-1 · finished")).to_be_visible(timeout=LONGEST)
    take(page, "train")


def evaluate(page: Page, server: Server) -> None:
    """Show the shipped network the test digits."""
    page.goto(f"{server.url}/?tab=Evaluate")
    expect(page.get_by_text("/ 10,000")).to_be_visible(timeout=LONGEST)
    take(page, "evaluate")


def draw(page: Page, server: Server) -> None:
    """Draw a 7 for the shipped network."""
    page.goto(f"{server.url}/?tab=Draw")
    canvas = page.locator("canvas.upper-canvas")
    stand_still(page)
    box = canvas.bounding_box()
    assert box is not None
    scale = box["width"] / 280
    points = [(box["x"] + scale * x, box["y"] + scale * y) for x, y in SEVEN]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=8)
    page.mouse.up()
    expect(page.get_by_label("The answer: 7")).to_be_visible()
    take(page, "draw")


def main() -> int:
    """Take all pictures."""
    with page_of_an_empty_store() as (page, server):
        page.set_default_timeout(60_000)
        train(page, server)
        evaluate(page, server)
        draw(page, server)
    return 0


if __name__ == "__main__":
    sys.exit(main())
