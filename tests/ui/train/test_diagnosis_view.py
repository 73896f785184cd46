"""What the page says under the curve, without a browser: silent when it learns, cause and changes when not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from streamlit.testing.v1 import AppTest

from tests.ui.test_app import texts
from vgg_demo.config import RunConfig
from vgg_demo.data import Digits
from vgg_demo.diagnosis.checks import judge_checks
from vgg_demo.diagnosis.records import Diagnosis, LayerFigures
from vgg_demo.predictions import Predictions
from vgg_demo.presets import get_preset
from vgg_demo.runs.class_settings import ClassSettings, write_class_settings
from vgg_demo.runs.processes import process_started
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.store import Run, create_run, get_run, list_runs
from vgg_demo.ui.evaluate import results
from vgg_demo.ui.shared import identity, jobs
from vgg_demo.ui.shared.networks import Network
from vgg_demo.ui.train import diagnosis_charts
from vgg_demo.ui.train.diagnosis_view import one_change

FADING = tuple(0.3 * 0.4**depth for depth in range(1, 17))
STEADY = (0.2,) * 16
ONE = (0, 64, 0, 0, 0, 0, 0, 0, 0, 0)
SPREAD = (7, 7, 6, 6, 6, 6, 6, 7, 7, 6)


def looked(step: int, signals: tuple[float, ...], answers: tuple[int, ...]) -> Diagnosis:
    names = [*(f"conv {i}" for i in range(1, len(signals) - 2)), "linear 1", "linear 2", "linear 3"]
    layers = tuple(LayerFigures(name, s, 0.01, 0.01, 0.3) for name, s in zip(names, signals, strict=True))
    accuracy = 0.1 if answers == ONE else 0.9
    return Diagnosis(step, 0.3, layers, answers, SPREAD, accuracy, 2.3, 0.1, 9.9)


def recorded(config: RunConfig, signals: tuple[float, ...], answers: tuple[int, ...], losses: list[float]) -> Run:
    """A finished run with these events."""
    run = create_run(config)
    events = [looked(0, signals, answers).to_dict()]
    for step, loss in enumerate(losses, 1):
        events.append({"event": "step", "step": step, "epoch": 1, "loss": loss, "learning_rate": 0.001, "images": 32})
    events.append(looked(len(losses), signals, answers).to_dict())
    lines = [json.dumps({"seconds": 0.1 * number, **event}) + "\n" for number, event in enumerate(events)]
    run.metrics_path.write_text("".join(lines))
    average = sum(losses) / len(losses)
    run.update_status(state="finished", result={"average_loss": average, "val_accuracy": None, "steps": len(losses)})
    return run


@pytest.fixture
def broken(home: Path) -> Run:
    return recorded(get_preset("blog-mini").config.with_changes(steps=300), FADING, ONE, [2.302] * 300)


def test_reader_collects_what_was_seen(broken: Run) -> None:
    curve = RunReader(broken).refresh()

    assert [diagnosis.step for diagnosis in curve.diagnoses] == [0, 300]
    assert curve.diagnoses[0].answers == ONE
    assert curve.damaged_lines == 0


def test_view_of_a_run_that_does_not_learn_says_why_and_offers_changes(app: AppTest, broken: Run) -> None:
    app.run()

    assert not app.exception
    assert "**The input does not reach the output" in app.warning[0].value
    assert "Found, too: It answers one class whatever it sees: it says 1 to 100 %" in texts(app)
    assert "It says 1 to everything" in texts(app)
    labels = {button.label for button in app.button}
    assert labels >= {"He initialisation", "Batch normalisation", "Learning rate 0.0001", "Fewer layers (VGG-11)"}


@pytest.mark.parametrize("name", ["x", "", "conv x", "conv 1 2", "conv " + "1" * 5000, "image"])
def test_view_of_layers_with_strange_names_shows_them_all_the_same(app: AppTest, broken: Run, name: str) -> None:
    content = broken.metrics_path.read_text("utf-8")
    broken.metrics_path.write_text(content.replace('"name": "conv 3"', json.dumps({"name": name})[1:-1]), "utf-8")

    app.run()

    assert not app.exception
    assert "**The input does not reach the output" in app.warning[0].value


def evaluated(run: Run, answer: int, labels: torch.Tensor) -> None:
    """Give the run a checkpoint, and remember that it gave this answer to every test digit."""
    run.checkpoint_path.write_bytes(b"weights")
    logits = np.zeros((10_000, 10), np.float32)
    logits[:, answer] = 1
    key = results.key_of(Network(run.name, run.checkpoint_path), results.test_set(), 10_000)
    jobs.memory().put(key, Predictions(logits, labels.numpy(), np.arange(10_000), 10_000))


def test_view_of_the_storys_figures_measured_carries_the_badge(
    app: AppTest, broken: Run, mnist: tuple[Digits, Digits]
) -> None:
    evaluated(broken, 1, mnist[1].labels)

    app.run()

    assert "as in the story: 2.302 / 11.35 %" in texts(app)


def test_view_of_the_storys_loss_claims_no_accuracy_that_was_not_measured(app: AppTest, broken: Run) -> None:
    app.run()

    assert "as in the story" not in texts(app)
    assert "Here: 2.302. It said 1 to all 64 digits that it was shown last. Evaluate measures" in texts(app)


def test_view_of_another_answer_than_the_storys_says_what_differs(
    app: AppTest, home: Path, mnist: tuple[Digits, Digits]
) -> None:
    sevens = (0, 0, 0, 0, 0, 0, 0, 64, 0, 0)
    run = recorded(get_preset("blog-mini").config.with_changes(steps=300), FADING, sevens, [2.302] * 300)
    evaluated(run, 7, mnist[1].labels)

    app.run()

    assert "Here: 2.302 / 10.28 %" in texts(app)
    assert "It said 7 to all 64 digits that it was shown last." in texts(app)


def test_view_of_a_story_that_dug_itself_out_says_that_some_seeds_do(app: AppTest, home: Path) -> None:
    falling = [2.302] * 100 + [2.302 * 0.98**step for step in range(200)]
    recorded(get_preset("blog-mini").config.with_changes(steps=300), STEADY, SPREAD, falling)

    app.run()

    assert "This run found its way out at step " in texts(app)
    assert not app.warning


def test_view_of_a_run_that_learns_is_silent(app: AppTest, home: Path) -> None:
    falling = [2.3 * 0.98**step for step in range(200)]
    recorded(get_preset("fixed-mini").config.with_changes(steps=200), STEADY, SPREAD, falling)

    app.run()

    assert not app.exception
    assert not app.warning
    assert "He initialisation" not in {button.label for button in app.button}


def test_change_clicked_queues_the_same_run_with_only_that_different(app: AppTest, broken: Run) -> None:
    write_class_settings(ClassSettings(queue_paused=True))  # nothing is trained here
    app.run()

    app.button(key="change-he").click().run()

    assert not app.exception
    assert [run.name for run in list_runs()] == ["blog-mini-2", "blog-mini-1"]
    assert get_run("blog-mini-2").config().changes_from(broken.config()) == {"init": "he"}
    assert app.session_state["overlay"] == ["blog-mini-1"]
    assert app.query_params["run"] == "blog-mini-2"


def test_change_clicked_beside_a_damaged_run_folder_is_queued_all_the_same(app: AppTest, broken: Run) -> None:
    write_class_settings(ClassSettings(queue_paused=True))
    damaged = create_run(get_preset("classroom").config, "damaged")
    (damaged.path / "status.json").write_text("{")
    app.query_params["run"] = broken.name
    app.run()

    app.button(key="change-he").click().run()

    assert not app.error
    assert get_run("blog-mini-2").config().model.init == "he"


def test_tried_changes_stand_in_one_table_and_the_next_is_offered(app: AppTest, broken: Run) -> None:
    mended = recorded(
        broken.config().with_changes(init="he"), STEADY, SPREAD, [2.3 * 0.98**step for step in range(300)]
    )
    app.query_params["tried"] = f"{broken.name}~{mended.name}"
    app.session_state["overlay"] = [broken.name]
    app.query_params["run"] = mended.name

    app.run()

    assert not app.exception
    table = next(frame.value for frame in app.dataframe if "changed" in frame.value)
    assert table["changed"].tolist() == ["nothing", "init he"]
    assert table["what came of it"].tolist() == ["the input does not reach the output", "learning"]
    assert "change-batch_norm" in {button.key for button in app.button}


def test_lesson_is_closed_until_asked_for(app: AppTest) -> None:
    app.run()

    assert any("A lesson in ten minutes" in box.label for box in app.expander)
    assert "1 / 5" not in texts(app)


@pytest.mark.parametrize("plan", ["vgg4", "vgg5", "vgg5-slim", "vgg7", "vgg11", "vgg13", "vgg16", "vgg19"])
def test_one_change_changes_one_setting_and_never_to_what_it_was(plan: str) -> None:
    config = get_preset("fixed-mini").config.with_changes(plan=plan)

    changes = one_change(config)

    assert "he" not in changes
    assert all(len(config.with_changes(**settings).changes_from(config)) == 1 for _, settings, _ in changes.values())


def test_signal_chart_draws_what_is_zero_and_leaves_out_what_is_no_number() -> None:
    dead = looked(9, (0.2, 0.1, 0.0, float("nan")), ONE)
    shallow = replace(dead, layers=dead.layers[1:])

    spec = diagnosis_charts.signal_through_layers("mine", dead, dead, {"other": shallow})

    assert spec["xAxis"]["data"] == ["image", "conv 1", "linear 1", "linear 2", "linear 3"]
    whole, shorter = (series["data"] for series in spec["series"])
    assert [point and (point[0], point[2]) for point in whole] == [
        (0, "0.3"), (1, "0.2"), (2, "0.1"), (3, "10⁻¹⁰"), None,
    ]  # fmt: skip
    assert whole[2][1] == -1
    assert whole[3][1] == spec["yAxis"]["min"] == -10
    assert shorter == [whole[0], None, *whole[2:]]
    json.dumps(spec, allow_nan=False)


@pytest.mark.parametrize(
    ("losses", "passed"),
    [
        ([2.35, *[1.0] * 30, 0.05], [True, True, True]),
        ([2.30] * 101, [True, False, False]),
        ([9.0, 3.0, float("nan")], [False, False, False]),
        ([2.4, 2.3, 2.2], [True, None, None]),
    ],
)
def test_quick_checks_are_green_red_or_open_when_there_was_no_time(losses: list[float], passed: list[bool]) -> None:
    checks = judge_checks(losses, blank_loss=2.2)

    assert [check.passed for check in checks] == passed
    assert all(check.reason for check in checks)


@pytest.mark.parametrize(("owner", "is_said"), [("mine", True), (None, False), ("another browser", False)])
def test_view_says_that_a_run_is_stopped_first_only_where_that_is_done(
    app: AppTest, broken: Run, monkeypatch: pytest.MonkeyPatch, owner: str | None, is_said: bool
) -> None:
    monkeypatch.setattr(identity, "owner", lambda: "mine")
    monkeypatch.setattr(identity, "is_teacher", lambda: True)  # who may steer every run
    me = psutil.Process()
    broken.update_status(state="running", owner=owner, pid=me.pid, pid_started=process_started(me.pid), result=None)
    app.run()
    assert (f"Your training **{broken.name}** is stopped first" in texts(app)) == is_said
    write_class_settings(ClassSettings(queue_paused=True))

    next(button for button in app.button if button.label == "He initialisation").click().run()

    assert not app.exception
    assert broken.control_path.exists() == is_said


def test_view_of_a_tried_change_with_damaged_settings_still_shows_the_others(app: AppTest, broken: Run) -> None:
    changed = recorded(get_preset("blog-mini").config.with_changes(init="he", steps=300), FADING, ONE, [2.302] * 300)
    damaged = recorded(get_preset("blog-mini").config.with_changes(init="he", steps=300), FADING, ONE, [2.302] * 300)
    damaged.config_path.write_text("{", "utf-8")
    app.query_params["tried"] = "~".join([broken.name, changed.name, damaged.name])
    app.query_params["run"] = broken.name

    app.run()

    assert not app.exception
    table = next(frame.value for frame in app.dataframe if "what came of it" in frame.value)
    assert list(table["run"]) == [broken.name, changed.name]
