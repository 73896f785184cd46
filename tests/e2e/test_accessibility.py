"""What people need who use the page without a mouse, without seeing it, or with weak sight."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.benchmarks.server import Server, make_run
from tests.collection.hands import fill
from tests.e2e.conftest import WIDE
from tests.e2e.test_page import READY_CANVAS, SEVEN, draw, wait_idle
from vgg_demo.collection.store import open_collection
from vgg_demo.runs.store import Run

pytestmark = pytest.mark.e2e

# what each page is opened with; and where its sections are chosen, of which one is shown at a time, and where it shows
PAGES: dict[str, tuple[str, dict[str, str]]] = {
    "Train": ("?tab=Train&run=done", {}),
    "Evaluate": ("?tab=Evaluate", {"evaluate_section": "evaluate_section_content"}),
    "Draw": ("?tab=Draw", {"draw_way": "draw_ways", "draw_section": "draw_section_content"}),
    "the board": ("?view=board", {}),
    "a student's page": ("?tab=Draw&collect={collection}", {}),
}
MOST_EXPANDERS = 50  # on a page
SCHEMES: dict[str, list[Literal["light", "dark"]]] = {"en": ["light", "dark"], "ko": ["dark", "light"]}
NARROW = (320, 640)  # pixels: a small phone; a laptop on which everything is shown twice as large
# what is Streamlit's own and cannot be set: by rule, a piece of the element, and why nobody is hindered by it
EXCLUDED = {
    "presentation-role-conflict": "stFileUploaderDropzone",  # browsers ignore the role of an element that has a name
}


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_with_its_sections_open_has_no_violation_and_fits_a_narrow_screen(
    page: Page, server: Server, trained_run: Run, language: str
) -> None:
    make_run("done", 300)[0].update_status(state="finished")
    collection = open_collection("3b")
    fill(collection, hands=2)
    found: dict[str, list[str]] = {}

    for name, (query, sections) in PAGES.items():
        page.goto(f"{server.url}/{query.format(collection=collection.id)}&lang={language}")
        wait_idle(page)
        if "tab=Draw" in query:
            page.locator(READY_CANVAS).wait_for()
            draw(page, SEVEN)
            wait_idle(page)
        open_everything(page)
        for scheme in SCHEMES[language]:
            page.emulate_media(color_scheme=scheme)
            found[f"{name}, {scheme}"] = violations(page)
        for section, content in sections.items():
            titles = page.locator(f".st-key-{section} button").all()
            assert titles, section
            for title in titles:
                title.click()
                open_everything(page)
                found[f"{name}, {title.inner_text()}"] = violations(page, f".st-key-{content}")
        for title in page.locator("[data-testid=stPopoverButton]:visible").all():
            title.click()
            found[f"{name}, {title.inner_text()}"] = violations(page, "[data-testid=stPopoverBody]")
            page.keyboard.press("Escape")
        for width in NARROW:
            page.set_viewport_size({"width": width, "height": 640})
            page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollWidth <= innerWidth")
        page.set_viewport_size(WIDE)

    assert {name: what for name, what in found.items() if what} == {}


def open_everything(page: Page) -> None:
    """Open all expanders that are closed, also those that come with others."""
    wait_idle(page)
    closed = page.locator("details:not([open]) > summary:visible")
    for _ in range(MOST_EXPANDERS):
        if not closed.count():
            return
        closed.first.click()
        wait_idle(page)
    raise AssertionError(f"it does not open: {closed.first.inner_text()}")


def violations(page: Page, part: str | None = None) -> list[str]:
    """What axe-core finds on the page, or on a part of it, in words, once nothing moves there any more."""
    page.locator(part or "[data-testid=stApp]").wait_for()
    page.mouse.move(0, 0)
    wait_idle(page)
    page.wait_for_function("document.getAnimations().every(({ playState }) => playState !== 'running')")
    found: list[dict[str, Any]] = Axe().run(page, part).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]}, {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
        if EXCLUDED.get(rule["id"], "\0") not in node["html"]
    ]
