"""Two people with two languages on one server at once, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.benchmarks.server import Server
from tests.e2e.conftest import LONGEST_WAIT, WIDE
from tests.e2e.test_page import SEVEN, draw, wait_for_step, wait_idle

pytestmark = pytest.mark.e2e


@pytest.fixture
def korean(browser: Browser, server: Server) -> Iterator[Page]:
    """The page of somebody whose browser is Korean."""
    context = browser.new_context(viewport=WIDE, locale="ko-KR")
    context.set_default_timeout(LONGEST_WAIT)
    yield context.new_page()
    context.close()


def test_two_languages_at_once_and_a_switch_that_changes_one(page: Page, korean: Page, server: Server) -> None:
    korean.goto(server.url)
    page.goto(server.url)
    expect(korean.get_by_role("tab")).to_have_text(["학습", "평가", "그리기"])
    expect(page.get_by_role("tab")).to_have_text(["Train", "Evaluate", "Draw"])
    expect(korean.locator("html")).to_have_attribute("lang", "ko")
    expect(page.locator("html")).to_have_attribute("lang", "en")

    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"run="))
    korean.goto(page.url)
    wait_for_step(page, 1)
    figures = [each.locator(".figures span").first for each in (korean, page)]  # of the feed, which no script sends
    expect(figures[0]).to_have_text("스텝")
    expect(figures[1]).to_have_text("Step")
    expect(korean.get_by_text("다른 브라우저가 시작했습니다")).to_be_visible()
    expect(korean.get_by_text("· 끝남").first).to_be_visible(timeout=240_000)
    expect(page.get_by_text("· finished").first).to_be_visible()

    korean.get_by_role("tab", name="그리기", exact=True).click()
    korean.wait_for_url(re.compile(r"tab=Draw"))  # the same address in every language
    draw(korean, SEVEN)
    expect(korean.get_by_label("답: 7")).to_be_visible()
    korean.get_by_role("radiogroup").get_by_text("English", exact=True).click()
    korean.wait_for_url(re.compile(r"lang=en"))
    expect(korean.get_by_role("tab", name="Draw", exact=True)).to_have_attribute("aria-selected", "true")
    expect(korean.get_by_label("The answer: 7")).to_be_visible()  # the drawing stayed
    expect(korean.get_by_role("combobox", name="Network")).to_have_value("best (ships with the project)")
    expect(korean.locator("html")).to_have_attribute("lang", "en")
    korean.reload()
    expect(korean.get_by_role("tab")).to_have_text(["Train", "Evaluate", "Draw"])
    wait_idle(page)
    expect(page.get_by_role("tab")).to_have_text(["Train", "Evaluate", "Draw"])
