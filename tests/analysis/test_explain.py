"""What a network saw, against hooks, loops and equations written here."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from tests.helpers import python_calls
from vgg_demo.analysis import explain
from vgg_demo.analysis.explain import ConvLayer
from vgg_demo.config import ModelConfig
from vgg_demo.model import VGG
from vgg_demo.transforms import story_transform

TINY = ModelConfig("vgg7", 0.1, 28, 1, True, "linear", "he")
COLOURED = ModelConfig("vgg16", 1 / 32, 32, 3, False, "mlp", "he")


def tiny(config: ModelConfig = TINY) -> VGG:
    torch.manual_seed(0)
    return VGG(config).eval()


@pytest.fixture
def image() -> torch.Tensor:
    """A ring: uint8 (1, 1, 28, 28)."""
    y, x = torch.meshgrid(torch.arange(28), torch.arange(28), indexing="ij")
    distance = ((y - 12) ** 2 + (x - 15) ** 2).sqrt()
    return (((distance - 7).abs() < 1.6) * 230).to(torch.uint8)[None, None]


def as_input(image: torch.Tensor, config: ModelConfig) -> torch.Tensor:
    """The story's transform, image by image."""
    picture = Image.fromarray(image[0, 0].numpy())
    return story_transform(config.image_size, config.channels)(picture)[None]


@pytest.mark.parametrize("config", [COLOURED, replace(COLOURED, pool_first=True)])
def test_conv_layers_of_vgg16_are_two_two_three_three_three(config: ModelConfig) -> None:
    layers = explain.conv_layers(tiny(config))

    assert [(layer.block, layer.number) for layer in layers] == [
        (1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3), (4, 1), (4, 2), (4, 3), (5, 1), (5, 2), (5, 3),
    ]  # fmt: skip


@pytest.mark.parametrize("config", [TINY, COLOURED])
def test_feature_maps_equal_what_hooks_catch_in_a_forward_pass(config: ModelConfig, image: torch.Tensor) -> None:
    network = tiny(config)
    caught: list[torch.Tensor] = []
    for layer in network.features:
        if isinstance(layer, nn.ReLU):
            layer.register_forward_hook(lambda _layer, _inputs, output: caught.append(output[0].clone()))
    with torch.no_grad():
        network(as_input(image, config))
    expected, caught = caught, []

    found = explain.feature_maps(network, image)

    assert len(found) == len(expected)
    for maps, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(maps.maps, wanted, atol=0.02, rtol=0.02)  # PIL resizes in 8 bits


def test_feature_maps_count_silent_channels_and_order_the_others() -> None:
    maps = torch.zeros(4, 3, 3)
    maps[1], maps[3, 0, 0] = 1.0, 2.0

    found = explain.FeatureMaps(ConvLayer(1, 1, 0, 0), maps)

    assert found.silent == 2
    assert found.strongest(3) == [1, 3, 0]


@pytest.mark.parametrize("digit", [3, 8])
@pytest.mark.parametrize(("config", "index"), [(TINY, -1), (TINY, 2), (COLOURED, 5)])
def test_class_activation_equals_grad_cam_by_hand(
    config: ModelConfig, index: int, digit: int, image: torch.Tensor
) -> None:
    network = tiny(config)
    layer = explain.conv_layers(network)[index]
    first, rest = network.features[: layer.index + 1], network.features[layer.index + 1 :]
    maps = first(as_input(image, config)).detach().requires_grad_()  # A: (1, K, h, w)
    logit = network.classifier(rest(maps.clone()).flatten(1))[0, digit]
    (gradient,) = torch.autograd.grad(logit, maps)
    weights = gradient.mean((2, 3), keepdim=True)  # equation 1
    expected = (weights * maps.detach()).sum(1, keepdim=True).relu()  # equation 2
    expected = F.interpolate(expected, (28, 28), mode="bilinear")[0, 0]

    found = explain.class_activation(network, image, digit, layer)

    assert found.shape == (28, 28)
    assert not found.requires_grad
    torch.testing.assert_close(found, expected, atol=0.02 * float(expected.max()) + 1e-9, rtol=0.05)


def test_class_activation_leaves_the_network_as_it_was(image: torch.Tensor) -> None:
    network = tiny()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    inputs = as_input(image, TINY)
    calls = python_calls(lambda: network(inputs))

    explain.class_activation(network, image, 0)

    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert python_calls(lambda: network(inputs)) == calls  # no hook is left
    assert all(layer.inplace for layer in network.modules() if isinstance(layer, nn.ReLU))


