"""Drawing with the mouse, a finger and the keyboard, and a look inside, in a real browser."""

from __future__ import annotations

import re
from importlib.metadata import version

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.benchmarks.server import Server
from tests.e2e.test_page import (
    ONE,
    READY_CANVAS,
    SEVEN,
    canvas_box,
    draw,
    draw_by_touch,
    expect_answer,
    open_tab,
    wait_idle,
)
from tests.helpers import PROJECT

pytestmark = pytest.mark.e2e
TOOLS = PROJECT / "vgg_demo" / "ui" / "draw" / "sketch_tools.js"


def tool(page: Page, name: str) -> Locator:
    # by its mark: until it is hidden, the canvas's own toolbar has buttons of the same names
    return page.locator(".st-key-sketch button[data-tool]", has_text=name)


def box_of(place: Locator) -> FloatRect:
    box = place.bounding_box()
    assert box is not None
    return box


def expect_empty(page: Page) -> None:
    expect(page.get_by_text("The canvas is empty")).to_be_visible()


COUNT_TICKS = """
    const begin = window.setInterval;
    window.ticks = 0;
    window.setInterval = (action, ...more) => begin(() => { window.ticks++; action(); }, ...more);
"""


def ticks(page: Page) -> int:
    """How often what the page does every so often was done in a second."""
    before = page.evaluate("window.ticks")
    page.wait_for_timeout(1000)
    return int(page.evaluate("window.ticks") - before)


def test_hidden_canvas_leaves_the_processor_to_the_training(page: Page, server: Server) -> None:
    page.add_init_script(COUNT_TICKS)
    open_tab(page, server, "Train")
    assert ticks(page) == 0

    page.get_by_role("tab", name="Draw", exact=True).click()
    expect(tool(page, "Undo")).to_be_visible()
    wait_idle(page)
    assert ticks(page) > 0  # the canvas may be mounted again
    draw(page, SEVEN)
    expect_answer(page, 7)
    tool(page, "Undo").click()
    expect_empty(page)

    page.get_by_role("tab", name="Train", exact=True).click()
    expect(tool(page, "Undo")).to_be_hidden()
    assert ticks(page) == 0


def test_canvas_has_the_private_elements_that_the_tools_were_written_for(page: Page, server: Server) -> None:
    open_tab(page, server, "Draw")
    sketch = page.locator(".st-key-sketch")

    for element in (".dc-root", ".dc-toolbar", ".dc-scroll", ".dc-container .canvas-container canvas.upper-canvas"):
        expect(sketch.locator(element)).to_have_count(1)
    for name in ("Undo", "Redo", "Reset canvas & history"):
        expect(sketch.locator(f'.dc-toolbar button[aria-label="{name}"]')).to_have_count(1)
    assert f"streamlit-drawable-canvas {version('streamlit-drawable-canvas')}," in TOOLS.read_text("utf-8")


def test_strokes_of_the_mouse_are_undone_redone_and_cleared(page: Page, server: Server) -> None:
    open_tab(page, server, "Draw")
    expect(tool(page, "Undo")).to_be_disabled()
    draw(page, SEVEN)
    expect_answer(page, 7)

    tool(page, "Undo").click()
    expect_empty(page)
    tool(page, "Redo").click()
    expect_answer(page, 7)
    tool(page, "Clear").click()
    expect_empty(page)
    expect(tool(page, "Redo")).to_be_disabled()


