"""A run taken along: its curve as CSV and PNG, and the whole of it as one PyTorch script."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.helpers import TINY, RunsHere, pause, plain_losses, wait_for_state, wait_for_step, wait_until
from vgg_demo.data import Digits
from vgg_demo.device import make_fabric
from vgg_demo.export.run_files import curve_csv, curve_png, run_script
from vgg_demo.mnist_files import data_folder, unpack_mnist
from vgg_demo.presets import get_preset
from vgg_demo.runs.reader import Curve, RunReader
from vgg_demo.runs.store import Run

pytestmark = pytest.mark.usefixtures("home")
CLASSROOM = get_preset("classroom").config
CONFIGS = {
    "classroom": CLASSROOM.with_changes(steps=8),
    "vgg16 of three channels, He": get_preset("blog-mini").config.with_changes(width=0.05, init="he", steps=8),
    "dropout before the only linear layer": CLASSROOM.with_changes(width=0.1, dropout=0.5, steps=8),
    "dropout in an mlp": get_preset("bn-mini").config.with_changes(width=0.05, dropout=0.25, augment=0.3, steps=8),
    "batch normalisation and an mlp": get_preset("bn-mini").config.with_changes(width=0.05, steps=8),
    "distorted digits": CLASSROOM.with_changes(width=0.1, augment=0.3, steps=8, seed=7),
    "pool first": CLASSROOM.with_changes(width=0.1, pool_first=not CLASSROOM.model.pool_first, steps=8),
    "handwriting styles": CLASSROOM.with_changes(width=0.1, handwriting_styles=0.5, steps=8, seed=7),
    "sgd": TINY.with_changes(optimizer="sgd", learning_rate=0.1, weight_decay=0.0005, steps=8),
    "averaged and smoothed": TINY.with_changes(average_weights=0.99, label_smoothing=0.1, steps=8),
    "self-distillation": CLASSROOM.with_changes(
        width=0.1, average_weights=0.99, self_distillation=0.6, dropout=0.3, precision="bf16-mixed", steps=8
    ),
    "all images, into the second epoch": TINY.with_changes(
        image_size=8, validation_images=0, batch_size=10_000, steps=7
    ),
    "bfloat16": TINY.with_changes(precision="bf16-mixed", batch_size=32, steps=8),
}


def recorded_losses(run: Run) -> list[float]:
    """Read from metrics.jsonl with nothing of the project."""
    events = [json.loads(line) for line in run.metrics_path.read_text().splitlines()]
    return [event["loss"] for event in events if event["event"] == "step"]


# Runs scripts, with the folder of the data as their argument. Between what two of them print is a line of its own.
RUN_SCRIPTS = """
import runpy, sys
data, *scripts = sys.argv[1:]
for script in scripts:
    sys.argv = [script, data]
    runpy.run_path(script, run_name="__main__")
    print("end of", script)
