"""Several processes that train one network together, each on its part of every batch.

torchrun starts them. Their gradients are averaged in every step, so that all hold the same weights, and batch
normalisation takes its statistics over the whole batch: the losses are a single process's, within rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from vgg_demo.schedule import LearningRateOverride

LONGEST_SILENCE = timedelta(days=7)  # a pause may be long; a process that dies is noticed without waiting


class Team:
    """The processes that train together; usually this one alone. rank counts from 0, the one that leads."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @property
    def part(self) -> slice:
        """Which images of a batch are this process's."""
        return slice(self.rank, None, self.size)

    def weigh(self, loss: torch.Tensor, share: float) -> torch.Tensor:
        """The mean loss of this process's part, as a share of the batch, so that the processes' mean is the batch's."""
        if self.size == 1:
            return loss
        return (loss if share else loss.nan_to_num(0.0)) * (share * self.size)  # the mean over no image is NaN

    def mean(self, loss: torch.Tensor) -> float:
        """The mean of what weigh gave each process: the batch's loss."""
        if self.size == 1:
            return loss.item()
        return _all_reduce(loss.detach()).item() / self.size

    def prepare(self, network: nn.Sequential) -> None:
        """Let the batch normalisation in these layers look at the whole batch. In place."""
        for i, layer in enumerate(network):
            if self.size > 1 and isinstance(layer, nn.BatchNorm2d):
                network[i] = WholeBatchNorm2d(layer.num_features)

    def tell(self, go_on: bool, override: LearningRateOverride | None) -> None:
        """Say to the others, after an event, whether to go on, and at which learning rate if one is set by hand."""
        if self.size > 1:
            rate = (override.value, override.step) if override else (math.nan, 0)
            dist.broadcast(torch.tensor([go_on, *rate], dtype=torch.float64), 0)

    def hear(self) -> tuple[bool, LearningRateOverride | None]:
        """What the leader told."""
        word = torch.zeros(3, dtype=torch.float64)
        dist.broadcast(word, 0)
        go_on, value, step = word.tolist()
        return bool(go_on), None if math.isnan(value) else LearningRateOverride(value, int(step))

    def hand_out(self, value: Any) -> Any:
        """The leader's value, in every process."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, 0, device=torch.device("cpu"))
        return values[0]


@contextmanager
def process_group(backend: str) -> Iterator[Team]:
    """What this process and the others that torchrun started talk through. Yields its place among them.

    The group's threads end with it: a process that ends before they do can be aborted by them. They live as long as
    anything refers to the group, as a network in training does; torch.distributed.nn, where it is loaded while there is
    a group, refers to it for ever.
    Source: https://github.com/pytorch/pytorch/issues/190489.
    """
    import torch.distributed.nn  # noqa: F401

    dist.init_process_group(backend, timeout=LONGEST_SILENCE)
    try:
        yield Team(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


class WholeBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation over the batch of all processes. torch's own SyncBatchNorm does this on GPUs only.

    Without gradients it is nn.BatchNorm2d: whoever looks into the network of one process is alone.
    Source: Ioffe and Szegedy, "Batch Normalization", ICML 2015.
    """

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """maps: (N, C, H, W), N may be 0. Returns the same shape."""
        if not (self.training and torch.is_grad_enabled()):
            alone: torch.Tensor = super().forward(maps)
            return alone
        values = maps.to(torch.promote_types(maps.dtype, torch.float32))
        count = values.new_tensor([values.numel() / self.num_features])
        *sums, count = SumOverProcesses.apply(torch.cat([values.sum((0, 2, 3)), count])).split(self.num_features)
        mean = sums[0] / count  # (C,)
        centred = values - mean[:, None, None]
        variance = SumOverProcesses.apply((centred**2).sum((0, 2, 3))) / count  # (C,)
        self._remember(mean.detach(), (variance * count / (count - 1)).detach())
        scale = self.weight * torch.rsqrt(variance + self.eps)
        outputs: torch.Tensor = centred * scale[:, None, None] + self.bias[:, None, None]
        return outputs.to(maps.dtype)

    def _remember(self, mean: torch.Tensor, variance: torch.Tensor) -> None:
        """Take a batch's figures into the running ones, that evaluation uses."""
        assert self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None
        self.running_mean.lerp_(mean, self.momentum or 0.0)
        self.running_var.lerp_(variance, self.momentum or 0.0)
        self.num_batches_tracked += 1


class SumOverProcesses(torch.autograd.Function):
    """The sum of a tensor over all processes; each one's gradient is the sum of all gradients."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor) -> torch.Tensor:
        """Any shape; returns the same."""
        return _all_reduce(values)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        """Any shape; returns the same."""
        return _all_reduce(gradient)


def _all_reduce(values: torch.Tensor) -> torch.Tensor:
    total = values.clone()
    dist.all_reduce(total)
    return total
