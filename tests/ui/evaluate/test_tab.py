"""The Evaluate tab's states, without a browser."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from vgg_demo.checkpoint import save_checkpoint
from vgg_demo.config import RunConfig
from vgg_demo.data import Digits, split_train
from vgg_demo.evaluation import accuracy_and_loss
from vgg_demo.model import VGG
from vgg_demo.presets import get_preset
from vgg_demo.runs.reveals import FILE, count_reveals
from vgg_demo.runs.store import Run, create_run, delete_run
from vgg_demo.ui.evaluate import charts, results, reveal
from vgg_demo.ui.shared import jobs
from vgg_demo.ui.shared.networks import Network

TINY = get_preset("classroom").config.with_changes(width=0.02)


@pytest.fixture
def app(app: AppTest) -> AppTest:
    app.query_params["tab"] = "Evaluate"
    return app


def make_run(name: str, config: RunConfig = TINY, seed: int = 0, change: Callable[[VGG], None] | None = None) -> Run:
    """A finished run with a network that has not learned."""
    run = create_run(config, name)
    torch.manual_seed(seed)
    network = VGG(config.model)
    if change:
        change(network)
    save_checkpoint(run.checkpoint_path, network, config, {})
    run.update_status(state="finished")
    return run


def texts(app: AppTest) -> str:
    return "\n".join(str(part.value) for part in [*app.markdown, *app.caption, *app.info, *app.error, *app.success])


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def press(app: AppTest, label: str) -> AppTest:
    """Press a button and wait for what it computes."""
    next(button for button in app.button if button.label == label).click().run()
    deadline = time.monotonic() + 120
    while any(button.label == "Stop" for button in app.button):
        assert time.monotonic() < deadline
        time.sleep(0.2)
        app.run()
    return app


def open_run(app: AppTest, name: str) -> AppTest:
    app.session_state["evaluate_checkpoint"] = name
    return app.run()


def test_later_run_of_a_revealed_name_is_closed_even_with_the_same_checkpoint(home: Path) -> None:
    first = make_run("mine")
    stat = first.checkpoint_path.stat()
    before = reveal._mark(Network("mine", first.checkpoint_path))

    delete_run(first)
    later = make_run("mine")
    os.utime(later.checkpoint_path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert reveal._mark(Network("mine", later.checkpoint_path)) != before


def test_run_shows_validation_figures_first_and_they_are_the_split_s(
    app: AppTest, mnist: tuple[Digits, Digits]
) -> None:
    run = make_run("mine")
    open_run(app, "mine")

    press(app, "Evaluate on the validation digits")

    torch.manual_seed(0)
    network = VGG(TINY.model).eval()
    accuracy, _loss = accuracy_and_loss(network, split_train(mnist[0], 5_000, TINY.train.seed)[1])
    assert metrics(app)["Validation accuracy"] == f"{accuracy * 100:.2f} %"
    assert "Test accuracy" not in metrics(app)
    assert count_reveals(run) == 0


def test_run_s_test_result_opens_on_demand_and_counts(app: AppTest) -> None:
    run = make_run("mine")
    open_run(app, "mine")
    app.session_state["evaluate_digits_run"] = "test"
    app.run()
    assert "This run's test result has not been looked at yet" in texts(app)
    assert "Test accuracy" not in metrics(app)

    press(app, "Reveal the test result")

    assert "Test accuracy" in metrics(app)
    assert count_reveals(run) == 1
    assert "looked at **once**" in texts(app)
    app.run()  # redrawing the page is no second look
    assert count_reveals(run) == 1


def test_run_whose_look_cannot_be_counted_stays_closed(app: AppTest) -> None:
    run = make_run("mine")
    (run.path / FILE).mkdir()
    open_run(app, "mine")
    app.session_state["evaluate_digits_run"] = "test"
    app.run()

    press(app, "Reveal the test result")

    assert "could not be counted" in texts(app)
    assert "Test accuracy" not in metrics(app)


def test_run_without_validation_digits_says_why_there_are_none(app: AppTest) -> None:
    make_run("mine", TINY.with_changes(validation_images=0))

    open_run(app, "mine")

    assert "kept none apart" in texts(app)
    assert not app.error


def test_cell_chosen_by_its_boxes_shows_its_images(app: AppTest) -> None:
    make_run("mine")
    press(open_run(app, "mine"), "Evaluate on the validation digits")

    app.selectbox(key="cell_true").select(4).run()
    app.selectbox(key="cell_answer").select(4).run()

    assert "**4 read as 4**" in texts(app)


@pytest.mark.parametrize("section", ["mistakes", "digits", "trust", "compare", "downloads"])
def test_section_opened_shows_no_error(app: AppTest, section: str) -> None:
    make_run("other", seed=1)
    make_run("mine")
    press(open_run(app, "mine"), "Evaluate on the validation digits")

    app.session_state["evaluate_section"] = section
    app.run()

    assert not app.exception
    assert not app.error
    if section == "compare":
        assert {"other"} <= set(app.selectbox(key="compare_with").options)
        press(app, f"Evaluate {app.selectbox(key='compare_with').value} on the same digits")
        assert "McNemar" in texts(app) or "no difference to test" in texts(app)


def test_networks_that_kept_other_digits_apart_are_not_compared(app: AppTest) -> None:
    make_run("other", TINY.with_changes(seed=99))
    make_run("mine", TINY.with_changes(seed=98))
    press(open_run(app, "mine"), "Evaluate on the validation digits")

    app.session_state["evaluate_section"] = "compare"
    app.run()

    assert "no other network that kept the same validation digits apart" in texts(app)


def set_nan(network: VGG) -> None:
    torch.nn.init.constant_(network.classifier[-1].weight, math.nan)


def test_network_with_nan_weights_says_so(app: AppTest) -> None:
    make_run("mine", change=set_nan)
    open_run(app, "mine")

    press(app, "Evaluate on the validation digits")

    assert "not all numbers (NaN or infinite)" in texts(app)
    assert not app.exception


@pytest.mark.parametrize("content", [b"", b"no checkpoint"])
def test_checkpoint_that_is_damaged_says_so(app: AppTest, content: bytes) -> None:
    make_run("mine").checkpoint_path.write_bytes(content)

    open_run(app, "mine")

    assert "model.safetensors" in texts(app)
    assert not app.exception


def test_checkpoint_of_another_network_says_so(app: AppTest) -> None:
    run = make_run("mine")
    save_checkpoint(run.checkpoint_path, VGG(TINY.with_changes(width=0.03).model), TINY, {})
    open_run(app, "mine")

    press(app, "Evaluate on the validation digits")

    assert "its weights belong to another network" in texts(app)


def vanish(run: Run) -> None:
    run.checkpoint_path.unlink()


def change(run: Run) -> None:
    save_checkpoint(run.checkpoint_path, VGG(TINY.model), TINY, {"step": 7})


@pytest.mark.parametrize(("what", "words"), [(vanish, "was deleted while"), (change, "changed while")])
def test_checkpoint_gone_while_it_is_evaluated_says_so(home: Path, what: Callable[[Run], None], words: str) -> None:
    run = make_run("mine")
    network = Network("mine", run.checkpoint_path)
    work = results.prediction_work(network, results.test_set(), 100)
    calls: list[int] = []

    def progress(done: int, total: int) -> None:
        if not calls:
            what(run)
        calls.append(done)

    job = jobs.Job(("key", words), lambda _progress: work(progress))

    assert job.wait(60)
    assert job.error is not None
    assert words in str(job.error)


def test_large_network_shows_its_time_first_and_offers_a_sample(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vgg_demo.ui.evaluate.results.SLOW_FLOPS", 1.0)
    make_run("mine")
    open_run(app, "mine")
    assert "This is a large network: all 5,000 validation digits take about" in texts(app)

    app.radio(key="sample_size").set_value(100).run()
    press(app, "Evaluate on the validation digits")

    assert metrics(app)["Right"].endswith("/ 100")
    assert "A sample of 100 of 5,000 validation digits" in texts(app)


def test_job_stopped_keeps_nothing_and_says_so() -> None:
    def work(progress: jobs.Progress) -> str:
        while True:
            progress(1, 10)
            time.sleep(0.01)

    job = jobs.Job("stopped", work)
    job.stop()

    assert job.wait(10)
    assert job.is_stopped
    assert jobs.memory().get("stopped") is None


@pytest.mark.parametrize("by_share", [False, True])
def test_confusion_spec_has_every_cell_once_and_finds_back(by_share: bool) -> None:
    matrix = [[10 * true + answer for answer in range(10)] for true in range(10)]

    drawn, frame = charts.confusion(matrix, by_share, True, (3, 7))["series"]
    cells = drawn["data"]

    for place, cell in enumerate(cells):
        true, answer = charts.cell_of(place)
        assert cell["value"] == [answer, true, matrix[true][answer]]
    assert [cell["value"] for cell in frame["data"]] == [cells[37]["value"]]
    assert frame["silent"]  # a click goes to the cell
    assert frame["z"] > 2  # ECharts' own: no neighbour covers a part of it


def test_confusion_of_nothing_wrong_is_drawn_and_said() -> None:
    matrix = [[100 if true == answer else 0 for answer in range(10)] for true in range(10)]

    assert charts.confusion(matrix, False, False, (None, None))["series"]
    assert charts.confusion_in_words(matrix) == "Confusion matrix: every image was read right."
