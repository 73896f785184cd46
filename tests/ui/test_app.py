"""The page's states, without a browser."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import psutil
import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers import RunsHere, stop
from tests.runs.test_reader import line
from vgg_demo.architecture import count_parameters
from vgg_demo.config import RunConfig
from vgg_demo.presets import PRESETS, get_preset
from vgg_demo.runs.class_settings import ClassSettings, write_class_settings
from vgg_demo.runs.cost import record_speed
from vgg_demo.runs.processes import process_started
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.store import Run, create_run, delete_run, list_runs
from vgg_demo.ui.shared import resources
from vgg_demo.ui.train import runs_list

CLASSROOM = get_preset("classroom").config


def texts(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.info, *app.success, *app.error, *app.warning]
    return "\n".join(str(part.value) for part in parts)


@pytest.fixture
def finished_run(runs_here: RunsHere) -> Run:
    return runs_here.train(CLASSROOM.with_changes(width=0.05, batch_size=8, steps=20))


def test_app_on_first_start_says_what_to_do_and_shows_no_error(app: AppTest) -> None:
    app.run()

    assert not app.exception
    assert not app.error
    assert "Press **Start training**" in texts(app)
    assert app.selectbox(key="preset").value == "classroom"
    assert "takes about **11 s** here" in texts(app)  # 573 steps of 0.02 s
    assert [tab.label for tab in app.tabs] == ["Train", "Evaluate", "Draw"]


@pytest.mark.parametrize("name", list(PRESETS))
def test_app_with_each_preset_says_what_it_is(app: AppTest, name: str) -> None:
    app.run()

    app.selectbox(key="preset").set_value(name).run()

    assert PRESETS[name].what in texts(app)
    assert PRESETS[name].purpose[1:] in texts(app)  # its first letter is a capital, and GPU stays in capitals
    assert f"{count_parameters(PRESETS[name].config.model):,} parameters" in texts(app)


def test_app_says_how_long_it_takes_once_that_is_measured(
    app: AppTest, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = get_preset("classroom").config.with_changes(batch_size=95)
    app.run()
    app.number_input(key="set-classroom-batch_size").set_value(95).run()
    assert "measuring how long it takes here" in texts(app)

    monkeypatch.setattr(resources, "is_busy", lambda: True)
    app.run()
    assert "how long it takes here is measured when nothing trains" in texts(app)

    monkeypatch.setattr(resources, "is_busy", lambda: False)
    record_speed(changed, 0.02)
    app.run()
    assert "takes about **12 s** here" in texts(app)


def test_app_with_a_finished_run_shows_its_result_and_the_way_on(app: AppTest, finished_run: Run) -> None:
    app.run()

    assert f"**{finished_run.name}** · finished" in texts(app)
    assert "of the validation digits are read right" in texts(app)
    assert {button.label for button in app.button} >= {"Start training", "Evaluate it", "Draw with it"}


def test_app_asked_to_evaluate_a_run_opens_that_tab_with_it(app: AppTest, finished_run: Run) -> None:
    app.run()

    next(button for button in app.button if button.label == "Evaluate it").click().run()

    assert app.session_state["tab"] == "Evaluate"
    assert app.session_state["evaluate_checkpoint"] == finished_run.name


def test_app_with_a_failed_run_says_why(app: AppTest) -> None:
    run = create_run(get_preset("classroom").config)
    run.update_status(state="failed", reason="the loss became nan at step 7")

    app.run()

    assert "The training failed: the loss became nan at step 7" in texts(app)


def test_app_with_a_damaged_run_folder_says_so_and_still_works(app: AppTest) -> None:
    run = create_run(get_preset("classroom").config, "broken")
    run.config_path.write_text("{")

    app.run()

    assert not app.exception
    assert "broken" in texts(app)
    assert not app.button(key="start").disabled


def test_app_with_an_unknown_run_in_its_address_shows_the_newest(app: AppTest) -> None:
    create_run(get_preset("classroom").config, "mine")
    app.query_params["run"] = "unheard-of"

    app.run()

    assert not app.exception
    assert "**mine**" in texts(app)


def test_app_start_clicked_starts_one_process_and_locks_start(app: AppTest) -> None:
    app.run()

    app.button(key="start").click().run()

    assert [run.name for run in list_runs()] == ["classroom-1"]
    assert app.button(key="start").disabled
    stop(list_runs()[0])


def test_app_start_clicked_where_nothing_can_be_written_says_so(app: AppTest, home: Path) -> None:
    write_class_settings(ClassSettings(queue_paused=True))  # what is started waits
    app.run()
    taken = home / "classroom-1"
    home.joinpath(".lock").unlink(missing_ok=True)
    taken.write_text("")  # a file in the way is passed by

    app.button(key="start").click().run()

    assert not app.exception
    assert [run.name for run in list_runs()] == ["classroom-2"]


def test_app_evaluate_tab_opens_with_the_shipped_models_figures(app: AppTest) -> None:
    app.query_params["tab"] = "Evaluate"

    app.run()

    assert app.session_state["evaluate_checkpoint"] == "best"
    assert "99.61 %" in [metric.value for metric in app.metric]


def set_field(app: AppTest, name: str, value: Any, preset: str = "classroom") -> None:
    """Change one setting, without a rerun yet."""
    key = f"set-{preset}-{name}"
    kinds = (app.number_input, app.selectbox, app.slider, app.toggle, app.get("button_group"))
    next(widget for kind in kinds for widget in kind if widget.key == key).set_value(value)


def click(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def open_list(app: AppTest) -> None:
    app.session_state["runs_list"] = True
    app.run()
    assert not app.exception


def listed(app: AppTest) -> pd.DataFrame:
    return next(frame.value for frame in app.dataframe if "differs" in frame.value)


def over(name: str, config: RunConfig = CLASSROOM, **status: Any) -> Run:
    """A run that is over, without having trained."""
    run = create_run(config, name)
    run.update_status(**{"state": "stopped", **status})
    return run


def going_on_elsewhere() -> Run:
    """A run that another browser has started; this test's own process stands for its worker."""
    run = create_run(CLASSROOM, "theirs", owner="another browser")
    me = psutil.Process()
    run.update_status(state="running", pid=me.pid, pid_started=process_started(me.pid), started=time.time())
    return run


