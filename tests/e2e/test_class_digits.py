"""Two students and a teacher collect digits, evaluate a network on them and train with them, in real browsers."""

from __future__ import annotations

import contextlib
import re

import pytest
import torch
from playwright.sync_api import Page, TimeoutError, expect

from tests.benchmarks.server import Server
from tests.collection.hands import DIGITS, fill, list_collections
from tests.e2e.test_page import READY_CANVAS, draw, draw_by_touch, open_tab, wait_idle
from tests.helpers import TINY, wait_until
from vgg_demo.checkpoint import save_checkpoint
from vgg_demo.collection.store import Collection
from vgg_demo.model import VGG
from vgg_demo.runs.class_digits import read_class_digits
from vgg_demo.runs.store import Run, create_run

pytestmark = pytest.mark.e2e


def open_collection(teacher: Page, server: Server) -> Collection:
    open_tab(teacher, server, "Draw")
    teacher.get_by_text("Collect digits from the class").click()
    teacher.get_by_role("textbox", name="Title").fill("3b")
    teacher.get_by_role("button", name="Open a collection").click()
    expect(teacher.get_by_text("Nothing has been drawn yet")).to_be_visible()
    return list_collections()[0]


def draw_what_is_asked(student: Page, count: int, is_touch: bool) -> None:
    """Draw and send so many digits; each time another canvas comes, which is empty."""
    for number in range(1, count + 1):
        heading = student.get_by_role("heading", name=re.compile(r"^Draw a \d$"))
        asked = int(heading.inner_text().split()[-1])
        width = student.locator(READY_CANVAS).evaluate("canvas => canvas.getBoundingClientRect().width")
        strokes = [[(round(x * width / 280), round(y * width / 280)) for x, y in stroke] for stroke in DIGITS[asked]]
        (draw_by_touch if is_touch else draw)(student, strokes)
        wait_idle(student)
        student.get_by_role("button", name="Send").click()
        expect(student.get_by_text(f"{number} of 20 kept")).to_be_visible()
        expect(student.get_by_text("Draw here")).to_be_visible()


def join(student: Page, server: Server) -> None:
    open_tab(student, server, "Draw")
    student.get_by_role("button", name="Draw for the class").click()
    expect(student.get_by_text("0 of 20 kept")).to_be_visible()


def test_two_students_and_a_teacher_collect_evaluate_and_train(
    page: Page, other: Page, phone: Page, server: Server
) -> None:
    run = create_run(TINY, "small")
    torch.manual_seed(0)
    save_checkpoint(run.checkpoint_path, VGG(TINY.model), TINY, {})
    run.update_status(state="finished")
    collection = open_collection(page, server)

    for student, is_touch in ((other, False), (phone, True)):
        join(student, server)
        draw_what_is_asked(student, 2, is_touch)
    other.get_by_role("button", name="Send").click()
    expect(other.get_by_text("It was not kept: there is too little on the canvas").first).to_be_visible()
    phone.reload()
    expect(phone.get_by_text("2 of 20 kept")).to_be_visible()  # a student who comes back goes on

    expect(page.get_by_text("Drawings: 4 · hands: 2")).to_be_visible()
    contents = collection.contents()
    first = next(iter(contents.drawings.values()))
    page.get_by_role("button", name=re.compile(f"^{first.digit}, hand")).first.click()
    expect(page.get_by_text("Drawings: 3 · hands: 2 · left out: 1")).to_be_visible()
    assert collection.contents().left_out == {first.id}
    page.get_by_role("button", name="Leave out all of this hand").click()  # of the one that was clicked
    expect(page.get_by_text("Drawings: 2 · hands: 2 · left out: 2")).to_be_visible()
    page.get_by_role("button", name="Take in all of this hand").click()
    expect(page.get_by_text("Drawings: 4 · hands: 2")).to_be_visible()
    page.get_by_role("button", name=re.compile(f"^{first.digit}, hand")).first.click()
    expect(page.get_by_text("Drawings: 3 · hands: 2 · left out: 1")).to_be_visible()
    fill(collection, hands=2)

    page.get_by_role("tab", name="Evaluate").click()
    page.get_by_role("radio", name="Your own digits").click()
    expect(page.get_by_text("Drawings: 23 · hands: 4")).to_be_visible()
    page.get_by_role("button", name="Evaluate on your own digits").click()
    expect(page.get_by_role("cell", name="MNIST's test digits")).to_be_visible()
    page.get_by_role("radio", name="By digit and by hand").click()
    expect(page.get_by_role("combobox", name="Misread digits of")).to_be_visible()

    page.get_by_role("tab", name="Train").click()
    wait_idle(page)
    page.get_by_text("Train with the class's digits").click()
    expect(page.get_by_role("button", name="Train with them")).to_be_visible()
    choose(page, "Network to start from", "small")
    page.get_by_role("button", name="Train with them").click()
    page.wait_for_url(re.compile("run=class-digits-1"))
    expect(
        page.get_by_text(re.compile("It started from small and learned from 3 hands of 3b; held out: 1 hand"))
    ).to_be_visible()
    expect(page.get_by_text(re.compile(r"(For new hands|reads new hands).*MNIST.*McNemar's test"))).to_be_visible()
    trained = Run(server.home / "class-digits-1")
    wait_until(lambda: trained.status().is_over)
    assert len(read_class_digits(trained).digits) == 23


def choose(page: Page, label: str, option: str) -> None:
    """Choose from a list; it is opened again where a page that was drawn anew has closed it."""
    box, line = page.get_by_role("combobox", name=label), page.get_by_role("option", name=option, exact=True)

    def is_open() -> bool:
        wait_idle(page)
        box.click()
        with contextlib.suppress(TimeoutError):
            line.click(timeout=3_000)
        return box.input_value() == option

    wait_until(is_open)
    wait_idle(page)
