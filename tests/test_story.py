"""The story in miniature: what the presets promise, through the command line, on the whole of MNIST."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.test_cli import vgg_demo
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.data import Digits
from vgg_demo.evaluation import predict_logits
from vgg_demo.runs.store import Run

pytestmark = pytest.mark.slow


def train(preset: str, *arguments: str) -> dict[str, Any]:
    trained = vgg_demo("train", "--preset", preset, "--run", "story", *arguments, "--json")
    assert trained.returncode == 0, trained.stderr
    return dict(json.loads(trained.stdout))


def test_blog_mini_on_another_processor_gives_the_storys_answer_to_every_image(
    story_run: Run, mnist: tuple[Digits, Digits]
) -> None:
    network = load_checkpoint(story_run.checkpoint_path)[0]
    with torch.no_grad():
        logits = predict_logits(network, mnist[1].images[:1000])

    result = story_run.status().result
    assert result is not None
    assert result["average_loss"] == pytest.approx(2.302, abs=0.005)
    assert logits.argmax(1).tolist() == [1] * 1000
    highest, second = logits[0].topk(2).values.tolist()
    spread = (logits - logits[0]).abs().max()  # over a thousand images
    assert spread < 0.001 * (highest - second)  # so that no other image can have another answer
    assert (mnist[1].labels == 1).sum() == 1135  # of 10,000: an accuracy of 11.35 %


def test_bn_mini_learns(home: Path) -> None:
    assert train("bn-mini", "--steps", "60")["average_loss"] < 2


def test_classroom_after_its_default_run_reads_over_99_percent(home: Path) -> None:
    run = train("classroom")

    assert run["val_accuracy"] > 0.98
    result = json.loads(vgg_demo("evaluate", "--checkpoint", "story", "--json").stdout)
    assert result["accuracy"] > 0.99
