"""What people do on the page, by keyboard alone; and what is drawn again each second does not take the focus."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.benchmarks.server import Server, add_steps, make_run
from tests.benchmarks.watching import alive
from tests.collection.hands import fill
from tests.e2e.test_page import LONG_TRAINING, READY_CANVAS, wait_for_step, wait_idle
from vgg_demo.collection.store import open_collection

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("browser, trainings")]

# what has the focus, by its name, also within components
FOCUSED = """() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  const labels = [...(element.labels ?? [])].map((label) => label.innerText);
  const isControl = element.matches("a, button, summary, [role]:not([role=tabpanel])");  // not the page itself
  const words = isControl ? element.innerText : "";
  return [element.getAttribute("aria-label"), ...labels, words].find(Boolean) ?? "";
}"""
MOST_STOPS = 150
ONE = ["Space", *["ArrowDown"] * 14, "Space"]  # the pen begins at the top

# where each task begins; then what to go to with the Tab key, the keys to press there, and what the page says then
TASKS: dict[str, tuple[str, list[tuple[str, list[str], str]]]] = {
    "start, pause, stop": (
        f"?tab=Train&{LONG_TRAINING}",
        [
            ("Start training", ["Enter"], "lesson-1 · training"),
            ("Pause", ["Enter"], "lesson-1 · paused"),
            ("One batch", ["Shift+Tab", "Enter"], "lesson-1 · training"),  # before it is Resume
            ("Stop", ["Enter"], "lesson-1 · stopped"),
        ],
    ),
    "evaluate, choose a mistake, look into it": (
        "?tab=Train",
        [
            ("Train", ["ArrowRight"], "Show its most common mistake"),
            ("True digit", ["9", "Enter"], "choose"),
            ("The network's answer", ["4", "Enter"], "9 read as 4: 3 images"),
            ("Send to Draw", ["Enter"], "True label: 9"),
        ],
    ),
    "draw, look into a layer": (
        "?tab=Draw",
        [
            ("Canvas", ONE, "% sure"),
            ("Every step", ["ArrowRight", "Enter"], "Height and depth of a slab"),
            ("Block 1, convolution 1", ["Enter"], "features.0"),
        ],
    ),
    "an example instead of drawing": (
        "?tab=Draw",
        [
            ("Use a picture instead", ["Enter"], "Where from"),
            ("Upload", ["ArrowRight", "ArrowRight", "Enter"], "One of 10,000"),
            ("Show a random test digit", ["Enter"], "True label"),
        ],
    ),
    "send a digit to the class": (
        "?tab=Draw&collect={collection}",
        [("Canvas", ONE, "kept"), ("Send", ["Enter"], "1 of 20 kept")],
    ),
    "lead the class": (
        "?view=board",
        [
            ("Pause the queue", ["Space"], "The queue is paused."),
            ("Students follow me", ["Space"], "Evaluate"),  # which tab they see
            ("What students get", ["Enter"], "Hidden from students"),
            ("Hidden from students", ["ArrowDown", "Enter", "Escape"], "the settings"),
        ],
    ),
    "another language": ("?tab=Draw", [("English", ["ArrowRight", "Enter"], "여기에 그리세요")]),
}


def go_to(page: Page, name: str) -> None:
    """Press Tab until what has this name has the focus."""
    for _stop in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if name in page.evaluate(FOCUSED):
            return
    raise AssertionError(f"the Tab key does not reach {name}")


def test_every_task_is_done_by_keyboard_alone(page: Page, server: Server) -> None:
    collection = open_collection("3b")
    for task, (query, steps) in TASKS.items():
        page.goto(f"{server.url}/{query.format(collection=collection.id)}")
        if "Draw" in query:
            page.locator(READY_CANVAS).wait_for()
        wait_idle(page)
        for name, keys, text in steps:
            go_to(page, name)
            for key in keys:
                page.keyboard.press(key)
            expect(page.get_by_text(text).first, f"{task}: {name}").to_be_visible()
            wait_idle(page)


def test_focus_stays_where_a_curve_and_a_wall_grow(page: Page, server: Server) -> None:
    run, config = make_run("goes", 300, total_steps=1000)
    collection = open_collection("3b")
    fill(collection, hands=1)

    with alive(run):
        page.goto(f"{server.url}/?tab=Train&run=goes")
        wait_for_step(page, 300)
        go_to(page, "Stop")
        for first in (300, 310, 320):
            add_steps(run, config, first, 10)
            wait_for_step(page, first + 10)
            assert "Stop" in page.evaluate(FOCUSED)
    page.goto(f"{server.url}/?view=board")
    page.get_by_text("Drawings: 10").wait_for()
    go_to(page, "0, hand")
    fill(collection, hands=1)
    page.get_by_text("Drawings: 20").wait_for()

    assert page.evaluate(FOCUSED).startswith("0, hand")
