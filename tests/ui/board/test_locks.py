"""What a link or the teacher hides."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.test_app import CLASSROOM, enter_teacher_code, labels, over, texts
from vgg_demo.presets import get_preset
from vgg_demo.runs.class_settings import ClassSettings, write_class_settings
from vgg_demo.runs.cost import record_speed
from vgg_demo.runs.store import list_runs
from vgg_demo.ui.shared.locks import names_in

LESSON = "A lesson in ten minutes"


@pytest.mark.parametrize(
    ("text", "expected", "made_sense"),
    [
        ("", set(), True),
        ("settings,lesson", {"settings", "lesson"}, True),
        (" Draw , presets,", {"draw", "presets"}, True),
        ("settings,wall", {"settings"}, False),
        ("<b>", set(), False),
        ("train,evaluate,draw,lesson", {"lesson"}, False),  # one tab stays
        ("x" * 5000, set(), False),
    ],
)
def test_names_in_an_address_are_those_that_can_be_hidden(text: str, expected: set[str], made_sense: bool) -> None:
    assert names_in(text) == (expected, made_sense)


def has_settings(app: AppTest) -> bool:
    return any(str(field.key).startswith("set-") for field in app.number_input)


def expanders(app: AppTest) -> str:
    return "\n".join(expander.label for expander in app.expander)


def test_link_hides_settings_and_lesson_and_starts_as_it_says(app: AppTest) -> None:
    record_speed(CLASSROOM.with_changes(batch_size=16), 0.01)
    write_class_settings(ClassSettings(queue_paused=True))
    app.query_params.update(hide="settings,lesson", batch_size="16")

    app.run()

    assert not has_settings(app)
    assert LESSON not in expanders(app)
    assert "Other than in the preset: batch_size 16." in texts(app)
    assert "Back to the preset's settings" not in labels(app)
    app.button(key="start").click().run()
    assert list_runs()[0].config() == CLASSROOM.with_changes(batch_size=16)


def test_link_without_hide_shows_everything(app: AppTest) -> None:
    app.run()

    assert has_settings(app)
    assert LESSON in expanders(app)
    assert not app.toast


@pytest.mark.parametrize("wrong", ["wall", "<script>", "train,evaluate,draw"])
def test_link_that_hides_what_there_is_not_takes_one_sentence_and_hides_nothing(app: AppTest, wrong: str) -> None:
    app.query_params["hide"] = wrong

    app.run()

    assert [toast.value for toast in app.toast] == [
        "The address asks to hide what cannot be hidden; that part of it is left out."
    ]
    assert not app.error
    assert has_settings(app)
    app.run()
    assert not app.toast


def test_tab_that_is_hidden_is_left_for_the_first_and_not_gone_to_again(app: AppTest) -> None:
    app.session_state["tab"] = "Draw"
    app.run()
    write_class_settings(ClassSettings(hidden=("draw",)))

    app.run()
    assert app.session_state["tab"] == "Train"
    app.session_state["tab"] = "Evaluate"
    app.run()
    app.session_state["tab"] = "Draw"  # as a button does that sends a digit there
    app.run()

    assert app.session_state["tab"] == "Evaluate"


def test_tab_in_the_address_that_is_hidden_opens_the_first_that_is_not(app: AppTest) -> None:
    write_class_settings(ClassSettings(hidden=("train",)))
    app.query_params.update(tab="Train", hide="draw")

    app.run()

    assert app.session_state["tab"] == "Evaluate"
    assert not app.toast


def test_class_preset_is_the_one_that_students_train_and_the_teacher_chooses(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VGG_DEMO_TEACHER_CODE", "Kreide-7")
    write_class_settings(ClassSettings(queue_paused=True, preset="blog-mini"))
    app.run()
    assert "Preset: **blog-mini**" in texts(app)
    assert not any(box.key == "preset" for box in app.selectbox)

    app.button(key="start").click().run()

    assert list_runs()[0].config() == get_preset("blog-mini").config
    enter_teacher_code(app, "Kreide-7")
    assert app.selectbox(key="preset").value == "blog-mini"


def test_presets_hidden_by_a_link_leave_the_one_that_it_names(app: AppTest) -> None:
    app.query_params.update(hide="presets", preset="lesson")

    app.run()

    assert "Preset: **lesson**" in texts(app)
    assert has_settings(app)


def test_result_of_a_run_offers_no_way_to_a_hidden_tab(app: AppTest) -> None:
    over("mine").checkpoint_path.write_bytes(b"weights")
    app.run()
    assert "Draw with it" in labels(app)

    write_class_settings(ClassSettings(hidden=("draw",)))
    app.run()

    assert "Draw with it" not in labels(app)
    assert "Evaluate it" in labels(app)
