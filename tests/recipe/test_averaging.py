"""Averaged weights and self-distillation in a training, against their formulas."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric

from tests.test_training import SHORT, few, losses
from vgg_demo.data import Digits, epoch_order, split_train
from vgg_demo.training import StepEvent, Training
from vgg_demo.transforms import transform_batch

__all__ = ["few"]  # the fixture


def test_training_averaged_weights_follow_the_formula(few: Digits, fabric: Fabric) -> None:
    training = Training(SHORT.with_changes(steps=5, average_weights=0.3), few, fabric)
    expected = training.network.classifier[0].weight.detach().clone()

    for step, event in enumerate(training.run(), 1):
        if isinstance(event, StepEvent):
            keep = min(0.3, (1 + step) / (10 + step))  # TensorFlow's ExponentialMovingAverage
            expected = keep * expected + (1 - keep) * training.network.classifier[0].weight.detach()

    assert training.trained_network is not training.network
    torch.testing.assert_close(training.trained_network.classifier[0].weight, expected)


def test_training_self_distillation_mixes_the_labels_with_the_averaged_networks_answers(
    few: Digits, fabric: Fabric
) -> None:
    config = SHORT.with_changes(steps=4, average_weights=0.9, self_distillation=0.25, label_smoothing=0.1)
    training = Training(config, few, fabric)
    student, teacher = copy.deepcopy(training.network), copy.deepcopy(training.network).eval()
    optimizer = torch.optim.Adam(student.parameters(), config.train.learning_rate)
    expected = []
    for step in range(1, 5):
        images, labels = training.next_batch(epoch_order(160, config.train.seed, 0)[32 * (step - 1) : 32 * step])
        logits, answers = student(images), teacher(images).detach().softmax(1)
        loss = 0.75 * F.cross_entropy(logits, labels, label_smoothing=0.1)
        loss = loss - 0.25 * (answers * logits.log_softmax(1)).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        keep = min(0.9, (1 + step) / (10 + step))
        for mine, theirs in zip(teacher.state_dict().values(), student.state_dict().values(), strict=True):
            mine.copy_(keep * mine + (1 - keep) * theirs if mine.is_floating_point() else theirs)
        expected.append(loss.item())

    assert losses(list(training.run())) == pytest.approx(expected, rel=1e-4)


def test_training_averaged_weights_end_with_the_statistics_of_undistorted_digits(few: Digits, fabric: Fabric) -> None:
    config = SHORT.with_changes(steps=5, average_weights=0.9, augment=1.0, dropout=0.5)
    training = Training(config, few, fabric)

    list(training.run())

    images = transform_batch(split_train(few, 40, config.train.seed)[0].images, config.model)
    assert training.average is not None
    network, average = training.trained_network, training.average.module
    assert not network.training
    with torch.no_grad():
        convolved = network.features[0](images[:100]), network.features[0](images[100:])
    means = [part.mean((0, 2, 3)) for part in convolved]
    found = network.features[1].running_mean
    torch.testing.assert_close(found, (means[0] + means[1]) / 2, rtol=1e-3, atol=1e-3)  # sums of 78,400 float32
    assert (average.features[1].running_mean - found).abs().max() > 0.01
    for mine, theirs in zip(average.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)
