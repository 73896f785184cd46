"""Kept answers: cells, galleries and their way to disk and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.data import Digits
from vgg_demo.errors import CheckpointError
from vgg_demo.evaluation import predict, sample_indices, seconds_per_image, summarise_predictions
from vgg_demo.model import VGG
from vgg_demo.predictions import Predictions, load_predictions, save_predictions
from vgg_demo.runs.checkpoints import find_checkpoint


@pytest.fixture(scope="module")
def network() -> VGG:
    return load_checkpoint(find_checkpoint("best"))[0]


@pytest.fixture
def few() -> Predictions:
    """Six answers: three fours read as nine, one right four, a nine read as four, a right one."""
    sure = [2.0, 5.0, 3.0, 4.0, 1.0, 6.0]
    logits = np.zeros((6, 10), np.float32)
    for row, (answer, strength) in enumerate(zip([9, 9, 9, 4, 4, 1], sure, strict=True)):
        logits[row, answer] = strength
    return Predictions(logits, np.array([4, 4, 4, 4, 9, 1]), np.arange(100, 106), 10_000)


def test_cell_lists_its_images_most_confident_first(few: Predictions) -> None:
    assert few.cell(4, 9).tolist() == [1, 2, 0]
    assert few.cell(9, 4).tolist() == [4]
    assert few.cell(0, 0).tolist() == []


def test_mistakes_are_ordered_and_filtered_as_asked(few: Predictions) -> None:
    assert few.mistakes().tolist() == [1, 2, 0, 4]
    assert few.mistakes(least_confident_first=True).tolist() == [4, 0, 2, 1]
    assert few.mistakes(digit=9).tolist() == [4]


def test_predictions_saved_and_loaded_are_the_same(few: Predictions, tmp_path: Path) -> None:
    save_predictions(tmp_path / "deep" / "answers.safetensors", few)

    loaded = load_predictions(tmp_path / "deep" / "answers.safetensors")

    assert loaded is not None
    np.testing.assert_array_equal(loaded.logits, few.logits)
    np.testing.assert_array_equal(loaded.indices, few.indices)
    assert (loaded.available, loaded.is_sample, loaded.matrix) == (10_000, True, few.matrix)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["answers.safetensors"]


@pytest.mark.parametrize("content", [b"", b"{}", b"\x08\0\0\0\0\0\0\0{}      "])
def test_predictions_of_a_damaged_file_are_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "answers.safetensors").write_bytes(content)

    assert load_predictions(tmp_path / "answers.safetensors") is None
    assert load_predictions(tmp_path / "missing.safetensors") is None


def test_predict_keeps_what_evaluate_counts(mnist: tuple[Digits, Digits], network: VGG) -> None:
    digits = mnist[1][:700]

    kept = predict(network, digits)
    result = summarise_predictions(predict(network, digits))

    assert kept.matrix == result.confusion_matrix
    assert int(kept.is_right.sum()) == result.correct
    assert kept.labels.tolist() == digits.labels.tolist()


def test_predict_of_a_sample_points_back_into_the_set(mnist: tuple[Digits, Digits], network: VGG) -> None:
    sample = sample_indices(10_000, 60)

    kept = predict(network, mnist[1], sample=sample)

    assert (len(kept), kept.available, kept.is_sample) == (60, 10_000, True)
    assert kept.indices.tolist() == sample.tolist()
    assert kept.labels.tolist() == mnist[1].labels[sample].tolist()


def test_sample_indices_are_the_same_every_time_and_from_everywhere() -> None:
    sample = sample_indices(10_000, 500)

    assert torch.equal(sample, sample_indices(10_000, 500))
    assert len(set(sample.tolist())) == 500
    assert 150 < int((sample >= 5_000).sum()) < 350


def test_predict_stopped_by_its_progress_ends(mnist: tuple[Digits, Digits], network: VGG) -> None:
    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        predict(network, mnist[1], stop)


def test_predict_with_infinite_answers_says_so(mnist: tuple[Digits, Digits], network: VGG) -> None:
    broken = VGG(replace(network.config))
    torch.nn.init.constant_(broken.classifier[-1].bias, float("inf"))

    with pytest.raises(CheckpointError, match="not all numbers"):
        predict(broken, mnist[1][:20])


def test_seconds_per_image_is_a_positive_time(mnist: tuple[Digits, Digits], network: VGG) -> None:
    assert seconds_per_image(network, mnist[1][:20]) > 0
