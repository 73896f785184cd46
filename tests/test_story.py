"""The story in miniature: what the presets promise, through the command line, on the whole of MNIST."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.test_cli import vgg_demo, vgg_demo_process

pytestmark = pytest.mark.slow


def train(preset: str, *arguments: str) -> dict[str, Any]:
    trained = vgg_demo("train", "--preset", preset, "--run", "story", *arguments, "--json")
    assert trained.returncode == 0, trained.stderr
    return dict(json.loads(trained.stdout))


def evaluate(command: Callable[..., CompletedProcess[str]] = vgg_demo) -> dict[str, Any]:
    return dict(json.loads(command("evaluate", "--checkpoint", "story", "--json").stdout))


# What makes torch compute as a processor with AVX2 only: its own kernels and oneDNN's. Each rounds in its own way, and
# a network that fails by a hair fails on one processor and learns on another.
AVX2_ONLY = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "OMP_NUM_THREADS": "1"}


def test_blog_mini_on_another_processor_gives_the_storys_answer_to_every_image(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in AVX2_ONLY.items():
        monkeypatch.setenv(name, value)

    run, result = train("blog-mini"), evaluate(vgg_demo_process)

    assert run["average_loss"] == pytest.approx(2.302, abs=0.005)
    answers = [sum(column) for column in zip(*result["confusion_matrix"], strict=True)]
    assert answers == [0, 10_000, 0, 0, 0, 0, 0, 0, 0, 0]
    assert result["accuracy"] == 0.1135


def test_fixed_mini_reads_over_80_percent(home: Path) -> None:
    train("fixed-mini")

    assert evaluate()["accuracy"] > 0.8


def test_bn_mini_learns(home: Path) -> None:
    assert train("bn-mini", "--steps", "60")["average_loss"] < 2


def test_classroom_after_its_default_run_reads_over_99_percent(home: Path) -> None:
    run = train("classroom")

    assert run["val_accuracy"] > 0.98
    assert evaluate()["accuracy"] > 0.99
