"""Several processes that train one network together, each on its part of every batch.

torchrun starts them. Lightning Fabric's DDP averages their gradients in every step, so that all hold the same weights.
Without batch normalisation the losses are a single process's, within rounding. Batch normalisation on GPUs is torch's
SyncBatchNorm, which takes its statistics over the whole batch. torch has none for CPUs: there each process takes them
over its own part, so the losses differ a little from a single process's.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

LONGEST_SILENCE = timedelta(days=7)  # a pause may be long; a process that dies is noticed at once


@contextmanager
def process_group(backend: str) -> Iterator[None]:
    """Connect the processes that torchrun started.

    The group's threads must end with it: a process that ends before they do can be aborted by them. They live as long
    as something refers to the group, as a network in training does. torch.distributed.nn refers to it for ever, unless
    it was imported before the group was made.
    Source: https://github.com/pytorch/pytorch/issues/190489.
    """
    import torch.distributed.nn  # noqa: F401

    dist.init_process_group(backend, timeout=LONGEST_SILENCE)
    try:
        yield
    finally:
        dist.destroy_process_group()


def broadcast_object(value: Any) -> Any:
    """Process 0's value, in every process."""
    values = [value]
    dist.broadcast_object_list(values, 0, device=torch.device("cpu"))
    return values[0]


def scale_loss(loss: torch.Tensor, share: float, processes: int) -> torch.Tensor:
    """Scale the mean loss of one process's images so that the mean over the processes is the whole batch's.

    share: of the batch, 0 to 1, that this process has; at 0 the loss, a mean over no image, is NaN and becomes 0.
    """
    if processes == 1:
        return loss
    return (loss if share else loss.nan_to_num(0.0)) * (share * processes)


def with_sync_batch_norm(network: nn.Module) -> nn.Module:
    """The same network, with the very same weights, whose batch normalisation looks at the batch of all processes.

    The given network stays as it is: evaluation and diagnosis use it in one process alone.
    """
    shared: dict[int, Any] = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    twin = copy.deepcopy(network, shared)
    converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(twin)  # type: ignore[no-untyped-call]
    return converted
