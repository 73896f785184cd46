"""What was opened stays open, and what is refused says why."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.test_app import click, going_on_elsewhere, open_list, over, set_field, texts


@pytest.mark.parametrize(
    "key", ["settings", "data_view", "network_view", "train_code", "runs_list", "teacher_corner", "lesson"]
)
def test_app_expander_stays_as_it_was_left_while_another_tab_is_looked_at(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("VGG_DEMO_TEACHER_CODE", "a code")
    over("mine")
    app.run()

    for is_open in (True, False):
        app.session_state[key] = is_open
        for tab in ("Train", "Draw", "Train"):
            app.session_state["tab"] = tab
            app.run()
            assert not app.exception
        shown = [box.proto.expanded for box in app.expander if box.proto.id.endswith(f"-{key}")]
        assert shown == [is_open]


def test_app_list_of_runs_keeps_its_title_when_there_are_more(app: AppTest) -> None:
    over("one")
    open_list(app)
    title = [box.label for box in app.expander if box.label.startswith("All runs")]
    assert "1 of 1 run" in texts(app)

    over("two")
    app.run()

    assert title == [box.label for box in app.expander if box.label.startswith("All runs")]
    assert "2 of 2 runs" in texts(app)


def test_app_refused_setting_says_why_and_goes_back(app: AppTest) -> None:
    app.run()
    for name, value, said in (("image_size", 100_000, "and 512 pixels"), ("epochs", 0, "epochs"), ("seed", -1, "seed"),
                              ("learning_rate", 0.0, "it is above 0")):  # fmt: skip
        set_field(app, name, value)
        app.run()

        assert not app.exception
        assert said in app.error[0].value
        assert app.button(key="start").disabled
        click(app, "Back to the preset's settings")
        assert not app.error
        assert not app.button(key="start").disabled
    assert app.number_input(key="set-classroom-image_size").value == 18


@pytest.mark.parametrize("value", [0.0, -1.0, 101.0])
def test_app_refused_learning_rate_says_why_and_is_not_sent(app: AppTest, value: float) -> None:
    run = going_on_elsewhere()
    run.update_status(owner=None)
    app.run()

    app.number_input(key="new_learning_rate").set_value(value)
    click(app, "Set")

    assert "it is above 0 and at most 100" in app.error[0].value
    assert not run.control_path.is_file() or "learning_rate" not in run.control_path.read_text("utf-8")
