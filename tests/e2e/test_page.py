"""What a person does on the page, in a real browser."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import time
from itertools import pairwise

import psutil
import pytest
from playwright.sync_api import Frame, Locator, Page, TimeoutError, expect

from tests.benchmarks.server import Server, add_steps, make_run
from tests.benchmarks.watching import alive
from tests.helpers import processes
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.store import Run

pytestmark = pytest.mark.e2e

# the canvas with its keys and its size: sketch_tools.js finds it a moment after it is there
READY_CANVAS = ".st-key-sketch canvas.upper-canvas[role=application]"

LONG_TRAINING = "preset=lesson&epochs=20"  # in the address

# strokes in canvas pixels, as a hand would draw them
SEVEN = [[(80, 60), (200, 60), (130, 230)]]
ONE = [[(140, 50), (140, 230)]]
ZERO = [[(140, 50), (90, 90), (80, 150), (100, 215), (145, 235), (190, 200), (200, 130), (180, 75), (140, 50)]]
FOUR = [[(110, 50), (80, 150), (200, 150)], [(170, 60), (165, 235)]]


def open_tab(page: Page, server: Server, tab: str = "Train") -> None:
    page.goto(f"{server.url}/?tab={tab}")
    chosen = page.get_by_role("tab", name=tab, exact=True)
    expect(chosen).to_have_attribute("aria-selected", "true", timeout=30_000)  # the first one after a start is slow
    wait_idle(page)


def wait_idle(page: Page) -> None:
    """Wait until nothing runs, nothing of before is left, and nothing is still to come in a grey bar's place.

    Just after a click nothing runs yet: see its effect first.
    """
    idle = '[data-testid="stApp"][data-test-script-state="notRunning"]'
    page.locator(f'{idle}:not(:has([data-stale="true"], [data-testid="stSkeleton"]))').wait_for()


def click_only(place: Locator) -> None:
    """Click when there is one: a moment after a click the page may still show what was there before as well."""
    expect(place).to_have_count(1)
    place.click()


def open_long_training(page: Page, server: Server) -> None:
    """The Train tab, with a training that still goes on when a test has looked at all it wants to see."""
    page.goto(f"{server.url}/?tab=Train&{LONG_TRAINING}")
    expect(page.get_by_role("combobox", name="Preset")).to_have_value("lesson", timeout=30_000)
    wait_idle(page)


def choose_lesson(page: Page) -> None:
    """On a page that is open."""
    wait_idle(page)  # a page that is drawn anew would close the list
    page.get_by_role("combobox", name="Preset").click()
    page.get_by_role("option", name="lesson").click()
    expect(page.get_by_text("each seen twice, a little distorted")).to_be_visible()
    page.mouse.move(0, 0)  # the help of a button that the list had lain over would cover the one above
    wait_idle(page)


def curve_step(page: Page) -> int:
    """The step that the loss curve's description names."""
    label = page.get_by_label(re.compile("^Loss curve")).first.get_attribute("aria-label") or ""
    match = re.search(r"step ([\d]+) of", label)
    return int(match[1]) if match else 0


def wait_for_step(page: Page, step: int) -> int:
    deadline = time.monotonic() + 60
    while (now := curve_step(page)) < step:
        assert time.monotonic() < deadline, f"the curve stands at step {now}"
        page.wait_for_timeout(100)
    return now


def canvas_box(page: Page | Frame) -> dict[str, float]:
    canvas = page.locator(READY_CANVAS)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    return {"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"]}


def draw(page: Page, strokes: list[list[tuple[int, int]]], frame: Frame | Page | None = None) -> None:
    box = canvas_box(frame or page)
    for stroke in strokes:
        page.mouse.move(box["x"] + stroke[0][0], box["y"] + stroke[0][1])
        page.mouse.down()
        for x, y in stroke[1:]:
            page.mouse.move(box["x"] + x, box["y"] + y, steps=8)
        page.mouse.up()


