"""The lesson, where its runs do not go as they should: it says what happened and offers the way on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers import PAGE
from tests.ui.test_app import click, going_on_elsewhere, texts
from tests.ui.train.test_diagnosis_view import FADING, ONE, recorded
from vgg_demo.config import RunConfig
from vgg_demo.presets import get_preset
from vgg_demo.runs.class_settings import ClassSettings, write_class_settings
from vgg_demo.runs.store import Run, create_run, delete_run, list_runs

BROKEN = get_preset("blog-mini").config.with_changes(steps=150)
FIRST_CHOICE = 0


def at_step(app: AppTest, number: int, *runs: str) -> AppTest:
    """The lesson at this step, guessed, with these runs."""
    app.query_params["lesson"] = "~".join([str(number), *runs, "", ""][:3])
    app.run()
    app.radio(key=f"lesson-guess-{number}").set_value(FIRST_CHOICE).run()
    assert not app.exception
    return app


def ended(config: RunConfig = BROKEN, **status: Any) -> Run:
    run = create_run(config)
    run.update_status(**{"state": "stopped", **status})
    return run


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"reason": "withdrawn before it started"}, "It was stopped at step 0 of 150"),
        ({}, "It was stopped at step 0 of 150"),
        ({"state": "failed", "reason": "the disk is full"}, "It failed at step 0 of 150"),
        ({"state": "finished"}, "Nothing was seen inside it"),
    ],
)
def test_lesson_whose_first_run_ended_early_says_so_and_trains_again(
    app: AppTest, home: Path, status: dict[str, Any], said: str
) -> None:
    run = ended(**status)
    write_class_settings(ClassSettings(queue_paused=True))

    at_step(app, 1, run.name)

    assert said in texts(app)
    assert "Training: step" not in texts(app)
    click(app, "Train it: 150 steps")
    again = next(r for r in list_runs() if r.name != run.name)
    assert again.config() == BROKEN
    assert app.query_params["lesson"] in (f"1~{again.name}~", [f"1~{again.name}~"])
    assert "waits for its turn" in texts(app)


def test_lesson_whose_mended_run_ended_early_says_so_and_trains_again(app: AppTest, home: Path) -> None:
    broken = recorded(BROKEN, FADING, ONE, [2.302] * 150)
    mended = ended(BROKEN.with_changes(init="he"))
    write_class_settings(ClassSettings(queue_paused=True))

    at_step(app, 4, broken.name, mended.name)

    assert "It was stopped at step 0 of 150" in texts(app)
    click(app, "Train it with He initialisation")
    assert next(iter(list_runs())).config() == BROKEN.with_changes(init="he")
    assert "waits for its turn" in texts(app)


@pytest.mark.parametrize("number", [2, 3, 5])
def test_lesson_later_without_a_finished_run_says_what_is_missing(app: AppTest, home: Path, number: int) -> None:
    run = ended()

    at_step(app, number, run.name, run.name)

    assert "Go back and train them first" in texts(app)
    assert "Training: step" not in texts(app)


def test_lesson_later_while_its_run_goes_on_waits_for_it(app: AppTest, home: Path) -> None:
    theirs = going_on_elsewhere()
    theirs.config_path.write_text(json.dumps(BROKEN.to_dict()), "utf-8")

    at_step(app, 2, theirs.name)

    assert "Training: step 0 of" in texts(app)
    assert "Go back" not in texts(app)


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_lesson_takes_no_run_of_another_network_that_has_the_name_now(app: AppTest, home: Path, number: int) -> None:
    other = recorded(get_preset("classroom").config, (0.2,) * 6, ONE, [2.302] * 150)
    app.session_state["lesson_looked"] = True

    at_step(app, number, other.name, other.name)

    assert "the loss is **" not in texts(app)
    assert ("Train it: 150 steps" in [button.label for button in app.button]) == (number == 1)
    assert ("Go back and train them first" in texts(app)) == (number > 1)


def test_lesson_whose_run_is_deleted_offers_to_train(app: AppTest, home: Path) -> None:
    run = ended()
    at_step(app, 1, run.name)
    delete_run(run)

    app.run()

    assert not app.exception
    assert [button for button in app.button if button.label == "Train it: 150 steps"]


def test_page_names_no_cause_while_the_lesson_asks_for_it(app: AppTest, home: Path) -> None:
    broken = recorded(BROKEN, FADING, ONE, [2.302] * 150)
    for number in (1, 2, 3, 4):
        app.query_params["lesson"] = f"{number}~{broken.name}~"
        app.run()

        assert not app.exception
        is_told = number == 4
        assert any("The input does not reach the output" in box.value for box in app.warning) == is_told
        assert any(button.key == "change-he" for button in app.button) == is_told
        opened = [box.proto.expanded for box in app.expander if box.label.startswith("Inside the network")]
        assert opened == [is_told]

    app.query_params["lesson"] = f"3~{broken.name}~"
    app.session_state["lesson"] = False  # shut: the page says what it finds
    app.run()
    assert app.warning


def test_lesson_hidden_stays_hidden_in_its_address_until_it_is_asked_for(app: AppTest, home: Path) -> None:
    broken = recorded(BROKEN, FADING, ONE, [2.302] * 150)
    at_step(app, 2, broken.name)
    click(app, "Hide the lesson")
    assert not [box for box in app.expander if box.label.startswith("A lesson")]
    assert app.warning

    later = AppTest.from_file(PAGE, default_timeout=60)
    later.query_params["lesson"] = app.query_params["lesson"]
    later.run()
    assert not [box for box in later.expander if box.label.startswith("A lesson")]
    click(later, "Show the lesson")

    assert "2 / 5" in texts(later)
    assert "Show the lesson" not in [button.label for button in later.button]
    assert later.query_params["lesson"] in (f"2~{broken.name}~", [f"2~{broken.name}~"])
