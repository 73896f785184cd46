"""Looking into the network in a real browser: choose a layer, follow a number, switch something off."""

from __future__ import annotations

import re

import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from tests.benchmarks.server import Server
from tests.e2e.test_page import SEVEN, draw, expect_answer, open_tab, wait_idle
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.runs.checkpoints import find_checkpoint

pytestmark = pytest.mark.e2e


def slab(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=re.compile(re.escape(name)))


def number(text: str) -> float:
    """What a number of the page stands for: 1.5·10⁻⁷ is 1.5e-7."""
    match = re.fullmatch(r"(\N{MINUS SIGN}?)([\d.,]*?)·?(?:10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+))?", text)
    assert match, text
    sign, digits, power = match.groups()
    raised = (power or "0").translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-"))
    return (-1 if sign else 1) * float(digits.replace(",", "") or 1) * 10 ** int(raised)


def numbers(table: Locator) -> list[float]:
    return [number(cell) for cell in table.locator("td").all_inner_texts()]


def bold_numbers(page: Page, text: str) -> list[float]:
    line = page.locator("[data-testid=stMarkdown]", has_text=text).last
    return [number(bold) for bold in line.locator("strong").all_inner_texts()]


def open_network(page: Page, server: Server) -> None:
    open_tab(page, server, "Draw")
    draw(page, SEVEN)
    expect_answer(page, 7)
    page.get_by_text("The network", exact=True).click()
    expect(slab(page, "Block 1, convolution 2")).to_be_visible()


def test_layer_chosen_with_the_mouse_and_the_keyboard_says_what_it_does(page: Page, server: Server) -> None:
    open_network(page, server)

    slab(page, "Block 2, convolution 1").click()
    expect(page.get_by_text("slides a kernel of 3×3 pixels over all 32 input channels")).to_be_visible()

    wait_idle(page)  # a page that is drawn anew would take the focus away
    slab(page, "Block 1, max-pool").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("It keeps the largest of each 2×2 pixels")).to_be_visible()
    expect(slab(page, "Block 1, max-pool")).to_have_attribute("aria-pressed", "true")


def test_layer_tapped_on_a_phone_says_what_it_does(phone: Page, server: Server) -> None:
    open_tab(phone, server)

    slab(phone, "Block 2, convolution 1").tap()

    expect(phone.get_by_text("slides a kernel of 3×3 pixels over all 16 input channels")).to_be_visible()


def test_number_of_a_convolution_adds_up_from_the_networks_own_weights(page: Page, server: Server) -> None:
    open_network(page, server)
    slab(page, "Block 1, convolution 2").click()
    page.get_by_text("One number by hand", exact=True).click()
    tables = page.locator(".sums table")
    expect(tables).to_have_count(3)
    wait_idle(page)
    channel = page.get_by_label(re.compile("^Input channel"))
    given = int(channel.input_value())

    patch, kernel, products = (numbers(tables.nth(place)) for place in range(3))

    real = load_checkpoint(find_checkpoint("best"))[0].get_parameter("features.3.weight")[0, given]
    torch.testing.assert_close(torch.tensor(kernel).view(3, 3), real.detach(), rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(torch.tensor(products), torch.tensor(patch) * torch.tensor(kernel), rtol=2e-3, atol=1e-4)
    own, others, bias, whole, *_after = bold_numbers(page, "sum of the nine products")
    assert own == pytest.approx(sum(products), abs=5e-3)
    assert whole == pytest.approx(own + others + bias, abs=5e-3)


def test_channels_switched_off_change_the_accuracy_and_all_on_again_brings_it_back(page: Page, server: Server) -> None:
    open_network(page, server)
    slab(page, "Block 1, convolution 1").click()
    page.get_by_text("Switch it off", exact=True).click()
    accuracy = page.get_by_test_id("stMetricValue")
    before = accuracy.inner_text()

    wait_idle(page)  # a page that is drawn anew would take the focus away
    slider = page.get_by_role("slider", name="Smallest weights set to 0")
    slider.focus()
    page.keyboard.press("End")
    expect(accuracy).not_to_have_text(before)
    lowest = float(accuracy.inner_text().split()[0])
    assert lowest < 30  # without its first layer the network sees nothing

    page.get_by_role("button", name="All on again").click()
    wait_idle(page)
    expect(accuracy).to_have_text(before)
