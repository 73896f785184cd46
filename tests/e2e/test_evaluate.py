"""From a number to the digits behind it, in a real browser."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.benchmarks.server import Server
from tests.e2e.test_page import click_only, expect_answer, open_tab, wait_idle
from tests.helpers import run_of_new_network
from tests.test_cli import vgg_demo
from vgg_demo.data import Digits
from vgg_demo.predictions import Predictions, load_predictions
from vgg_demo.presets import get_preset
from vgg_demo.runs.store import Run
from vgg_demo.ui.evaluate.charts import MATRIX_BOTTOM, MATRIX_LEFT, MATRIX_RIGHT, MATRIX_TOP

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def command_line(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Predictions]:
    """What the command line says of the shipped model: its figures, and every answer."""
    path = tmp_path_factory.mktemp("answers") / "answers.safetensors"
    figures = json.loads(vgg_demo("evaluate", "--json", "--answers", path).stdout)
    answers = load_predictions(path)
    assert answers is not None
    return figures, answers


@pytest.fixture(scope="module")
def answers(command_line: tuple[dict[str, Any], Predictions]) -> Predictions:
    """What the shipped model answers, computed here."""
    return command_line[1]


@pytest.fixture(scope="module")
def cells(answers: Predictions) -> list[tuple[int, int]]:
    """The cells with the most mistakes, as (true digit, answer)."""
    wrong = [(t, a) for t in range(10) for a in range(10) if t != a and answers.matrix[t][a]]
    return sorted(wrong, key=lambda cell: -answers.matrix[cell[0]][cell[1]])


def evaluate_shipped(page: Page, server: Server) -> None:
    """Open the tab: the shipped network's answers come with the project."""
    open_tab(page, server, "Evaluate")
    expect(page.get_by_text("/ 10,000")).to_be_visible()
    wait_idle(page)


def matrix(page: Page) -> Locator:
    """The chart; it has layers, so that clicks are forced through to whichever lies on top."""
    return page.locator(".st-key-confusion canvas").first


def click_cell(page: Page, true: int, answer: int) -> None:
    """Click a cell of the chart."""
    matrix(page).click(force=True, position=cell_place(page, true, answer))  # type: ignore[arg-type]


def cell_place(page: Page, true: int, answer: int) -> dict[str, float]:
    """Where a cell lies in the chart, once the chart has come to rest in its place."""
    box, before = matrix(page).bounding_box(), None
    while box != before or box is None:
        page.wait_for_timeout(500)
        box, before = matrix(page).bounding_box(), box
    width = (box["width"] - MATRIX_LEFT - MATRIX_RIGHT) / 10
    height = (box["height"] - MATRIX_TOP - MATRIX_BOTTOM) / 10
    return {"x": MATRIX_LEFT + (answer + 0.5) * width, "y": MATRIX_TOP + (true + 0.5) * height}


def choose_by_keyboard(page: Page, label: str, digit: int) -> None:
    """Tab to the box, type the digit, and press Enter: no mouse."""
    box = page.get_by_role("tabpanel").get_by_label(label).locator("visible=true").first
    box.focus()
    page.keyboard.type(str(digit))
    page.keyboard.press("Enter")
    wait_idle(page)


def expect_images(page: Page, true: int, answer: int, answers: Predictions, mnist: tuple[Digits, Digits]) -> None:
    """The cell's images are on the page, most confident first, and the data agree with their labels."""
    count = answers.matrix[true][answer]
    images = f"{count:,} images" if count > 1 else "one image"
    expect(page.get_by_text(f"{true} read as {answer}: {images}")).to_be_visible()
    wait_idle(page)
    alts = [image.get_attribute("alt") or "" for image in page.locator(".tile img").all()]
    shown = [int(re.search(r"image (\d+):", alt)[1]) for alt in alts]  # type: ignore[index]
    assert all(f"{true} read as {answer}" in alt for alt in alts)
    assert all(int(mnist[1].labels[index]) == true for index in shown)
    assert shown == answers.cell(true, answer)[:6].tolist()


def test_shipped_model_evaluated_shows_the_command_lines_figures(
    page: Page, server: Server, command_line: tuple[dict[str, Any], Predictions]
) -> None:
    figures = command_line[0]

    evaluate_shipped(page, server)

    expect(page.get_by_text(f"{figures['accuracy'] * 100:.2f} %", exact=True)).to_be_visible(timeout=60_000)
    expect(page.get_by_text(f"{figures['correct']:,} / 10,000")).to_be_visible()
    expect(page.get_by_label(re.compile("^Confusion matrix. Most common mistakes"))).to_be_visible()
    page.reload()  # the result is remembered
    expect(page.get_by_text(f"{figures['correct']:,} / 10,000")).to_be_visible()


def test_evaluate_it_on_a_finished_run_evaluates_without_a_second_click(
    page: Page, server: Server, trained_run: Run
) -> None:
    page.goto(f"{server.url}/?run={trained_run.name}")

    page.get_by_role("button", name="Evaluate it").click()

    expect(page.get_by_text("/ 1,000")).to_be_visible()  # the validation digits; the test digits stay closed


def test_cell_clicked_with_the_mouse_shows_its_images(
    page: Page, server: Server, answers: Predictions, cells: list[tuple[int, int]], mnist: tuple[Digits, Digits]
) -> None:
    evaluate_shipped(page, server)
    for true, answer in cells[:2]:
        click_cell(page, true, answer)

        expect_images(page, true, answer, answers, mnist)


