"""Data-parallel training: several processes train one network, each on its part of every batch.

Lightning Fabric's DDP averages their gradients in every step, so that all hold the same weights. Without batch
normalisation the losses are those of one process, within rounding. On GPUs batch normalisation is torch's
SyncBatchNorm, with the statistics of the whole batch. torch has none for CPUs: there each process takes the statistics
of its own part, and the losses differ a little.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn


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
