"""How long it takes to guess the teacher's code, and how long the teacher waits meanwhile."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from vgg_demo.ui.shared import code_attempts as module
from vgg_demo.ui.shared.code_attempts import CodeAttempts


class Clock:
    """Time that passes only when someone sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def guess(attempts: CodeAttempts, clock: Clock) -> float:
    """A wrong code from a browser that has nothing else to do; returns the seconds until it is checked."""
    wait = attempts.take_turn()
    assert wait is not None
    clock.now += wait
    attempts.count_failure()
    return wait


def test_first_code_is_checked_at_once(clock: Clock) -> None:
    assert CodeAttempts().take_turn() == 0


def test_codes_after_wrong_ones_wait_ever_longer_up_to_a_limit(clock: Clock) -> None:
    attempts = CodeAttempts()

    assert [guess(attempts, clock) for _ in range(8)] == [0, 2, 4, 8, 10, 10, 10, 10]
    assert attempts.count_failure() == 10


def test_codes_from_four_browsers_are_checked_as_slowly_as_from_one(clock: Clock) -> None:
    attempts, started, checked = CodeAttempts(), clock.now, 0
    while clock.now < started + 3600:
        waits = [wait for _browser in range(4) if (wait := attempts.take_turn()) is not None]
        for _wait in waits:
            attempts.count_failure()
        checked += len(waits)
        clock.now += max(waits)

    assert checked < 3600 / 10 + 10


def test_teacher_gets_in_soon_while_four_browsers_guess(clock: Clock) -> None:
    attempts = CodeAttempts()
    for _ in range(20):
        guess(attempts, clock)
    for _browser in range(4):
        attempts.take_turn()

    wait = attempts.take_turn()

    assert wait is not None
    assert wait <= 50


def test_code_is_not_checked_when_too_many_wait(clock: Clock) -> None:
    attempts = CodeAttempts()
    for _ in range(20):
        guess(attempts, clock)

    waits = [attempts.take_turn() for _browser in range(100)]

    assert [wait for wait in waits if wait is not None] == [10, 20, 30, 40, 50, 60]
    clock.now += 61
    assert attempts.take_turn() is not None  # those who were sent away hold nobody up


def test_wrong_codes_are_forgotten_after_a_while(clock: Clock) -> None:
    attempts = CodeAttempts()
    for _ in range(20):
        guess(attempts, clock)

    clock.now += module.FORGOTTEN_SECONDS + 1

    assert attempts.take_turn() == 0
    assert attempts.delay == module.FIRST_DELAY


ASKS_FOR_THE_CODE = """
import secrets
import streamlit as st
from vgg_demo.ui.shared import identity

st.session_state.setdefault("browser", secrets.token_hex(16))
identity.show_teacher_access()
"""


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the page, too."""
    monkeypatch.setenv("VGG_DEMO_TEACHER_CODE", "Kreide-7")
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr("vgg_demo.ui.shared.identity.time", clock)
    module.code_attempts.clear()
    return clock


def enter(app: AppTest, code: str) -> AppTest:
    return app.text_input(key="teacher_code").set_value(code).run()


def test_wrong_code_leaves_a_line_in_the_log_without_the_guess(waits: Clock, caplog: pytest.LogCaptureFixture) -> None:
    app = AppTest.from_string(ASKS_FOR_THE_CODE).run()

    with caplog.at_level(logging.WARNING):
        for code in ("Kreide-6", "Kreide-8"):
            enter(app, code)

    lines = [record.getMessage() for record in caplog.records if "teacher" in record.getMessage()]
    assert [line.partition(",")[0] for line in lines] == [
        "A wrong teacher's code: number 1",
        "A wrong teacher's code: number 2",
    ]
    assert not any("Kreide" in line for line in lines)
    assert [error.value for error in app.error] == ["That is not the code."]
    assert sum(waits.slept) >= 3


def test_code_of_the_teacher_is_taken_in_another_browser_after_wrong_ones(waits: Clock, tmp_path: Path) -> None:
    guesser, teacher = (AppTest.from_string(ASKS_FOR_THE_CODE).run() for _browser in range(2))
    for _ in range(10):
        enter(guesser, "wrong")
    waits.slept.clear()

    enter(teacher, "Kreide-7")

    assert "You are the teacher in this browser" in teacher.caption[0].value
    assert not any("You are the teacher" in caption.value for caption in guesser.run().caption)
    assert sum(waits.slept) <= 10


def test_code_is_not_checked_and_says_so_while_too_many_are_tried(waits: Clock) -> None:
    attempts = module.code_attempts()
    for _ in range(100):
        attempts.take_turn()
    app = AppTest.from_string(ASKS_FOR_THE_CODE).run()

    enter(app, "Kreide-7")

    assert not app.caption
    assert app.error[0].value == "Too many codes are being tried at the moment. Try again in a minute."