def test_cell_tapped_on_a_phone_shows_its_images(
    phone: Page, server: Server, answers: Predictions, cells: list[tuple[int, int]], mnist: tuple[Digits, Digits]
) -> None:
    evaluate_shipped(phone, server)

    matrix(phone).tap(force=True, position=cell_place(phone, *cells[0]))  # type: ignore[arg-type]

    expect_images(phone, *cells[0], answers, mnist)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_cell_chosen_by_keyboard_shows_its_images(
    page: Page, server: Server, answers: Predictions, cells: list[tuple[int, int]], mnist: tuple[Digits, Digits]
) -> None:
    evaluate_shipped(page, server)
    true, answer = cells[1]

    choose_by_keyboard(page, "True digit", true)
    choose_by_keyboard(page, "The network's answer", answer)

    expect_images(page, true, answer, answers, mnist)


def test_matrix_has_a_table_behind_it(page: Page, server: Server, answers: Predictions) -> None:
    evaluate_shipped(page, server)

    page.get_by_text("The matrix as a table").click()

    rows = page.locator(".st-key-matrix_table").get_by_role("row")
    expect(rows).to_have_count(11)
    numbers = [[int(cell.replace(",", "")) for cell in re.findall(r"[\d,]+", row)] for row in rows.all_inner_texts()]
    assert [row[-10:] for row in numbers[1:]] == answers.matrix


def test_image_sent_to_draw_is_read_there_and_the_canvas_comes_back(
    page: Page, server: Server, answers: Predictions, cells: list[tuple[int, int]]
) -> None:
    evaluate_shipped(page, server)
    true, answer = cells[0]
    click_cell(page, true, answer)
    index = int(answers.indices[answers.cell(true, answer)[0]])

    page.get_by_role("button", name="Send to Draw").first.click()

    expect(page.get_by_role("tab", name="Draw")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text(f"test image {index}: {true} read as {answer}").locator("visible=true")).to_be_visible()
    expect(page.get_by_label(re.compile("^The answer: "))).to_be_visible()
    expect(page.locator(".st-key-sketch")).to_be_hidden()
    page.get_by_role("button", name="Back to the canvas").click()
    expect(page.locator(".st-key-sketch canvas.upper-canvas")).to_be_visible()
    expect(page.get_by_text("The canvas is empty")).to_be_visible()


def test_right_image_sent_to_draw_is_read_as_itself(page: Page, server: Server, answers: Predictions) -> None:
    evaluate_shipped(page, server)
    click_cell(page, 7, 7)
    expect(page.get_by_text("7 read as 7:")).to_be_visible()

    page.get_by_role("button", name="Send to Draw").first.click()

    expect_answer(page, 7)


def test_report_opens_without_a_network_and_has_the_figures(
    page: Page, server: Server, browser: Browser, answers: Predictions, tmp_path: Path
) -> None:
    evaluate_shipped(page, server)
    page.get_by_text("Take it along", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Report (HTML)").click()
    download.value.save_as(tmp_path / "report.html")

    context = browser.new_context(offline=True)
    report = context.new_page()
    asked: list[str] = []
    report.on("request", lambda request: asked.append(request.url))
    report.goto((tmp_path / "report.html").as_uri())

    expect(report.get_by_text(f"{int(answers.is_right.sum()):,} of 10,000 images are read right")).to_be_visible()
    assert all(url.startswith(("file:", "data:")) for url in asked)
    assert report.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert report.evaluate("document.images.length") == 2 + min(60, int((~answers.is_right).sum()))
    context.close()


def test_zip_of_ones_own_digits_is_evaluated_and_bad_files_are_listed(
    page: Page, server: Server, mnist: tuple[Digits, Digits], tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        for index in range(10):
            file = io.BytesIO()
            Image.fromarray(255 - mnist[1].images[index, 0].numpy()).resize((90, 90)).save(file, "PNG")
            archive.writestr(f"own/{int(mnist[1].labels[index])}/{index}.png", file.getvalue())
        archive.writestr("own/3/broken.png", b"no picture")
    open_tab(page, server, "Evaluate")

    page.get_by_text("Your own digits", exact=True).click()
    page.locator("input[type=file]").first.set_input_files(tmp_path / "own.zip")
    page.get_by_role("button", name="Evaluate on your own digits").click()

    expect(page.get_by_text("10 pictures are used, 1 file is left out")).to_be_visible()
    expect(page.get_by_text("10 / 10")).to_be_visible()


def test_run_s_test_result_is_revealed_and_counted(page: Page, server: Server) -> None:
    run_of_new_network(get_preset("classroom").config)
    open_tab(page, server, "Evaluate")
    page.get_by_role("tabpanel").get_by_label("Network", exact=True).locator("visible=true").click()
    page.get_by_role("option", name="mine", exact=True).click()
    expect(page.get_by_role("button", name="Evaluate on the validation digits")).to_be_visible()

    click_only(page.get_by_text("Test digits", exact=True))  # as the shipped network has it, too
    expect(page.get_by_text("This run's test result has not been looked at yet")).to_be_visible()
    page.get_by_role("button", name="Reveal the test result").click()

    expect(page.get_by_text("This run's test result was looked at once")).to_be_visible(timeout=240_000)
    expect(page.get_by_text("Test accuracy")).to_be_visible()
    page.reload()  # another session: closed again, and the look was counted
    expect(page.get_by_role("tab", name="Evaluate")).to_have_attribute("aria-selected", "true")