def test_drawing_of_several_digits_is_read_cleared_and_brought_back(phone: Page, server: Server) -> None:
    open_tab(phone, server, "Draw")
    canvas_box(phone)
    bars = phone.locator(".st-key-bars")
    place_of_bars = box_of(bars)
    for place, digit in enumerate((ONE, SEVEN, ONE)):
        draw_by_touch(phone, [[(place * 60 + x // 2, y // 2 + 50) for x, y in stroke] for stroke in digit])
    expect(phone.get_by_label("The answer: 171")).to_be_visible()
    expect(phone.get_by_role("radio", name="3: 1")).to_be_visible()
    assert box_of(bars) == place_of_bars

    tool(phone, "Clear").tap()
    expect_empty(phone)
    tool(phone, "Undo").tap()
    expect(phone.get_by_label("The answer: 171")).to_be_visible()
    tool(phone, "Undo").tap()
    expect(phone.get_by_label("The answer: 17", exact=True)).to_be_visible()
    tool(phone, "Clear").tap()
    expect_empty(phone)
    draw_by_touch(phone, SEVEN)
    expect_answer(phone, 7)
    tool(phone, "Undo").tap()
    expect_empty(phone)
    expect(tool(phone, "Undo")).to_be_disabled()


def test_finger_draws_undoes_and_looks_inside_on_an_upright_phone(phone: Page, server: Server) -> None:
    open_tab(phone, server, "Draw")
    draw_by_touch(phone, SEVEN)
    expect_answer(phone, 7)
    tool(phone, "Undo").tap()
    expect_empty(phone)
    tool(phone, "Redo").tap()
    expect_answer(phone, 7)

    for name in ("Undo", "Redo", "Clear"):
        box = tool(phone, name).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44

    for section, picture in (
        ("Every step", "The ink, light on dark, with a frame around it"),
        ("Feature maps", re.compile("^Block 1, convolution 1: .* the strongest is channel")),
        ("Where it looked", re.compile("^What speaks for 7, the answer: most of it")),
    ):
        phone.get_by_role("radio", name=section).or_(phone.get_by_role("button", name=section)).tap()
        expect(phone.get_by_role("img", name=picture)).to_be_visible(timeout=30_000)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(("width", "height"), [(320, 568), (360, 640), (390, 664), (412, 915), (1280, 720)])
def test_canvas_its_tools_and_the_answer_are_seen_together_and_nothing_moves(
    phone: Page, server: Server, width: int, height: int
) -> None:
    phone.set_viewport_size({"width": width, "height": height})
    open_tab(phone, server, "Draw")
    canvas = phone.locator(READY_CANVAS)
    bars = phone.locator(".st-key-bars")
    expect(tool(phone, "Undo")).to_be_visible()
    expect(bars).to_be_visible()
    expect(phone.get_by_text("Draw here")).to_be_visible()
    before = [box_of(place) for place in (canvas, tool(phone, "Undo"), bars)]

    draw_by_touch(phone, SEVEN)
    expect_answer(phone, 7)

    expect(phone.get_by_text("Draw here")).to_be_hidden()
    confidence = phone.get_by_text(re.compile("% sure$"))
    for place in (canvas, tool(phone, "Undo"), tool(phone, "Clear"), phone.get_by_label("The answer: 7"), confidence):
        box = box_of(place)
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height
        assert box["x"] + box["width"] <= width
    assert box_of(canvas)["width"] == (280 if width > 640 else width - 32)  # on a phone, all but the margins
    assert [box_of(place) for place in (canvas, tool(phone, "Undo"), bars)] == before  # nor was anything scrolled


def test_keyboard_alone_draws_a_digit_and_takes_it_back(page: Page, server: Server) -> None:
    open_tab(page, server, "Draw")
    canvas = page.get_by_role("application", name=re.compile("^Canvas. Arrow keys move the pen"))
    expect(canvas).to_be_visible()

    page.get_by_role("tabpanel").get_by_label("Network").locator("visible=true").focus()
    page.keyboard.press("Tab")
    expect(canvas).to_be_focused()
    expect(page.get_by_text("Pen up. Arrow keys move it")).to_be_visible()
    assert canvas.evaluate("canvas => getComputedStyle(canvas).outlineStyle") == "solid"
    for key in ["ArrowLeft"] * 6 + [" "] + ["ArrowRight"] * 12 + ["ArrowDown", "ArrowDown", "ArrowLeft"] * 7:
        page.keyboard.press(key)
    expect(page.get_by_text("Pen down. Arrow keys draw")).to_be_visible()
    page.keyboard.press(" ")

    expect_answer(page, 7)
    page.keyboard.press("Control+z")
    expect_empty(page)


def test_wide_canvas_keeps_the_drawing_and_fits_a_phone(phone: Page, server: Server) -> None:
    open_tab(phone, server, "Draw")
    draw_by_touch(phone, SEVEN)
    expect_answer(phone, 7)

    phone.get_by_text("Room for several digits").tap()

    canvas = phone.locator(READY_CANVAS)
    expect(canvas).to_have_attribute("width", "560")
    wait_idle(phone)
    box = canvas.bounding_box()
    assert box is not None
    assert box["width"] <= 360
    assert box["width"] / box["height"] == pytest.approx(2, abs=0.02)
    expect_answer(phone, 7)
    scale = box["width"] / 560
    tool(phone, "Clear").tap()
    expect_empty(phone)
    draw_by_touch(phone, [[(round((x + 200) * scale), round(y * scale)) for x, y in stroke] for stroke in SEVEN])
    expect_answer(phone, 7)