"""


def script_losses(folder: Path, *scripts: str) -> list[list[float]]:
    """What each script prints, started in an empty folder by a Python that finds nothing but installed packages."""
    unpack_mnist()
    folder.mkdir()
    names = [f"run-{number}.py" for number in range(len(scripts))]
    for name, script in zip(names, scripts, strict=True):
        (folder / name).write_text(script, "utf-8")
    start = [names[0]] if len(names) == 1 else ["-c", RUN_SCRIPTS]
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", *start, data_folder().resolve(), *(names if len(names) > 1 else [])],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    found = []
    for output in re.split("^end of .*\n", done.stdout, flags=re.MULTILINE)[: len(names)]:
        rows = [line.split() for line in output.splitlines()]
        assert [int(step) for step, _loss in rows] == list(range(1, len(rows) + 1))
        found.append([float(loss) for _step, loss in rows])
    return found


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[float]]:
    """What the script of each of CONFIGS prints, in one process: each would load torch for seconds."""
    scripts = [run_script(config, Curve()) for config in CONFIGS.values()]
    return dict(zip(CONFIGS, script_losses(tmp_path_factory.mktemp("scripts") / "elsewhere", *scripts), strict=True))


@pytest.mark.parametrize("name", CONFIGS)
def test_script_gives_the_same_losses_bit_for_bit(
    printed: dict[str, list[float]], name: str, mnist: tuple[Digits, Digits]
) -> None:
    config = CONFIGS[name]

    assert len(printed[name]) == config.train.total_steps
    assert printed[name] == plain_losses(config, mnist[0], make_fabric("cpu", config.train.precision))


def steered_run(runs_here: RunsHere, schedule: str) -> Run:
    """A finished run whose learning rate was changed twice by hand."""
    run = runs_here.start(TINY.with_changes(steps=60, schedule=schedule))
    wait_for_step(run, 3)
    pause(run)
    run.send("learning_rate", value=0.003)
    run.send("batch")
    wait_until(lambda: RunReader(run).refresh().learning_rate_changes and run.status().state == "paused")
    run.send("learning_rate", value=0.02)
    run.send("resume")
    wait_for_state(run, "finished")
    assert len(RunReader(run).refresh().learning_rate_changes) == 2
    return run


def test_scripts_of_runs_steered_by_hand_give_the_same_losses(runs_here: RunsHere, tmp_path: Path) -> None:
    runs = [steered_run(runs_here, "constant"), steered_run(runs_here, "one-cycle")]

    scripts = [run_script(run.config(), RunReader(run).refresh()) for run in runs]

    assert script_losses(tmp_path / "elsewhere", *scripts) == [recorded_losses(run) for run in runs]


def test_script_of_a_continued_run_gives_the_same_losses(runs_here: RunsHere, tmp_path: Path) -> None:
    run = runs_here.start(
        TINY.with_changes(image_size=8, validation_images=30_000, batch_size=5_000, epochs=1, schedule="one-cycle")
    )
    wait_for_state(run, "finished")
    runs_here.continue_run(run, 1)
    wait_for_state(run, "finished")
    curve = RunReader(run).refresh()
    assert len(curve.steps) == 12

    assert script_losses(tmp_path / "elsewhere", run_script(run.config(), curve)) == [recorded_losses(run)]


def test_script_needs_nothing_of_this_project() -> None:
    for config in CONFIGS.values():
        script = run_script(config, Curve())

        compile(script, "run.py", "exec")
        assert "vgg_demo" not in script
        imported = set(re.findall(r"^(?:import|from) (\w+)", script, re.MULTILINE))
        assert imported <= {
            "__future__",
            "contextlib",
            "copy",
            "dataclasses",
            "functools",
            "math",
            "sys",
            "numpy",
            "torch",
            "torchvision",
        }


@pytest.fixture(scope="module")
def curve() -> Curve:
    steps = list(range(1, 201))
    return Curve(
        steps=steps,
        losses=[2.3 / step + 1 / 3 for step in steps],
        learning_rates=[0.01 / step for step in steps],
        seconds=[step / 7 for step in steps],
        images=[8] * 200,
        epochs=[{"step": 100, "val_accuracy": 0.5}, {"step": 200, "val_accuracy": 2 / 3}],
    )


def test_csv_holds_every_figure_of_the_curve_exactly(curve: Curve) -> None:
    rows = list(csv.DictReader(io.StringIO(curve_csv(curve), newline="")))

    assert [int(row["step"]) for row in rows] == curve.steps
    assert [float(row["loss"]) for row in rows] == curve.losses
    assert [float(row["learning_rate"]) for row in rows] == curve.learning_rates
    assert [float(row["seconds"]) for row in rows] == curve.seconds
    accuracies = {int(row["step"]): float(row["validation_accuracy"]) for row in rows if row["validation_accuracy"]}
    assert accuracies == {100: 0.5, 200: 2 / 3}


def test_csv_of_a_run_that_failed_says_nan_and_one_without_steps_has_only_its_head(curve: Curve) -> None:
    failed = Curve([1, 2], [2.3, float("nan")], [0.1, 0.1], [0.1, 0.2], [8, 8])

    assert curve_csv(failed).splitlines()[2].split(",")[1] == "nan"
    assert len(curve_csv(Curve()).splitlines()) == 1


def test_png_opens_in_print_quality(curve: Curve) -> None:
    for drawn in (curve, Curve(), Curve([1, 2], [2.3, float("nan")], [0.1, 0.1], [0.1, 0.2], [8, 8])):
        with Image.open(io.BytesIO(curve_png("mine", drawn))) as image:
            image.load()

            assert image.format == "PNG"
            assert image.width >= 1500


def test_curve_that_grows_meanwhile_is_drawn_up_to_its_last_whole_step() -> None:
    """A reader adds a step to one list after the other."""
    curve = Curve(steps=[1, 2, 3], losses=[2.0, 1.0, 0.5], learning_rates=[0.1, 0.1], seconds=[0.5], images=[8])

    assert len(curve_csv(curve).splitlines()) == 2
    assert curve_png("grows", curve).startswith(b"\x89PNG")
    curve.losses.append(0.1)
    assert curve_png("grows", curve).startswith(b"\x89PNG")