def draw_by_touch(page: Page, strokes: list[list[tuple[int, int]]]) -> None:
    box = canvas_box(page)
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": box["x"] + x, "y": box["y"] + y} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    for stroke in strokes:
        touch("touchStart", stroke[0])
        for (x0, y0), (x1, y1) in pairwise(stroke):
            for part in range(1, 9):
                touch("touchMove", (x0 + (x1 - x0) * part / 8, y0 + (y1 - y0) * part / 8))
        touch("touchEnd")


def expect_answer(page: Page, digit: int) -> None:
    expect(page.get_by_label(f"The answer: {digit}")).to_be_visible()


def test_page_opened_shows_three_tabs_and_start(page: Page, server: Server) -> None:
    page.goto(server.url)

    expect(page.get_by_role("button", name="Start training")).to_be_enabled()
    assert page.get_by_role("tab").all_inner_texts() == ["Train", "Evaluate", "Draw"]
    expect(page.get_by_text("the loss curve of this network appears here")).to_be_visible()
    expect(page.get_by_role("combobox", name="Preset")).to_have_value("classroom")


def test_run_trained_reloaded_and_stopped_keeps_its_curve(page: Page, server: Server) -> None:
    open_long_training(page, server)

    page.get_by_role("button", name="Start training").click()
    first = wait_for_step(page, 1)
    later = wait_for_step(page, first + 20)
    page.reload()
    after_reload = wait_for_step(page, later)
    page.get_by_role("button", name="Stop").click()

    expect(page.get_by_text("lesson-1 · stopped")).to_be_visible()
    assert after_reload >= later
    expect(page.get_by_role("button", name="Start training")).to_be_enabled()
    status = json.loads((server.home / "lesson-1" / "status.json").read_text())
    assert status["state"] == "stopped"
    assert (server.home / "lesson-1" / "model.safetensors").is_file()
    psutil.wait_procs(processes(server.home), timeout=10)
    assert processes(server.home) == []


def test_trained_run_offered_for_drawing_opens_the_draw_tab_with_it(
    page: Page, server: Server, trained_run: Run
) -> None:
    open_tab(page, server)

    page.get_by_role("button", name="Draw with it").click()

    expect(page.get_by_role("tab", name="Draw")).to_have_attribute("aria-selected", "true")
    wait_idle(page)
    expect(page.get_by_role("tabpanel").get_by_label("Network").locator("visible=true")).to_have_value(trained_run.name)


def test_what_was_chosen_in_a_tab_is_still_chosen_after_a_look_at_another(
    page: Page, server: Server, trained_run: Run
) -> None:
    open_tab(page, server)
    page.get_by_text("How it is drawn").click()
    page.get_by_text("logarithmic", exact=True).click()
    page.get_by_role("button", name="Evaluate it").click()
    expect(page.get_by_role("tab", name="Evaluate")).to_have_attribute("aria-selected", "true")
    network = page.get_by_role("tabpanel").get_by_label("Network", exact=True).locator("visible=true")
    expect(network).to_have_value(trained_run.name)

    for tab in ("Train", "Draw", "Evaluate"):
        page.get_by_role("tab", name=tab, exact=True).click()
        wait_idle(page)

    expect(network).to_have_value(trained_run.name)
    page.get_by_role("tab", name="Train", exact=True).click()
    page.get_by_text("How it is drawn").click()
    expect(page.get_by_role("radio", name="logarithmic")).to_be_checked()


def test_digits_drawn_with_the_mouse_are_read_and_cleared(page: Page, server: Server) -> None:
    open_tab(page, server, "Draw")

    for digit, strokes in ((7, SEVEN), (1, ONE), (0, ZERO), (4, FOUR)):
        expect(page.get_by_text("The canvas is empty")).to_be_visible()
        draw(page, strokes)
        expect_answer(page, digit)
        page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("The canvas is empty")).to_be_visible()