def enter_teacher_code(app: AppTest, code: str) -> None:
    app.text_input(key="teacher_code").set_value(code).run()
    assert not app.exception


def test_app_settings_changed_are_what_is_started(app: AppTest) -> None:
    changes = {
        "plan": "vgg7", "width": 0.125, "image_size": 32, "batch_norm": False, "dropout": 0.5, "batch_size": 16,
        "epochs": 2, "augment": 0.2, "validation_images": 1000, "seed": 5, "optimizer": "sgd", "learning_rate": 0.02,
        "weight_decay": 0.001,
    }  # fmt: skip
    record_speed(CLASSROOM.with_changes(**changes), 0.01)
    write_class_settings(ClassSettings(queue_paused=True))  # what is started waits
    app.run()

    for name, value in changes.items():
        set_field(app, name, value)
    app.run()
    app.button(key="start").click().run()

    assert not app.exception
    (run,) = list_runs()
    assert run.config() == CLASSROOM.with_changes(**changes)


def test_app_settings_changed_go_back_to_the_presets_at_a_click(app: AppTest) -> None:
    record_speed(CLASSROOM.with_changes(batch_size=16), 0.01)
    app.run()
    set_field(app, "batch_size", 16)
    app.run()

    click(app, "Back to the preset's settings")

    assert app.number_input(key="set-classroom-batch_size").value == 96
    assert "Back to the preset's settings" not in labels(app)


def test_app_data_is_shown_as_the_settings_have_it(app: AppTest) -> None:
    record_speed(CLASSROOM.with_changes(batch_size=16, image_size=32), 0.01)
    app.session_state["data_view"] = True
    app.run()
    assert "96 × 1 × 18 × 18" in texts(app)
    assert "distorts" not in texts(app)

    set_field(app, "batch_size", 16)
    set_field(app, "image_size", 32)
    set_field(app, "augment", 0.5)
    app.run()

    assert not app.exception
    assert "16 × 1 × 32 × 32" in texts(app)
    assert "Augmentation distorts these images each time in another way" in texts(app)


def test_app_settings_are_remembered_for_each_preset(app: AppTest) -> None:
    record_speed(CLASSROOM.with_changes(batch_size=16), 0.01)
    app.run()
    set_field(app, "batch_size", 16)
    app.run()

    app.selectbox(key="preset").set_value("blog-mini").run()
    assert app.number_input(key="set-blog-mini-batch_size").value == 32
    app.selectbox(key="preset").set_value("classroom").run()

    assert app.number_input(key="set-classroom-batch_size").value == 16


def test_app_setting_that_makes_no_sense_gives_an_error_and_locks_start(app: AppTest) -> None:
    app.run()

    set_field(app, "plan", "vgg16")  # halves the image five times; classroom's has 18 pixels
    app.run()

    assert not app.exception
    assert r"image\_size: 18 was given" in texts(app)
    assert app.button(key="start").disabled
    set_field(app, "plan", "vgg4")
    app.run()
    assert not app.button(key="start").disabled


