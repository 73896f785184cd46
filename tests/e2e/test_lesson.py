"""The lesson, gone through as a student would: predict, look, explain, to the end."""

from __future__ import annotations

import re
import shutil

import pytest
from playwright.sync_api import Page, expect

from tests.benchmarks.server import Server, make_run
from tests.e2e.conftest import WIDE
from tests.e2e.test_page import SEVEN, click_only, draw, open_tab, wait_idle
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.data import Digits
from vgg_demo.evaluation import predict
from vgg_demo.runs.store import Run

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("browser, trainings")]
TRAINING_MS = 180_000  # 150 steps on a busy machine


def choose(page: Page, text: str) -> None:
    click_only(page.get_by_role("radiogroup").get_by_text(text, exact=True))
    wait_idle(page)


def press(page: Page, name: str) -> None:
    click_only(page.get_by_role("button", name=name))
    wait_idle(page)


def test_student_goes_through_the_whole_lesson(
    page: Page, server: Server, story_run: Run, mnist: tuple[Digits, Digits]
) -> None:
    open_tab(page, server)
    expect(page.get_by_text("1 / 5 · Reproduce the story")).to_have_count(0)  # closed until asked for
    page.get_by_text("A lesson in ten minutes").click()

    # 1: the failure is reproduced; a wrong guess first
    expect(page.get_by_text("1 / 5 · Reproduce the story")).to_be_visible()
    expect(page.get_by_role("button", name="Train it")).to_have_count(0)  # no looking before guessing
    choose(page, "It falls to nearly 0")
    expect(page.get_by_role("button", name="Train it: 150 steps")).to_be_enabled()
    shutil.copytree(story_run.path, server.home / "blog-mini-1")  # what it would train
    page.goto(f"{server.url}/?tab=Train&run=blog-mini-1&lesson=1~blog-mini-1~")
    choose(page, "It falls to nearly 0")
    expect(page.get_by_text(re.compile(r"Not so\. After 150 steps the loss is 2\.\d{3}"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"It says \d to everything")).first).to_be_visible()
    cause = page.get_by_text(re.compile("^The input does not reach the output: "))
    expect(page.get_by_text("The lesson asks for the cause")).to_be_visible()  # and the page does not tell it
    expect(cause).to_have_count(0)
    press(page, "Next")

    # 2: guess why
    choose(page, "The image gets lost on its way through the layers")
    expect(page.get_by_text("As you said. The curve alone cannot tell")).to_be_visible()
    press(page, "Next")

    # 3: the signal
    expect(page.get_by_text("3 / 5 · Look at the signal")).to_be_visible()
    expect(cause).to_have_count(0)
    choose(page, "Less than a ten-thousandth")
    press(page, "Show the signal")
    expect(page.get_by_text("Theory says 1/√6 = 0.41")).to_be_visible()
    chart = page.locator(".st-key-lesson-signal").get_by_label(re.compile("^Signal through the layers")).first
    label = chart.get_attribute("aria-label") or ""
    factor = re.search(r"factor of ([\d.]+) a layer", label)
    assert factor is not None
    assert 0.3 < float(factor[1]) < 0.45
    press(page, "Next")

    # 4: one change
    expect(cause.first).to_be_visible()
    choose(page, "Yes")
    press(page, "Train it with He initialisation")
    expect(page.get_by_text("As you said. Before its first step")).to_be_visible(timeout=TRAINING_MS)
    wait_idle(page)
    expect(page.get_by_text("What was tried, and what came of it")).to_have_count(1)
    press(page, "Next")

    # 5: draw for both
    choose(page, "The same digit, whatever is drawn")
    press(page, "Draw for the broken one")
    expect(page.get_by_role("tab", name="Draw")).to_have_attribute("aria-selected", "true")
    draw(page, SEVEN)
    expect(page.get_by_label(re.compile(r"^The answer: \d"))).to_be_visible()
    page.get_by_role("tab", name="Train").click()
    wait_idle(page)
    press(page, "Draw for the mended one")
    expect(page.get_by_label(re.compile(r"^The answer: \d"))).to_be_visible()
    page.get_by_role("tab", name="Train").click()
    wait_idle(page)
    expect(page.get_by_text(re.compile("^As you said. Broken: It says"))).to_be_visible()
    press(page, "Finish")
    expect(page.get_by_text("It was not the depth")).to_be_visible()

    # one thing was different, and nothing else; with it, most digits are read
    broken, mended = (Run(server.home / name) for name in ("blog-mini-1", "blog-mini-2"))
    assert mended.config() == broken.config().with_changes(init="he")
    answers = predict(load_checkpoint(mended.checkpoint_path)[0], mnist[1][:2000])
    assert answers.is_right.mean() > 0.8


def test_lesson_left_is_continued_after_a_reload_and_hidden_at_its_end_is_gone(page: Page, server: Server) -> None:
    open_tab(page, server)
    page.get_by_text("A lesson in ten minutes").click()
    for number in range(1, 6):
        expect(page.get_by_text(f"{number} / 5 · ")).to_be_visible()
        if number == 3:
            page.reload()
            expect(page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")
            expect(page.get_by_text("3 / 5 · Look at the signal")).to_be_visible()
        press(page, "Skip this step")
    expect(page.get_by_text("It was not the depth")).to_be_visible()

    press(page, "Hide the lesson")

    expect(page.get_by_text("A lesson in ten minutes")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("button", name="Show the lesson")).to_be_visible()
    expect(page.get_by_text("A lesson in ten minutes")).to_have_count(0)
    press(page, "Show the lesson")
    expect(page.get_by_text("It was not the depth")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_what_was_opened_is_open_after_a_look_at_another_tab(page: Page, server: Server, width: int) -> None:
    make_run("one", 30)[0].update_status(state="finished")
    page.set_viewport_size({"width": width, "height": 900})
    open_tab(page, server)
    inside = {
        "A lesson in ten minutes: why does it not learn?": "1 / 5 · Reproduce the story",
        "Settings": "Batch size",
        "Look at the data": "One batch",
        "All runs": "Lay over the curve above",
    }
    for title, text in inside.items():
        page.get_by_text(title, exact=True).click()
        expect(page.get_by_text(text).first).to_be_visible()

    for _visit in range(2):
        for tab in ("Draw", "Train"):
            page.get_by_role("tab", name=tab).click()
            wait_idle(page)
        for text in inside.values():
            expect(page.get_by_text(text).first).to_be_visible()
    page.get_by_text("Settings", exact=True).click()
    expect(page.get_by_text("Batch size").first).to_be_hidden()
    page.set_viewport_size(WIDE)