def test_drawing_survives_other_tabs_and_a_training_that_ticks(page: Page, server: Server) -> None:
    open_tab(page, server, "Draw")
    draw(page, SEVEN)
    expect_answer(page, 7)

    page.get_by_role("tab", name="Train").click()
    choose_lesson(page)
    page.get_by_role("button", name="Start training").click()
    wait_for_step(page, 10)
    page.get_by_role("tab", name="Evaluate").click()
    wait_idle(page)
    page.get_by_role("tab", name="Draw").click()

    expect_answer(page, 7)
    pixels = page.locator(".st-key-sketch canvas.dc-canvas.lower-canvas").evaluate(
        "c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " let ink = 0; for (let i = 0; i < d.length; i += 4) ink += d[i] > 128; return ink / (d.length / 4) }"
    )
    assert pixels > 0.03  # the ink is still on the canvas
    page.get_by_role("tab", name="Train").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text(" · stopped")).to_be_visible()


def test_digit_drawn_with_a_finger_is_read_and_cleared_and_nothing_scrolls(phone: Page, server: Server) -> None:
    open_tab(phone, server, "Draw")
    canvas_box(phone)
    before = phone.evaluate("document.querySelector('[data-testid=stMain]').scrollTop")

    draw_by_touch(phone, SEVEN)

    expect_answer(phone, 7)
    assert phone.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == before
    phone.get_by_role("button", name="Clear").tap()
    expect(phone.get_by_text("The canvas is empty")).to_be_visible()


def test_phone_shows_every_tab_without_sideways_scrolling(phone: Page, server: Server) -> None:
    for tab in ("Train", "Evaluate", "Draw"):
        open_tab(phone, server, tab)

        assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_phone_shows_start_first_and_the_curve_of_a_run_that_was_sent(phone: Page, server: Server) -> None:
    make_run("sent", 300)[0].update_status(state="finished")
    start, curve = phone.get_by_role("button", name="Start training"), phone.locator(".u-legend")

    def places() -> tuple[float, float]:
        curve.wait_for()
        wait_idle(phone)
        return tuple(phone.evaluate("e => e.getBoundingClientRect().top", e.element_handle()) for e in (start, curve))

    open_tab(phone, server, "Train")
    at_start, at_curve = places()
    assert at_start < at_curve

    phone.goto(f"{server.url}/?tab=Train&run=sent")
    at_start, at_curve = places()
    assert at_curve < at_start
    assert at_curve < 844  # without scrolling


def test_budget_is_told_by_itself_once_nothing_trains_any_more(page: Page, server: Server) -> None:
    make_run("over", 300)[0].update_status(state="finished")
    with alive(make_run("elsewhere", 300)[0]):
        page.goto(f"{server.url}/?tab=Train&run=over")  # so that nothing on the page follows what trains
        wait_idle(page)
        page.get_by_text("Settings", exact=True).click()
        batch_size = page.get_by_role("spinbutton", name="Batch size")
        batch_size.fill("95")  # no preset's: it has not been measured
        batch_size.press("Enter")
        expect(page.get_by_text("is measured when nothing trains")).to_be_visible()

    expect(page.get_by_text("takes about")).to_be_visible(timeout=60_000)


def lay_over(page: Page, name: str) -> None:
    """Choose a run by its name in the list of runs, which has just been opened."""
    page.get_by_role("button", name="Delete").wait_for()  # below the list: idle before that is idle before its opening
    wait_idle(page)  # a page that is drawn anew would close the offers
    offers = page.locator(".st-key-overlay input")
    offers.scroll_into_view_if_needed()
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    offer = page.get_by_role("option", name=name)
    chosen = page.locator(".st-key-overlay").get_by_text(name, exact=True)
    # on a slow machine what closes the offers, or takes the choice back, may come later still
    for _attempt in range(5):
        offers.click()
        with contextlib.suppress(TimeoutError):
            offer.click(timeout=3_000)
            chosen.wait_for(timeout=3_000)
            return
    expect(chosen).to_be_visible()


