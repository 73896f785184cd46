"""Averaged weights, and learning from them: what the preset best adds to the loop in training.py."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from vgg_demo.model import VGG
from vgg_demo.transforms import transform_batch

STATISTICS_IMAGES, STATISTICS_BATCH = 2_000, 100


def exponential_moving_average(network: nn.Module, decay: float) -> AveragedModel:
    """The exponential moving average of a network's weights: often a little better than the last weights.

    Call update_parameters(network) after every step.
    Source: Polyak and Juditsky 1992.
    """

    def update(averaged: Any, current: Any, step: torch.Tensor | int) -> None:  # lists of weights
        get_ema_multi_avg_fn(ema_decay(int(step), decay))(averaged, current, step)  # type: ignore[no-untyped-call]

    average = AveragedModel(network, multi_avg_fn=update, use_buffers=True).eval()
    average.update_parameters(network)  # the first call only copies; from then on n_averaged is the step
    return average


def averaged_network(average: AveragedModel) -> VGG:
    """The network that holds the averaged weights, in eval mode."""
    assert isinstance(average.module, VGG)
    return average.module


def ema_decay(step: int, decay: float) -> float:
    """How much of the average stays at a step, counted from 1: less at first, so that the beginning is forgotten.

    Source: TensorFlow's ExponentialMovingAverage.
    """
    return min(decay, (1 + step) / (10 + step))


@torch.no_grad()
def soft_targets(average: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """The averaged network's probabilities for a batch (N, C, S, S): float32 (N, 10).

    They are nearer the truth than the network's own, and less sure than the labels where a digit was distorted too far.
    Source: the mean teacher of Tarvainen and Valpola 2017.
    """
    logits: torch.Tensor = average(images)
    return logits.float().softmax(1)


def recompute_batch_norm(network: VGG, images: torch.Tensor) -> VGG:
    """A copy of a network with the batch-norm statistics of these training images, without distortion.

    images: uint8 (N, 1, H, W), of which the first 2,000 are used. Averaged statistics are those of distorted digits
    and of networks other than the averaged one.
    Source: Izmailov et al. 2018, section 3.2.
    """
    recomputed = copy.deepcopy(network)
    batches = torch.split(images[:STATISTICS_IMAGES], STATISTICS_BATCH)
    update_bn((transform_batch(batch, network.config) for batch in batches), recomputed)
    return recomputed
