"""A digit of one's own, watched while a network learns, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.benchmarks.server import Server
from tests.e2e.test_page import SEVEN, draw, expect_answer, open_tab, wait_for_step, wait_idle
from tests.helpers import stop
from vgg_demo.runs.pinned import pinned_digits
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.store import Run

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("browser, trainings")]


def test_digit_drawn_and_pinned_is_watched_through_a_real_training(page: Page, server: Server) -> None:
    open_tab(page, server, "Draw")
    draw(page, SEVEN)
    expect_answer(page, 7)

    page.get_by_role("button", name="Watch it while training").click()
    expect(page.get_by_text("Your next training watches it.")).to_be_visible()
    page.get_by_role("tab", name="Train", exact=True).click()
    expect(page.get_by_text("Your next training watches 1 of your digits.")).to_be_visible()
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"run="))
    bars = page.locator(".pinned .ten")
    seen = set[str]()
    expect(bars).to_have_attribute("aria-label", re.compile("Your 7: read as"))
    over = page.get_by_text("· finished").first
    while not over.is_visible():
        seen.update(bars.evaluate_all("all => all.map(one => one.ariaLabel)"))  # none while the page is drawn anew
        page.wait_for_timeout(200)

    assert len(seen) >= 3  # the bars changed while it trained
    lines = page.get_by_role("img", name=re.compile("Ten probabilities over the steps"))
    expect(lines).to_be_visible()
    expect(page.get_by_text("It has read this 7 right from step").first).to_be_visible()
    expect(bars).to_have_attribute("aria-label", re.compile("Your 7: read as 7"))
    wait_idle(page)
    slider = page.get_by_role("slider", name="After step")
    slider.focus()
    page.keyboard.press("Home")
    run = Run(server.home / "classroom-1")
    (digit,) = pinned_digits(run)
    recorded = RunReader(run).refresh().probabilities[digit.id]
    ten, last = recorded.probabilities[0], f"After step {recorded.steps[-1]:,}"
    first = max(range(10), key=ten.__getitem__)
    expect(bars).to_have_attribute("aria-label", f"Your 7: read as {first}, {ten[first] * 100:.1f} %")
    expect(slider).to_have_attribute("aria-valuetext", f"After step {recorded.steps[0]:,}")
    expect(page.locator(".lines .u-legend")).to_contain_text(f"{round(100 * ten[7], 1)} %")

    page.get_by_role("button", name="Play").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(slider).to_have_attribute("aria-valuetext", last)
    expect(page.get_by_role("button", name="Play")).to_be_visible()  # it has stopped
    expect(bars).to_have_attribute("aria-label", re.compile("Your 7: read as 7"))
    page.reload()
    expect(lines).to_be_visible()


def test_digit_of_the_gallery_that_is_watched_is_pinned_to_the_next_run(page: Page, server: Server) -> None:
    open_tab(page, server, "Evaluate")
    page.get_by_role("button", name="Show its most common mistake").click()
    page.get_by_role("button", name="Watch it").first.click()
    expect(page.get_by_role("button", name="Watched")).to_be_disabled()

    page.get_by_role("tab", name="Train", exact=True).click()
    expect(page.get_by_text("Your next training watches 1 of your digits.")).to_be_visible()
    page.get_by_role("button", name="Start training").click()

    expect(page.locator(".pinned .ten")).to_have_attribute("aria-label", re.compile("^Your 7: "))
    (digit,) = pinned_digits(Run(server.home / "classroom-1"))
    assert digit.label == 7


def test_digit_pinned_to_a_run_of_somebody_else_is_not_offered(page: Page, other: Page, server: Server) -> None:
    open_tab(page, server, "Draw")
    draw(page, SEVEN)
    expect_answer(page, 7)
    page.get_by_role("button", name="Watch it while training").click()
    expect(page.get_by_text("Your next training watches it.")).to_be_visible()
    open_tab(other, server)
    other.get_by_role("button", name="Start training").click()
    wait_for_step(other, 1)

    page.get_by_role("tab", name="Train", exact=True).click()

    expect(page.get_by_text("classroom-1").first).to_be_visible()
    wait_idle(page)
    expect(page.get_by_role("button", name="Watch your digits in this run")).to_have_count(0)
    run = Run(server.home / "classroom-1")
    stop(run)
    assert pinned_digits(run) == ()