def test_app_training_that_needs_more_memory_than_there_is_is_refused_with_the_figures(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=123_000_000))

    app.run()

    assert not app.exception
    assert "This needs about " in texts(app)
    assert "123 MB are free here" in texts(app)
    assert app.button(key="start").disabled


def test_app_training_longer_than_a_lesson_says_so_and_offers_fewer_steps(app: AppTest) -> None:
    record_speed(CLASSROOM, 20.0)  # 573 steps: 11,460 s
    write_class_settings(ClassSettings(queue_paused=True))
    app.run()
    assert "About **3 h** on this machine: longer than a lesson" in texts(app)
    assert not app.button(key="start").disabled  # who wants to wait may

    click(app, "Only 27 steps")

    assert "longer than a lesson" not in texts(app)
    app.button(key="start").click().run()
    assert list_runs()[0].config() == CLASSROOM.with_changes(steps=27)


def test_app_large_network_longer_than_a_lesson_offers_a_smaller_one(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=64_000_000_000))
    record_speed(get_preset("blog").config, 40.0)  # 1,875 steps: 75,000 s
    app.run()
    app.selectbox(key="preset").set_value("blog").run()
    assert "About **21 h** on this machine" in texts(app)

    click(app, "Images of 64×64 and 0.25 of the width")

    assert app.number_input(key="set-blog-image_size").value == 64
    assert app.number_input(key="set-blog-width").value == 0.25
    assert "longer than a lesson" not in texts(app)  # blog-mini's speed is known


def test_app_new_run_with_the_settings_of_another_starts_exactly_those(app: AppTest) -> None:
    config = CLASSROOM.with_changes(width=0.125, schedule="constant", steps=33, seed=4)
    record_speed(config, 0.01)
    over("mine", config)
    write_class_settings(ClassSettings(queue_paused=True))
    app.run()

    click(app, "New run with its settings")
    assert "The settings are filled in" in app.toast[0].value
    app.button(key="start").click().run()

    assert not app.exception
    assert next(run for run in list_runs() if run.name != "mine").config() == config


def test_app_run_renamed_keeps_what_it_holds(app: AppTest) -> None:
    over("mine")
    open_list(app)

    app.text_input(key="rename-mine").set_value("yours").run()
    click(app, "Rename it")

    assert [run.name for run in list_runs()] == ["yours"]
    assert list_runs()[0].config() == CLASSROOM


@pytest.mark.parametrize("name", ["taken", "../out", "", "best"])
def test_app_run_renamed_to_what_is_taken_or_unfit_says_so(app: AppTest, name: str) -> None:
    over("taken")
    over("mine")
    open_list(app)

    app.text_input(key="rename-mine").set_value(name).run()
    click(app, "Rename it")

    assert app.error
    assert sorted(run.name for run in list_runs()) == ["mine", "taken"]


def test_app_run_deleted_goes_only_after_the_question(app: AppTest) -> None:
    over("other")
    over("mine")
    open_list(app)
    assert "Delete **mine** with its curve and its network? This cannot be undone." in texts(app)
    assert sorted(run.name for run in list_runs()) == ["mine", "other"]

    click(app, "Yes, delete it")

    assert [run.name for run in list_runs()] == ["other"]


def test_app_run_of_another_browser_cannot_be_deleted_or_renamed(app: AppTest) -> None:
    over("theirs", owner="another browser")
    open_list(app)

    assert "Show its curve" in labels(app)
    assert not {"Yes, delete it", "Rename it"} & set(labels(app))


def test_app_run_that_another_browser_has_taken_since_is_not_deleted(app: AppTest) -> None:
    run = over("mine")
    open_list(app)
    run.update_status(owner="another browser")

    click(app, "Yes, delete it")

    assert [run.name for run in list_runs()] == ["mine"]
    assert "Another browser started this run" in texts(app)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ["one", "two", "three"]), ("two", ["two"]), ("failed", ["three"]), ("blog-mini", ["two"]),
     ("CLASSROOM stopped", ["one"]), ("seed 9", ["three"]), ("nothing like it", [])],
)  # fmt: skip
def test_app_list_filtered_shows_what_matches(app: AppTest, text: str, expected: list[str]) -> None:
    over("one")
    over("two", get_preset("blog-mini").config)
    over("three", CLASSROOM.with_changes(seed=9), state="failed", reason="it rained")
    open_list(app)

    app.text_input(key="runs_filter").set_value(text).run()

    assert not app.exception
    frame = next((f.value for f in app.dataframe if "differs" in f.value), pd.DataFrame({"run": []}))
    assert sorted(frame["run"]) == sorted(expected)


