"""What a training costs: its time as measured, its memory as estimated, its work as counted by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.helpers import PROJECT, TINY
from vgg_demo.architecture import forward_flops
from vgg_demo.config import ModelConfig
from vgg_demo.model import VGG
from vgg_demo.presets import PRESETS, get_preset
from vgg_demo.runs.cost import (
    estimate_memory,
    estimate_seconds,
    main,
    measure_step,
    record_speed,
)
from vgg_demo.runs.store import create_run
from vgg_demo.text import format_bytes, format_duration

MEASURED = {
    "classroom": get_preset("classroom").config.with_changes(steps=3, batch_size=512),
    "blog-mini, wide": get_preset("blog-mini").config.with_changes(width=0.75, steps=3),
    "many activations": get_preset("bn-mini").config.with_changes(image_size=64, batch_size=64, steps=3),
}


# by way of a small process: Linux counts the memory of the parent as the child's own
PEAK_OF_CHILD = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "vgg_demo.runs.worker", sys.argv[1]])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", MEASURED)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts a child's memory in kilobytes")
def test_memory_estimated_is_near_what_a_real_run_takes(home: Path, name: str) -> None:
    run = create_run(MEASURED[name].with_changes(validation_images=100))
    done = subprocess.run([sys.executable, "-c", PEAK_OF_CHILD, str(run.path)], cwd=PROJECT, capture_output=True)

    assert run.status().state == "finished", run.status().reason
    peak = int(done.stdout.split()[-1]) * 1024
    assert peak / 1.6 < estimate_memory(run.config()) < peak * 1.6


def test_memory_grows_with_batch_width_image_and_optimiser() -> None:
    base = get_preset("bn-mini").config
    bigger = [{"batch_size": 64}, {"width": 0.5}, {"image_size": 128}, {"average_weights": 0.9}]

    for change in bigger:
        assert estimate_memory(base.with_changes(**change)) > estimate_memory(base)
    assert estimate_memory(base.with_changes(optimizer="sgd")) < estimate_memory(base)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.01, "1 s"), (8.4, "8 s"), (89.4, "89 s"), (90, "2 min"), (600, "10 min"), (5399, "90 min"), (54_000, "15 h")],
)
def test_duration_is_said_as_a_person_says_it(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(640_000_000, "640 MB"), (3_200_000_000, "3.2 GB"), (1e9, "1.0 GB"), (999_700_000, "1.0 GB")]
)
def test_memory_is_said_as_a_person_says_it(count: float, text: str) -> None:
    assert format_bytes(count) == text


def test_speed_recorded_is_estimated_for_what_takes_as_long_and_nothing_else(home: Path) -> None:
    assert estimate_seconds(TINY) is None

    record_speed(TINY, 0.5)

    assert estimate_seconds(TINY) == pytest.approx(0.5 * 6875)  # 55,000 images, 8 at a time
    assert estimate_seconds(TINY.with_changes(steps=10, seed=3, learning_rate=0.5)) == pytest.approx(5)
    for change in (
        {"batch_size": 16},
        {"width": 0.1},
        {"augment": 0.5},
        {"handwriting_styles": 0.5},
        {"precision": "bf16-mixed"},
    ):
        assert estimate_seconds(TINY.with_changes(**change)) is None


@pytest.mark.parametrize("content", ["", "{", "[1]", "null"])
def test_speeds_that_cannot_be_read_are_measured_again(home: Path, content: str) -> None:
    (home / ".speed.json").write_text(content)
    assert estimate_seconds(TINY) is None

    record_speed(TINY, 0.5)

    assert estimate_seconds(TINY.with_changes(steps=2)) == pytest.approx(1)


def test_speed_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    monkeypatch.setenv("VGG_DEMO_HOME", str(blocked))

    record_speed(TINY, 0.5)

    assert estimate_seconds(TINY) is None


def test_step_measured_takes_some_time_and_leaves_the_config_alone() -> None:
    config = TINY.with_changes(steps=3)

    assert 0 < measure_step(config) < 10
    assert config == TINY.with_changes(steps=3)


def test_work_of_a_small_network_equals_a_count_by_hand() -> None:
    model = ModelConfig("vgg4", width=1 / 64, image_size=8, channels=1, classifier="linear")
    # convolutions 1 to 1 on 8x8, 1 to 2 on 4x4, 2 to 4 on 2x2, each 3x3; then 4 values to 10 answers
    by_hand = 2 * (9 * 1 * 1 * 64 + 9 * 1 * 2 * 16 + 9 * 2 * 4 * 4 + 4 * 10)

    assert forward_flops(model) == by_hand


@pytest.mark.parametrize(
    "model",
    [ModelConfig("vgg11", 0.25, 32), ModelConfig("vgg16", 0.1, 32), ModelConfig("vgg7", 0.5, 28, 1, True, "linear")],
)
def test_work_equals_torchs_own_count(model: ModelConfig) -> None:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        VGG(model).eval()(torch.zeros(1, model.channels, model.image_size, model.image_size))

    assert forward_flops(model) == counter.get_total_flops()


def test_measuring_ends_when_its_time_is_over(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def measure(_config: object) -> float:
        clock[0] += 20
        return 0.5

    monkeypatch.setattr("vgg_demo.runs.cost.measure_step", measure)
    monkeypatch.setattr("vgg_demo.runs.cost.time.monotonic", lambda: clock[0])

    main([], seconds=45)

    assert sum(estimate_seconds(preset.config) is not None for preset in PRESETS.values()) == 3
