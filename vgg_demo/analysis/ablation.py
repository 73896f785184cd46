"""Switch parts of a network off: channels of a layer, or its smallest weights. The network itself stays as it is."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import nn

from vgg_demo.model import VGG


@torch.no_grad()
def without_channels(network: VGG, index: int, channels: Iterable[int]) -> VGG:
    """A copy in which some channels of the convolution features.{index} are 0 for every image."""
    changed = copy.deepcopy(network).eval()
    off = sorted(set(channels))
    for layer in changed.features[index : index + 3]:  # the convolution and its batch norm; a pool may stand between
        if isinstance(layer, nn.Conv2d) and layer is not changed.features[index]:
            break
        if isinstance(layer, nn.Conv2d | nn.BatchNorm2d):
            assert layer.bias is not None
            layer.weight[off] = 0
            layer.bias[off] = 0
    return changed


@torch.no_grad()
def pruned(network: VGG, name: str, share: float) -> VGG:
    """A copy in which the smallest share of a layer's weights, by size, are 0. name: "features.0", "classifier.2"."""
    changed = copy.deepcopy(network).eval()
    weight = changed.get_submodule(name).weight
    assert isinstance(weight, torch.Tensor)
    smallest = weight.abs().flatten().argsort(stable=True)[: round(share * weight.numel())]
    kept = torch.ones(weight.numel(), device=weight.device)
    kept[smallest] = 0
    weight.mul_(kept.view(weight.shape))  # not through a view of the weight: in channels_last that is a copy
    return changed