def test_app_runs_overlaid_come_with_a_table_of_exactly_what_differs(app: AppTest) -> None:
    over("one", CLASSROOM.with_changes(width=0.5, seed=1))
    over("two", CLASSROOM.with_changes(width=0.5, optimizer="sgd"))
    over("shown", CLASSROOM.with_changes(width=0.5))
    app.query_params["run"] = "shown"
    open_list(app)

    app.multiselect(key="overlay").set_value(["one", "two"]).run()

    assert not app.exception
    table = app.table[0].value
    assert set(table.index) == {"seed", "optimizer"}
    assert set(table.columns) == {"shown", "one", "two"}
    assert list(table.loc["seed", ["shown", "one", "two"]]) == ["0", "1", "0"]
    assert list(table.loc["optimizer", ["shown", "one", "two"]]) == ["adamw", "adamw", "sgd"]


def test_app_runs_of_the_same_settings_overlaid_say_so(app: AppTest) -> None:
    over("one")
    over("shown")
    app.query_params["run"] = "shown"
    open_list(app)

    app.multiselect(key="overlay").set_value(["one"]).run()

    assert not app.table
    assert "Nothing: all their settings are the same." in texts(app)


def test_list_reads_the_events_of_many_runs_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [over(f"run-{number}") for number in range(60)]  # more than there are readers for those who watch
    for run in many:
        run.metrics_path.write_text(line(1))
    before = [runs_list.describe(run) for run in many]
    step = line(2, loss=0.0)
    with many[7].metrics_path.open("a") as file:
        file.write(step)
    opened: list[str] = []
    read_on = RunReader._read_on
    monkeypatch.setattr(RunReader, "_read_on", lambda self: opened.append(self.run.name) or read_on(self))

    after = [runs_list.describe(run) for run in many]

    assert opened == ["run-7"]
    assert (after[7]["steps"], after[7]["loss"]) == (2, 0.5)
    assert [row for row in after if row["run"] != "run-7"] == [row for row in before if row["run"] != "run-7"]


def test_app_later_run_of_an_overlaid_name_is_not_overlaid(app: AppTest) -> None:
    one = over("one")
    over("shown")
    app.query_params["run"] = "shown"
    open_list(app)
    app.multiselect(key="overlay").set_value(["one"]).run()
    assert "all their settings are the same" in texts(app)

    delete_run(one)
    over("one")
    app.run()

    assert app.multiselect(key="overlay").value == []
    assert "all their settings are the same" not in texts(app)


def test_app_run_deleted_leaves_no_answers_of_its_network(app: AppTest, home: Path) -> None:
    run = over("mine")
    run.checkpoint_path.write_bytes(b"weights")
    kept = [home / ".evaluations" / f"{hashlib.sha256(b'weights').hexdigest()[:32]}-test-10000.safetensors"]
    other = home / ".evaluations" / f"{'0' * 32}-test-10000.safetensors"
    other.parent.mkdir()
    for path in (*kept, other):
        path.write_bytes(b"answers")
    open_list(app)

    next(button for button in app.button if button.label == "Yes, delete it").click().run()

    assert not run.path.exists()
    assert list(other.parent.iterdir()) == [other]


def test_app_list_with_damaged_and_older_folders_explains_them_and_shows_the_rest(app: AppTest) -> None:
    over("sound")
    newer, cut, older = over("newer"), over("cut"), over("older")
    newer.config_path.write_text(newer.config_path.read_text().replace('"seed"', '"seed_of_the_future"'))
    (cut.path / "status.json").write_text('{"state": "sto')
    (older.path / "status.json").write_text('{"state": "stopped"}')
    older.metrics_path.write_text('{"event": "step", "st\n[]\n7\n')

    open_list(app)

    rows = listed(app).set_index("run")
    assert "seed_of_the_future" in rows.loc["newer", "state"]
    assert "status.json" in rows.loc["cut", "state"]
    assert rows.loc["older", "state"] == rows.loc["sound", "state"] == "stopped"
    assert not app.button(key="start").disabled
    for name in ("newer", "cut", "older", "sound"):
        app.query_params["run"] = name
        app.run()
        assert not app.exception
        assert name in texts(app)


def test_app_watching_the_run_of_another_browser_offers_nothing_to_steer_it(app: AppTest) -> None:
    going_on_elsewhere()

    app.run()

    assert "You are watching" in texts(app)
    assert not {"Stop", "Pause", "Set"} & set(labels(app))


