"""What is set stands in the page's address, so that it is a link and survives a reload."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers import PAGE
from tests.ui.test_app import CLASSROOM, click, going_on_elsewhere, labels, over, set_field, texts
from vgg_demo.config import RunConfig
from vgg_demo.presets import PRESETS, get_preset
from vgg_demo.runs.class_settings import ClassSettings, write_class_settings
from vgg_demo.runs.cost import record_speed
from vgg_demo.runs.store import list_runs

CHANGES = {
    "plan": "vgg7", "width": 0.125, "image_size": 32, "batch_norm": False, "dropout": 0.5, "batch_size": 16,
    "epochs": 2, "augment": 0.2, "validation_images": 1000, "seed": 5, "optimizer": "sgd", "learning_rate": 0.02,
    "weight_decay": 0.001,
}  # fmt: skip
ADDRESS = ("preset", *CHANGES, "steps", "label_smoothing", "schedule", "init", "handwriting_styles", "restyle")


def address(app: AppTest) -> dict[str, str]:
    """The settings in the address; a browser keeps it when the session is gone."""
    return {
        name: value if isinstance(value, str) else value[-1]
        for name, value in app.query_params.items()
        if name in ADDRESS
    }


def opened(app: AppTest, **settings: str) -> AppTest:
    """A new session of the page with these settings in its address."""
    again = AppTest.from_file(PAGE, default_timeout=60)
    for name, value in settings.items():
        again.query_params[name] = value
    again.run()
    assert not again.exception
    return again


def test_address_of_a_page_where_nothing_was_set_is_empty(app: AppTest) -> None:
    app.run()

    assert address(app) == {}


def test_settings_changed_are_restored_from_the_address_alone(app: AppTest) -> None:
    record_speed(CLASSROOM.with_changes(**CHANGES), 0.01)
    write_class_settings(ClassSettings(queue_paused=True))  # what is started waits
    app.run()
    for name, value in CHANGES.items():
        set_field(app, name, value)
    app.run()

    again = opened(app, **address(app))
    again.button(key="start").click().run()

    assert list_runs()[0].config() == CLASSROOM.with_changes(**CHANGES)
    assert address(again) == address(app)


def test_preset_chosen_is_restored_from_the_address(app: AppTest) -> None:
    app.run()
    app.selectbox(key="preset").set_value("fixed-mini").run()
    assert address(app) == {"preset": "fixed-mini"}

    again = opened(app, **address(app))

    assert again.selectbox(key="preset").value == "fixed-mini"


def test_steps_chosen_by_the_button_are_restored_from_the_address(app: AppTest) -> None:
    record_speed(CLASSROOM, 20.0)
    write_class_settings(ClassSettings(queue_paused=True))
    app.run()
    click(app, "Only 27 steps")

    again = opened(app, **address(app))
    again.button(key="start").click().run()

    assert list_runs()[0].config() == CLASSROOM.with_changes(steps=27)


def test_settings_reset_leave_the_address(app: AppTest) -> None:
    record_speed(CLASSROOM.with_changes(batch_size=16), 0.01)
    app.run()
    set_field(app, "batch_size", 16)
    app.run()
    assert address(app) == {"batch_size": "16"}

    click(app, "Back to the preset's settings")

    assert address(app) == {}


def test_link_of_an_earlier_version_is_read_and_written_with_current_names(app: AppTest) -> None:
    record_speed(CLASSROOM.with_changes(handwriting_styles=0.5), 0.01)

    again = opened(app, restyle="0.5")

    assert "handwriting_styles 0.5" in texts(again)
    assert address(again) == {"handwriting_styles": "0.5"}


def test_link_with_settings_says_what_is_other_than_the_preset(app: AppTest) -> None:
    again = opened(app, batch_size="16", label_smoothing="0.1")

    assert "batch_size 16, label_smoothing 0.1" in texts(again)
    assert "Back to the preset's settings" in labels(again)


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": "0"},
        {"batch_size": "x"},
        {"batch_size": ""},
        {"batch_size": "9" * 5000},
        {"learning_rate": "nan"},
        {"learning_rate": "inf"},
        {"learning_rate": "1e400"},
        {"image_size": "2"},
        {"batch_norm": "perhaps"},
        {"init": "![x](http://example.com/x.png)"},
        {"plan": "vgg16"},  # halves the image five times; classroom's has 20 pixels
        {"steps": "-1"},
        {"preset": "unheard-of"},
        {"preset": "unheard-of", "batch_size": "16"},
    ],
)
def test_wrong_settings_in_the_address_take_one_sentence_and_change_nothing(
    app: AppTest, wrong: dict[str, str]
) -> None:
    again = opened(app, **wrong)

    assert [toast.value for toast in again.toast] == [
        "The address asks for settings that make no sense; the preset's own are used."
    ]
    assert not again.error
    assert not again.button(key="start").disabled
    assert again.selectbox(key="preset").value == "classroom"
    assert address(again) == {}


@pytest.mark.parametrize(
    "unknown",
    [{"utm_source": "mail"}, {"lesson": "9" * 5000}, {"lesson": "x~y~z"}, {"tried": "~~~"}, {"tab": "Nowhere"}],
)
def test_unknown_parameters_in_the_address_do_nothing(app: AppTest, unknown: dict[str, str]) -> None:
    again = opened(app, **unknown)

    assert not [*again.toast, *again.error, *again.warning]


@pytest.mark.parametrize(("learning_rate", "epochs"), [(1e-9, 1000), (100.0, 1)])
def test_settings_at_the_ends_of_what_they_may_be_are_shown(app: AppTest, learning_rate: float, epochs: int) -> None:
    again = opened(app, learning_rate=str(learning_rate), epochs=str(epochs))

    assert again.number_input(key="set-classroom-learning_rate").value == learning_rate
    assert again.number_input(key="set-classroom-epochs").value == epochs


def test_run_of_the_smallest_learning_rate_can_be_steered(app: AppTest) -> None:
    run = going_on_elsewhere()
    run.config_path.write_text(json.dumps(CLASSROOM.with_changes(learning_rate=1e-9).to_dict()), "utf-8")
    run.update_status(owner=None)

    app.run()

    assert not app.exception
    assert app.number_input(key="new_learning_rate").value == 1e-9


def test_steps_hold_instead_of_epochs_until_they_are_taken_away(app: AppTest) -> None:
    record_speed(CLASSROOM, 20.0)
    record_speed(CLASSROOM.with_changes(epochs=2), 20.0)
    app.run()
    assert not app.number_input(key="set-classroom-epochs").disabled

    click(app, "Only 27 steps")

    assert app.number_input(key="set-classroom-epochs").disabled
    assert app.number_input(key="set-classroom-steps").value == 27
    assert "steps 27" in texts(app)
    app.number_input(key="set-classroom-steps").set_value(None).run()
    app.number_input(key="set-classroom-epochs").set_value(2).run()
    write_class_settings(ClassSettings(queue_paused=True))
    app.button(key="start").click().run()
    assert list_runs()[0].config() == CLASSROOM.with_changes(epochs=2)


@pytest.mark.parametrize(
    "config",
    [
        RunConfig("custom", CLASSROOM.model, CLASSROOM.train),
        RunConfig("withdrawn-preset", CLASSROOM.model, CLASSROOM.with_changes(label_smoothing=0.25, steps=9).train),
        get_preset("blog-mini").config.with_changes(channels=1, weight_decay=0.5, learning_rate=1e-8),
    ],
)
def test_new_run_with_the_settings_of_one_without_a_preset_starts_exactly_those(app: AppTest, config: Any) -> None:
    for preset in PRESETS.values():
        record_speed(preset.config.with_changes(**config.changes_from(preset.config)), 0.01)
    over("mine", config)
    write_class_settings(ClassSettings(queue_paused=True))
    app.run()

    click(app, "New run with its settings")
    app.button(key="start").click().run()

    assert not app.exception
    started = next(run for run in list_runs() if run.name != "mine").config()
    assert (started.model, started.train) == (config.model, config.train)
    assert started.preset in PRESETS


@pytest.mark.parametrize(("asked", "opened_tab"), [("draw", "Draw"), ("EVALUATE", "Evaluate"), ("train", "Train")])
def test_tab_in_the_address_is_found_in_any_case(app: AppTest, asked: str, opened_tab: str) -> None:
    app.query_params["tab"] = asked

    app.run()

    assert app.session_state["tab"] == opened_tab


def test_run_in_the_address_that_is_gone_is_said_to_be_gone(app: AppTest) -> None:
    over("mine")
    app.query_params["run"] = "unheard-of"

    app.run()

    assert [toast.value for toast in app.toast] == ["There is no such run here: it may have been deleted or renamed."]
    assert "**mine**" in texts(app)
