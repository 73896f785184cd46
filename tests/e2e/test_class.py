"""A teacher with a board and a page, and a student, on one server."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.benchmarks.server import Server
from tests.e2e.test_page import READY_CANVAS, SEVEN, canvas_box, expect_answer, open_tab, wait_idle
from vgg_demo.runs.store import Run

pytestmark = pytest.mark.e2e


def expect_tab(page: Page, name: str) -> None:
    expect(page.get_by_role("tab", name=name, exact=True)).to_have_attribute("aria-selected", "true")


def open_by_hand(page: Page, tab: str) -> None:
    page.get_by_role("tab", name=tab, exact=True).click()
    expect_tab(page, tab)
    wait_idle(page)


def test_student_follows_the_teacher_until_he_chooses_and_locks_hide_the_settings(
    page: Page, other: Page, server: Server, trained_run: Run
) -> None:
    board, student = page, other
    board.goto(f"{server.url}/?view=board")
    expect(board.get_by_text("Students follow me")).to_be_visible()
    with student.expect_websocket(lambda socket: socket.url.endswith("/class")) as opened:
        open_tab(student, server)
    messages = opened.value
    expect(student.get_by_text("Settings", exact=True)).to_be_visible()
    teacher = board.context.new_page()
    open_tab(teacher, server, "Evaluate")
    expect(board.get_by_text("2browsers are here")).to_be_visible()

    board.get_by_text("Students follow me").click()
    expect(teacher.get_by_text("Students follow this page.")).to_be_visible()
    expect_tab(student, "Evaluate")
    open_by_hand(teacher, "Draw")
    expect_tab(student, "Draw")
    expect(student.get_by_text("This page follows your teacher.")).to_be_visible()

    student.locator(READY_CANVAS).wait_for()
    box, (first, *others) = canvas_box(student), SEVEN[0]
    student.mouse.move(box["x"] + first[0], box["y"] + first[1])
    student.mouse.down()
    with messages.expect_event("framereceived", lambda text: '"place": "Train/' in text):
        open_by_hand(teacher, "Train")
    for x, y in others:  # the pen is down all the time; the server knows of no stroke yet
        student.mouse.move(box["x"] + x, box["y"] + y, steps=8)
    student.mouse.up()
    expect(student.get_by_text("Your drawing stays here.")).to_be_visible()
    expect_answer(student, 7)
    expect_tab(student, "Draw")  # asked, not moved
    expect(student.get_by_text("Draw here")).to_be_hidden()  # the ink is still there
    student.get_by_role("button", name="Go there").click()
    expect_tab(student, "Train")
    expect(student.get_by_text(f"{trained_run.name} · finished")).to_be_visible()

    open_by_hand(student, "Draw")
    expect_answer(student, 7)
    expect(student.get_by_role("button", name="Follow again")).to_be_visible()
    open_by_hand(teacher, "Evaluate")
    expect_tab(student, "Draw")
    student.get_by_role("button", name="Follow again").click()
    expect_tab(student, "Evaluate")

    board.get_by_role("button", name="What students get").click()
    board.get_by_role("combobox", name="Hidden from students").click()
    board.get_by_role("option", name="the settings").click()
    open_by_hand(student, "Train")
    expect(student.get_by_role("button", name="Start training")).to_be_visible()
    expect(student.get_by_text("Settings", exact=True)).to_have_count(0)