def test_app_without_a_teacher_code_shows_nothing_for_teachers(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VGG_DEMO_TEACHER_CODE", raising=False)

    app.run()

    assert not any(field.key == "teacher_code" for field in app.text_input)


def test_app_right_teacher_code_unlocks_steering(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VGG_DEMO_TEACHER_CODE", "Kreide-§7")
    run = going_on_elsewhere()
    app.run()
    assert "Stop" not in labels(app)

    enter_teacher_code(app, "Kreide-§7")
    assert "You are the teacher in this browser" in texts(app)
    app.button(key="stop").click().run()

    assert not app.exception
    assert '"stop"' in run.control_path.read_text()
    click(app, "Leave the teacher's role")
    assert "Stop" not in labels(app)


@pytest.mark.parametrize("code", ["wrong", "Kreide", "kreide-7 ", "ü"])
def test_app_wrong_teacher_code_unlocks_nothing_and_makes_wait(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setenv("VGG_DEMO_TEACHER_CODE", "Kreide-7")
    going_on_elsewhere()
    app.run()

    started = time.monotonic()
    enter_teacher_code(app, code)

    assert time.monotonic() - started >= 1
    assert "That is not the code." in texts(app)
    assert "Kreide-7" not in texts(app)
    assert "Stop" not in labels(app)


def test_app_with_hidden_settings_shows_students_the_preset_alone(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VGG_DEMO_TEACHER_CODE", "Kreide-7")
    write_class_settings(ClassSettings(hidden=("settings",)))

    app.run()

    assert not any(str(field.key).startswith("set-") for field in app.number_input)
    assert not app.button(key="start").disabled
    enter_teacher_code(app, "Kreide-7")
    assert app.number_input(key="set-classroom-epochs").value == 1


def test_app_with_hidden_settings_offers_no_run_with_the_settings_of_another(app: AppTest) -> None:
    over("mine", CLASSROOM.with_changes(batch_size=16))
    app.run()
    assert "New run with its settings" in labels(app)

    write_class_settings(ClassSettings(hidden=("settings",)))
    app.run()

    assert "New run with its settings" not in labels(app)


def test_app_with_hidden_settings_starts_the_preset_whatever_was_set_before(app: AppTest) -> None:
    record_speed(CLASSROOM.with_changes(batch_size=16), 0.01)
    app.run()
    set_field(app, "batch_size", 16)
    app.run()

    write_class_settings(ClassSettings(hidden=("settings",), queue_paused=True))
    app.run()
    app.button(key="start").click().run()

    assert list_runs()[0].config() == CLASSROOM


def test_app_waiting_run_shows_its_place_and_can_be_withdrawn(app: AppTest) -> None:
    write_class_settings(ClassSettings(queue_paused=True))
    app.run()

    app.button(key="start").click().run()
    assert "Place 1 in the queue. The teacher has paused the queue." in texts(app)
    assert "waits for its turn; it can be withdrawn" in texts(app)
    click(app, "Withdraw")

    assert list_runs()[0].status().state == "stopped"
    assert not app.button(key="start").disabled


def test_app_waiting_behind_a_run_with_damaged_settings_still_shows_its_place(app: AppTest) -> None:
    write_class_settings(ClassSettings(queue_paused=True))
    create_run(CLASSROOM, "damaged").config_path.write_text("{")
    app.run()

    app.button(key="start").click().run()

    assert not app.exception
    assert "Place 2 in the queue" in texts(app)


def test_app_run_whose_process_died_says_at_which_step_and_offers_resume(app: AppTest, finished_run: Run) -> None:
    finished_run.update_status(state="running", pid=os.getpid(), pid_started=1.0)

    app.run()

    assert "The process died at step 20." in texts(app)
    assert "Resume" in labels(app)


@pytest.mark.parametrize(
    ("owner", "is_saved", "said"),
    [
        (None, True, "**Resume** goes on from its last save."),
        (None, False, "**Resume** begins again: nothing was saved."),
        ("another browser", True, None),
    ],
)
def test_app_run_whose_process_died_says_what_resume_would_do_to_whom_it_is_offered(
    app: AppTest, owner: str | None, is_saved: bool, said: str | None
) -> None:
    run = create_run(CLASSROOM, "mine", owner=owner)
    run.update_status(state="running", pid=os.getpid(), pid_started=1.0)
    if is_saved:
        run.resume_path.write_bytes(b"saved")

    app.run()

    assert "The process died at step 0." in texts(app)
    assert ("Resume" in labels(app)) == (said is not None)
    assert (said or "The process died") in texts(app)
    assert said is not None or "**Resume**" not in texts(app)
