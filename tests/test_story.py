"""The story in miniature: what the presets promise, through the command line, on the whole of MNIST."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.test_cli import vgg_demo

pytestmark = pytest.mark.slow
TEST_DIGITS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]  # how many of each digit the test set has


def train_and_evaluate(preset: str, *arguments: str) -> tuple[dict, dict]:  # type: ignore[type-arg]
    trained = vgg_demo("train", "--preset", preset, "--run", "story", *arguments, "--json")
    assert trained.returncode == 0, trained.stderr
    return json.loads(trained.stdout), json.loads(vgg_demo("evaluate", "--checkpoint", "story", "--json").stdout)


# what makes torch compute as a processor with AVX2 only: its own kernels and oneDNN's; each rounds in its own way
PROCESSORS = {
    "this one": {},
    "AVX2 only": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "OMP_NUM_THREADS": "1"},
}


@pytest.mark.parametrize("processor", PROCESSORS)
def test_blog_mini_on_any_processor_gives_one_answer_to_every_image(
    home: Path, monkeypatch: pytest.MonkeyPatch, processor: str
) -> None:
    for name, value in PROCESSORS[processor].items():
        monkeypatch.setenv(name, value)

    run, result = train_and_evaluate("blog-mini")

    assert run["average_loss"] == pytest.approx(2.302, abs=0.005)
    answers = [sum(column) for column in zip(*result["confusion_matrix"], strict=True)]
    assert sorted(answers)[:9] == [0] * 9
    assert result["accuracy"] == TEST_DIGITS[answers.index(10_000)] / 10_000 == 0.1135


@pytest.mark.parametrize("preset", ["fixed-mini", "bn-mini"])
def test_mended_mini_reads_over_60_percent(home: Path, preset: str) -> None:
    _run, result = train_and_evaluate(preset)

    assert result["accuracy"] > 0.6


def test_classroom_after_its_default_run_reads_over_99_percent(home: Path) -> None:
    run, result = train_and_evaluate("classroom")

    assert run["val_accuracy"] > 0.98
    assert result["accuracy"] > 0.99