def test_curve_tells_its_values_and_lies_beside_another_run(page: Page, server: Server) -> None:
    for name in ("one", "two"):
        make_run(name, 300)[0].update_status(state="finished")
    page.goto(f"{server.url}/?tab=Train&run=one")
    legend = page.locator(".u-legend")
    assert wait_for_step(page, 300) == 300

    page.locator(".u-over").hover()  # in the middle, of 300 steps

    expect(legend).to_contain_text(re.compile(r"loss of each batch\s*\d\.\d{4}\s*smoothed\s*\d\.\d{4}"))
    page.get_by_text(re.compile("^All runs")).click()
    lay_over(page, "two")
    expect(legend).to_contain_text(re.compile(r"loss of each batch.*one.*two"))  # its own line has its name now
    page.keyboard.press("Escape")
    page.get_by_role("button", name="How it is drawn").click()
    page.get_by_text("Show the learning rate").click()
    expect(legend).to_contain_text("learning rate")
    page.get_by_text("logarithmic", exact=True).click()
    wait_idle(page)
    expect(legend).to_contain_text(re.compile(r"one.*two.*learning rate"))


def test_curve_goes_on_when_a_run_laid_over_it_is_gone(page: Page, server: Server) -> None:
    (run, config), (other, _config) = (make_run(name, 300, total_steps=1000) for name in ("stays", "goes"))
    alive(other).__enter__()  # its folder will be gone before it could leave
    with alive(run):
        page.goto(f"{server.url}/?tab=Train&run=stays")
        assert wait_for_step(page, 300) == 300
        page.get_by_text(re.compile("^All runs")).click()
        lay_over(page, "goes")
        expect(page.locator(".u-legend")).to_contain_text(re.compile("stays.*goes"))

        shutil.rmtree(other.path)
        add_steps(run, config, 300, 50)

        assert wait_for_step(page, 350) == 350
        expect(page.locator(".u-legend")).to_contain_text(re.compile("stays.*goes"))


def test_curve_told_piece_by_piece_shows_old_points_and_new(page: Page, server: Server) -> None:
    run, config = make_run("grows", 300, total_steps=1000)
    with alive(run):
        page.goto(f"{server.url}/?tab=Train&run=grows")
        assert wait_for_step(page, 300) == 300
        for first in (300, 320, 340):
            add_steps(run, config, first, 20)
            assert wait_for_step(page, first + 20) == first + 20
        losses = RunReader(run).refresh().losses
        curve = page.locator(".u-over")
        width = curve.evaluate("element => element.clientWidth")

        for place in (1, 320, 360):
            curve.hover(position={"x": place / 1000 * width, "y": 100})
            beside = range(place - 2, place + 3)  # a pixel is a step wide
            told = [f"step{step}loss of each batch{losses[step - 1]:.4f}" for step in beside if 0 < step <= 360]
            expect(page.locator(".u-legend")).to_contain_text(re.compile("|".join(told)))


def test_hidden_tab_is_told_nothing_until_someone_looks(page: Page, server: Server) -> None:
    page.add_init_script(
        "window.isHidden = true; Object.defineProperty(document, 'hidden', { get: () => window.isHidden })"
    )
    look = "is => { window.isHidden = !is; document.dispatchEvent(new Event('visibilitychange')) }"
    run, config = make_run("unseen", 300, total_steps=1000)
    with alive(run):
        page.goto(f"{server.url}/?tab=Train&run=unseen")  # as a link that was opened in a tab behind this one
        assert wait_for_step(page, 300) == 300
        wait_idle(page)
        page.wait_for_timeout(500)
        add_steps(run, config, 300, 10)
        page.wait_for_timeout(2500)
        assert curve_step(page) == 300

        page.evaluate(look, True)
        add_steps(run, config, 310, 10)
        assert wait_for_step(page, 320) == 320

        page.evaluate(look, False)
        add_steps(run, config, 320, 10)
        page.wait_for_timeout(2500)
        assert curve_step(page) == 320