def test_class_activation_asked_by_two_threads_at_once_answers_each_its_own(image: torch.Tensor) -> None:
    network = tiny()
    images = [image, image.flip(3)]
    expected = [explain.class_activation(network, one, 5) for one in images]
    found: list[list[torch.Tensor]] = [[], []]

    def ask(which: int) -> None:
        for _repeat in range(15):
            found[which].append(explain.class_activation(network, images[which], 5))

    threads = [threading.Thread(target=ask, args=(which,)) for which in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for which in range(2):
        assert len(found[which]) == 15
        assert all(torch.allclose(one, expected[which], atol=1e-5) for one in found[which])


@pytest.mark.parametrize(
    ("config", "place"),
    [
        (TINY, (3, 2)),  # 7x7
        (replace(TINY, pool_first=True), (2, 2)),  # 7x7; after block 3's pool it is 3x3
        (COLOURED, (4, 3)),  # block 5 is 2x2
        (ModelConfig("vgg16", 1 / 64, 224, 3), (5, 3)),  # 14x14
        (ModelConfig("vgg4", 0.1, 8, 1), (2, 1)),  # block 3 is 2x2
    ],
)
def test_default_cam_layer_is_the_deepest_blocks_last_with_at_least_four_pixels(
    config: ModelConfig, place: tuple[int, int]
) -> None:
    layer = explain.default_cam_layer(tiny(config))

    assert (layer.block, layer.number) == place


@pytest.mark.parametrize(("patch", "stride"), [(4, 2), (7, 5)])
def test_occlusion_equals_hiding_every_place_in_turn(image: torch.Tensor, patch: int, stride: int) -> None:
    network = tiny()

    def probability(shown: torch.Tensor) -> float:
        with torch.no_grad():
            return network(as_input(shown, TINY)).softmax(1)[0, 2].item()

    before = probability(image)
    lost: dict[tuple[int, int], list[float]] = {place: [] for place in product(range(28), range(28))}
    for top, left in product(sorted({*range(0, 29 - patch, stride), 28 - patch}), repeat=2):
        hidden = image.clone()
        hidden[:, :, top : top + patch, left : left + patch] = 0
        after = probability(hidden)
        for place in product(range(top, top + patch), range(left, left + patch)):
            lost[place].append(before - after)
    expected = torch.tensor([np.mean(lost[place]) for place in sorted(lost)], dtype=torch.float32).view(28, 28)
    calls: list[tuple[int, int]] = []

    found = explain.occlusion(network, image, 2, patch, stride, lambda *progress: calls.append(progress))

    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-3)
    assert calls[-1][0] == calls[-1][1] == len({*range(0, 29 - patch, stride), 28 - patch}) ** 2


def test_probabilities_at_temperatures_follow_the_equation() -> None:
    logits = [2.0, -1.0, *[0.0] * 8]

    for temperature in (0.5, 1.0, 5.0):
        powers = np.exp(np.array(logits) / temperature)
        np.testing.assert_allclose(explain.probabilities_at(logits, temperature), powers / powers.sum(), rtol=1e-6)


def test_plain_resize_is_the_storys_resize_of_the_whole_canvas() -> None:
    canvas = np.zeros((280, 280, 4), np.uint8)
    canvas[..., 3] = 255
    canvas[30:90, 200:215, :3] = 255
    expected = story_transform(28, 1)(Image.fromarray(canvas).convert("RGB"))

    found = explain.plain_resize(canvas)

    assert found.shape == (1, 1, 28, 28)
    np.testing.assert_allclose(found[0].float() / 127.5 - 1, expected, atol=2 / 255)


@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3), (40, 60, 4)])
def test_plain_resize_takes_grey_colour_and_transparency(shape: tuple[int, ...]) -> None:
    found = explain.plain_resize(np.full(shape, 200, np.uint8))

    transparent = round(200 * 200 / 255 + 255 * 55 / 255)
    assert found.unique().tolist() == [transparent if len(shape) == 3 and shape[2] == 4 else 200]


def test_logit_change_of_a_network_that_ignores_its_input_is_nothing(image: torch.Tensor) -> None:
    network = tiny()
    assert explain.logit_change(network, image) > 1e-3

    nn.init.zeros_(network.features[0].weight)  # type: ignore[arg-type]

    assert explain.logit_change(network, image) == 0
