"""The map of the last hidden layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from vgg_demo.analysis.embedding import hidden_features, project
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.config import ModelConfig
from vgg_demo.data import Digits
from vgg_demo.errors import CheckpointError
from vgg_demo.evaluation import predict_logits
from vgg_demo.model import VGG
from vgg_demo.runs.checkpoints import find_checkpoint


@pytest.mark.parametrize("classifier", ["linear", "mlp"])
def test_hidden_features_times_the_last_layer_are_the_logits(mnist: tuple[Digits, Digits], classifier: str) -> None:
    network = VGG(ModelConfig("vgg4", 0.1, 28, 1, False, classifier)).eval()  # type: ignore[arg-type]
    digits = mnist[1][:20]

    hidden = hidden_features(network, digits)

    torch.testing.assert_close(network.classifier[-1](hidden.clone()), predict_logits(network, digits.images))


def test_map_puts_digits_beside_their_own_kind(mnist: tuple[Digits, Digits]) -> None:
    network, _header = load_checkpoint(find_checkpoint("best"))
    digits = mnist[1][:200]

    plane = project(hidden_features(network, digits))

    assert plane.shape == (200, 2)
    assert np.isfinite(plane).all()
    labels = digits.labels.numpy()
    assert KNeighborsClassifier(3).fit(plane[:150], labels[:150]).score(plane[150:], labels[150:]) > 0.85


def test_map_of_a_network_that_makes_all_alike_says_so() -> None:
    with pytest.raises(CheckpointError, match="the same of every digit"):
        project(torch.ones(50, 8))
