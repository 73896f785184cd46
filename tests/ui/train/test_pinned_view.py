"""The digits of a run on the Train tab, without a browser."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers import run_of_shipped_network
from vgg_demo.data import Digits
from vgg_demo.runs.pinned import PinnedDigit, pin, pinned_digits
from vgg_demo.runs.store import Run, create_run, get_run


@pytest.fixture
def seven(mnist: tuple[Digits, Digits]) -> PinnedDigit:
    """The first test digit."""
    return PinnedDigit(bytes(mnist[1].images[0].flatten().tolist()), 7)


@pytest.fixture
def finished(app: AppTest) -> Run:
    """A run with the shipped network's weights."""
    run = run_of_shipped_network()
    app.query_params["run"] = "mine"
    return run


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption))


def bars(app: AppTest) -> str:
    return "\n".join(html.value for html in app.get("html") if "data-digit" in html.value)


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def test_run_without_pinned_digits_shows_nothing_of_them(app: AppTest, finished: Run) -> None:
    app.run()

    assert not app.exception
    assert not bars(app)
    assert not any("digit" in label for label in labels(app))


def test_digit_pinned_to_a_finished_run_is_read_by_its_checkpoint(
    app: AppTest, finished: Run, seven: PinnedDigit
) -> None:
    app.session_state["pinned_digits"] = {seven.id: seven}
    app.run()
    assert not bars(app)

    next(button for button in app.button if button.label == "Watch your digits in this run (1)").click().run()

    assert not app.exception
    assert pinned_digits(finished) == (seven,)
    assert "Your 7: read as 7, " in bars(app)
    assert "It has read this 7 right" in texts(app)
    next(button for button in app.button if button.label == "Remove 1: Your 7").click().run()
    assert not app.exception
    assert not bars(app)


def test_runs_laid_over_each_other_say_when_each_read_the_digit_right(
    app: AppTest, finished: Run, seven: PinnedDigit
) -> None:
    other = create_run(finished.config(), "other")
    other.update_status(state="finished")
    for run, answer in ((finished, 7), (other, 1)):
        pin(run, seven)
        row = {"id": seven.id, "probabilities": [float(digit == answer) for digit in range(10)]}
        lines = [{"event": "probabilities", "step": step, "digits": [row]} for step in (0, 40)]
        run.metrics_path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    app.session_state["overlay"] = ["other"]
    app.session_state["runs_list"] = True

    app.run()

    assert not app.exception
    table = next(table.value for table in app.table if "this digit" in table.value.columns)
    assert table["this digit"].to_dict() == {
        "mine": "It has read this 7 right from step 0 on.",
        "other": "It never read this 7 right; its last answer is 1 (100.0 %).",
    }


def test_run_started_by_this_browser_watches_its_digits(
    app: AppTest, seven: PinnedDigit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vgg_demo.runs.manager.dispatch", lambda: None)
    monkeypatch.setattr("vgg_demo.ui.train.live.dispatch", lambda: None)
    app.session_state["pinned_digits"] = {seven.id: seven}
    app.run()
    assert "Your next training watches 1 of your digits." in texts(app)

    next(button for button in app.button if button.label == "Start training").click().run()

    assert not app.exception
    assert pinned_digits(get_run("classroom-1")) == (seven,)
    assert "It watches these digits from the first step on." in texts(app)
    assert "Your 7: not read yet" in bars(app)


def test_label_that_is_changed_in_draw_reaches_the_own_runs_that_watch_the_digit(
    app: AppTest, finished: Run, seven: PinnedDigit
) -> None:
    other = create_run(finished.config(), "other", owner="somebody")
    app.session_state["tab"] = "Draw"
    app.session_state["draw_image"] = np.frombuffer(seven.pixels, np.uint8).reshape(28, 28)
    app.run()
    next(button for button in app.button if button.label == "Watch it while training").click().run()
    finished.update_status(owner=hashlib.sha256(app.session_state["browser"].encode()).hexdigest()[:32])
    for run in (finished, other):
        pin(run, *app.session_state["pinned_digits"].values())

    next(box for box in app.selectbox if box.label == "It is meant as").select(1).run()
    app.session_state["tab"] = "Train"
    app.run()

    assert not app.exception
    assert [digit.label for run in (finished, other) for digit in pinned_digits(run)] == [1, 7]
    assert "It never read this 1 right" in texts(app)


def test_digit_on_the_draw_tab_is_kept_with_the_label_that_the_person_gives(app: AppTest, seven: PinnedDigit) -> None:
    app.query_params["tab"] = "Draw"
    app.session_state["draw_image"] = np.frombuffer(seven.pixels, np.uint8).reshape(28, 28)
    app.run()

    next(button for button in app.button if button.label == "Watch it while training").click().run()
    next(box for box in app.selectbox if box.label == "It is meant as").select(1).run()

    assert not app.exception
    (digit,) = app.session_state["pinned_digits"].values()
    assert digit.label == 1
    next(button for button in app.button if button.label == "Forget it").click().run()
    assert not app.session_state["pinned_digits"]
    assert "Watch it while training" in labels(app)
