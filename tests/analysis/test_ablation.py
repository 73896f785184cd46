"""What is switched off gives nothing; everything else, and the network itself, stays as it was."""

from __future__ import annotations

import copy

import pytest
import torch

from vgg_demo.analysis.ablation import pruned, without_channels
from vgg_demo.config import ModelConfig
from vgg_demo.model import VGG

CONFIGS = {
    "plain": ModelConfig("vgg7", width=0.1, image_size=16, channels=1, init="he"),
    "batch norm": ModelConfig("vgg7", width=0.1, image_size=16, channels=1, batch_norm=True),
    "pool first": ModelConfig("vgg7", width=0.1, image_size=16, channels=1, batch_norm=True, pool_first=True),
}


@pytest.fixture(params=CONFIGS)
def network(request: pytest.FixtureRequest) -> VGG:
    torch.manual_seed(1)
    network = VGG(CONFIGS[request.param])
    network(torch.rand(32, 1, 16, 16))
    return network.eval()


def after_relu(network: VGG, images: torch.Tensor, index: int) -> torch.Tensor:
    """What comes out of the ReLU that follows features.{index}: (N, C, h, w)."""
    values = images
    for place, layer in enumerate(network.features):
        values = layer(values.clone())
        if place > index and isinstance(layer, torch.nn.ReLU):
            break
    return values


@torch.inference_mode()
def test_channel_switched_off_gives_nothing_and_the_others_the_same(network: VGG) -> None:
    images = torch.rand(4, 1, 16, 16)
    index = [place for place, layer in enumerate(network.features) if isinstance(layer, torch.nn.Conv2d)][1]
    before = copy.deepcopy(network.state_dict())

    changed = without_channels(network, index, [0, 3])

    real, now = after_relu(network, images, index), after_relu(changed, images, index)
    assert (now[:, [0, 3]] == 0).all()
    others = [channel for channel in range(real.shape[1]) if channel not in (0, 3)]
    torch.testing.assert_close(now[:, others], real[:, others])
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


@torch.inference_mode()
def test_nothing_switched_off_changes_nothing(network: VGG) -> None:
    images = torch.rand(4, 1, 16, 16)

    torch.testing.assert_close(without_channels(network, 0, [])(images), network(images))
    torch.testing.assert_close(pruned(network, "features.0", 0.0)(images), network(images))


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last], ids=["contiguous", "channels_last"])
@pytest.mark.parametrize("name", ["features.0", "classifier.0"])
@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_pruning_sets_the_smallest_weights_to_0_as_torch_prunes_them(
    network: VGG, share: float, name: str, memory: torch.memory_format
) -> None:
    from torch.nn.utils import prune

    network = network.to(memory_format=memory)  # type: ignore[call-overload]  # channels_last as a checkpoint is loaded
    reference = copy.deepcopy(network.get_submodule(name))
    prune.l1_unstructured(reference, "weight", amount=share)

    changed = pruned(network, name, share)

    torch.testing.assert_close(changed.get_parameter(f"{name}.weight"), reference.weight)
