"""The table of layers against the layers of the real network, and torch's own count of multiplications."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from vgg_demo.architecture import count_parameters, layers_of
from vgg_demo.config import ModelConfig
from vgg_demo.model import VGG
from vgg_demo.presets import PRESETS, get_preset

KINDS = {
    "conv": nn.Conv2d,
    "norm": nn.BatchNorm2d,
    "relu": nn.ReLU,
    "pool": nn.MaxPool2d,
    "linear": nn.Linear,
    "dropout": nn.Dropout,
}
CONFIGS = {
    **{name: preset.config.model for name, preset in PRESETS.items()},
    "odd": ModelConfig("vgg11", width=0.33, image_size=45, channels=1, batch_norm=True, pool_first=True, dropout=0.5),
    "linear, dropout": ModelConfig("vgg4", width=0.1, image_size=9, classifier="linear", dropout=0.1),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_table_has_the_names_kinds_shapes_and_parameters_of_the_network(config: ModelConfig) -> None:
    with torch.device("meta"):
        network = VGG(replace(config, init="pytorch")).eval()
        images = torch.zeros(1, config.channels, config.image_size, config.image_size)
    shapes: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}
    names = {module: name for name, module in network.named_modules() if name.count(".") == 1}

    def note(module: nn.Module, given: tuple[torch.Tensor, ...], made: torch.Tensor) -> None:
        shapes[names[module]] = tuple(given[0].shape[1:]), tuple(made.shape[1:])

    for module in names:
        module.register_forward_hook(note)

    network(images)

    table = layers_of(config)
    assert [layer.name for layer in table] == list(names.values())
    for layer in table:
        module = network.get_submodule(layer.name)
        assert type(module) is KINDS[layer.kind]
        assert (layer.inputs, layer.outputs) == shapes[layer.name]
        assert layer.parameters == sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", ["classroom", "blog-mini", "best"])
def test_multiplications_are_those_that_torch_counts(name: str) -> None:
    config = get_preset(name).config.model
    network = VGG(config).eval()

    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, config.channels, config.image_size, config.image_size))

    assert 2 * sum(layer.multiplications for layer in layers_of(config)) == counter.get_total_flops()


def test_first_linear_layer_of_the_story_holds_85_percent_of_its_121586242_parameters() -> None:
    config = get_preset("blog").config.model

    first = next(layer for layer in layers_of(config) if layer.kind == "linear")

    assert count_parameters(config) == 121_586_242
    assert first.parameters == 512 * 7 * 7 * 4096 + 4096
    assert round(100 * first.parameters / count_parameters(config)) == 85
