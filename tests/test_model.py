"""The network against torchvision's VGG, the story's layers written out by hand, and the papers."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torchvision
from torch import nn

from vgg_demo.architecture import count_parameters
from vgg_demo.config import ModelConfig
from vgg_demo.errors import ConfigError
from vgg_demo.model import VGG
from vgg_demo.presets import PRESETS, get_preset

POOLS = {"vgg4": 3, "vgg5": 3, "vgg5-slim": 3, "vgg7": 3, "vgg11": 5, "vgg13": 5, "vgg16": 5, "vgg19": 5}
ODD_CONFIGS = [
    ModelConfig("vgg4", width=1 / 64, image_size=8, channels=1),
    ModelConfig("vgg7", width=0.33, image_size=45, batch_norm=True),
    ModelConfig("vgg11", width=0.1, image_size=63, channels=1, classifier="linear"),
    ModelConfig("vgg13", width=2.0, image_size=100, batch_norm=True, init="he"),
    ModelConfig("vgg19", width=1.7, image_size=33),
]


def on_meta(config: ModelConfig) -> VGG:
    """The network with shapes but without weights."""
    with torch.device("meta"):
        return VGG(replace(config, init="pytorch"))


def story_network(width: float, size: int) -> nn.Sequential:
    """The story's VGG-16, layer by layer, with He weights so that the input reaches the logits."""

    def conv(given: int, made: int) -> list[nn.Module]:
        return [nn.Conv2d(given if given == 3 else int(given * width), int(made * width), 3, 1, 1), nn.ReLU()]

    hidden, second = int(4096 * width), int(1000 * width)
    network = nn.Sequential(
        *conv(3, 64), *conv(64, 64), nn.MaxPool2d(2, 2),
        *conv(64, 128), *conv(128, 128), nn.MaxPool2d(2, 2),
        *conv(128, 256), *conv(256, 256), *conv(256, 256), nn.MaxPool2d(2, 2),
        *conv(256, 512), *conv(512, 512), *conv(512, 512), nn.MaxPool2d(2, 2),
        *conv(512, 512), *conv(512, 512), *conv(512, 512), nn.MaxPool2d(2, 2),
        nn.Flatten(),
        nn.Linear(int(512 * width) * (size // 32) ** 2, hidden), nn.ReLU(),
        nn.Linear(hidden, second), nn.ReLU(),
        nn.Linear(second, 10),
    )  # fmt: skip
    for parameter in network.parameters():
        if parameter.dim() > 1:
            nn.init.kaiming_normal_(parameter, nonlinearity="relu")
    return network


@torch.inference_mode()
def assert_same_logits(network: VGG, story: nn.Sequential) -> None:
    size = network.config.image_size
    for mine, theirs in zip(network.parameters(), story.parameters(), strict=True):
        mine.data = theirs.data
    images = torch.rand(2, 3, size, size) * 2 - 1

    logits = network(images)

    reference = story(images)
    assert (reference[0] - reference[1]).abs().max() > 1e-3  # the images make a difference
    torch.testing.assert_close(logits, reference)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("plan", ["vgg11", "vgg13", "vgg16", "vgg19"])
def test_vgg_features_have_the_names_and_shapes_of_torchvision(plan: str, batch_norm: bool) -> None:
    with torch.device("meta"):
        reference = getattr(torchvision.models, plan + "_bn" * batch_norm)().features

    features = on_meta(ModelConfig(plan, batch_norm=batch_norm)).features

    assert {k: v.shape for k, v in features.state_dict().items()} == {
        k: v.shape for k, v in reference.state_dict().items()
    }
    assert sum(p.numel() for p in features.parameters()) == sum(p.numel() for p in reference.parameters())
    assert [type(layer) for layer in features] == [type(layer) for layer in reference]


def test_vgg_dropout_stands_where_torchvisions_does() -> None:
    with torch.device("meta"):
        reference = torchvision.models.vgg16(dropout=0.5).classifier

    classifier = on_meta(ModelConfig("vgg16", dropout=0.5)).classifier

    assert [type(layer) for layer in classifier] == [type(layer) for layer in reference]
    assert [layer.p for layer in classifier if isinstance(layer, nn.Dropout)] == [0.5, 0.5]


def test_vgg_dropout_leaves_out_inputs_of_the_only_linear_layer_in_training_and_none_after() -> None:
    config = ModelConfig("vgg4", 1 / 16, image_size=28, channels=1, classifier="linear", dropout=0.25)
    network, images = VGG(config), torch.rand(64, 1, 28, 28) * 2 - 1
    whole = network.features(images).flatten(1).detach()  # (64, 16 * 9)
    reaching: list[torch.Tensor] = []
    network.classifier[-1].register_forward_pre_hook(lambda _layer, inputs: reaching.append(inputs[0].detach()))

    network(images)
    network.eval()(images)

    is_left_out = (reaching[0] == 0) & (whole != 0)
    assert is_left_out.sum() / (whole != 0).sum() == pytest.approx(0.25, abs=0.03)
    torch.testing.assert_close(reaching[0][~is_left_out], whole[~is_left_out] / 0.75)
    torch.testing.assert_close(reaching[1], whole)


def test_vgg_blog_preset_has_121586242_parameters() -> None:
    config = get_preset("blog").config.model

    network = on_meta(config)

    assert sum(p.numel() for p in network.parameters()) == 121_586_242
    assert count_parameters(config) == 121_586_242


@pytest.mark.parametrize("config", [*(p.config.model for p in PRESETS.values()), *ODD_CONFIGS])
def test_model_config_parameters_equals_the_real_count(config: ModelConfig) -> None:
    network = on_meta(config)

    assert count_parameters(config) == sum(p.numel() for p in network.parameters())


def test_vgg_small_width_gives_the_logits_of_the_story_written_out() -> None:
    torch.manual_seed(0)
    network = VGG(ModelConfig("vgg16", width=1 / 8, image_size=64))

    story = story_network(width=1 / 8, size=64)

    assert_same_logits(network, story)


@pytest.mark.slow
def test_vgg_blog_preset_gives_the_logits_of_the_story_written_out() -> None:
    torch.manual_seed(0)
    network = on_meta(get_preset("blog").config.model).to_empty(device="cpu")

    story = story_network(width=1, size=224)

    assert_same_logits(network, story)


@pytest.mark.parametrize(("plan", "pools"), POOLS.items())
@pytest.mark.parametrize("extra", [0, 1, 13])
def test_vgg_image_size_that_its_pools_allow_gives_ten_logits_an_image(plan: str, pools: int, extra: int) -> None:
    network = VGG(ModelConfig(plan, width=1 / 64, image_size=2**pools + extra))

    logits = network(torch.zeros(2, 3, 2**pools + extra, 2**pools + extra))

    assert logits.shape == (2, 10)


@pytest.mark.parametrize(("plan", "pools"), POOLS.items())
def test_model_config_image_below_what_its_pools_allow_raises_config_error(plan: str, pools: int) -> None:
    with pytest.raises(ConfigError, match=f"image_size: .*{2**pools}"):
        ModelConfig(plan, image_size=2**pools - 1)


def test_vgg_he_init_draws_variance_two_over_fan_in_and_no_bias() -> None:
    torch.manual_seed(0)
    network = VGG(ModelConfig("vgg16", width=0.5, image_size=32, init="he"))

    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]

    assert len(layers) == 16
    for layer in layers:
        fan_in = layer.weight[0].numel()
        tolerance = 4 / (2 * layer.weight.numel()) ** 0.5  # four standard errors of a standard deviation
        assert layer.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=tolerance)
        assert layer.bias.count_nonzero() == 0


def test_vgg_pytorch_init_fills_the_default_bound() -> None:
    torch.manual_seed(0)
    network = VGG(ModelConfig("vgg16", width=0.25, image_size=32))

    convolutions = [layer for layer in network.features if isinstance(layer, nn.Conv2d)]

    assert len(convolutions) == 13
    for layer in convolutions:
        bound = layer.weight[0].numel() ** -0.5  # uniform within 1 / sqrt(fan-in), as nn.Conv2d documents
        assert 0.98 * bound < layer.weight.abs().max().item() <= bound
        assert layer.bias.abs().max().item() <= bound
        assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.08)


def test_vgg_same_seed_draws_the_weights_of_plain_torch_layers() -> None:
    config = ModelConfig("vgg4", width=1 / 16, image_size=8, channels=1, classifier="linear")
    torch.manual_seed(5)
    plain = [nn.Conv2d(1, 4, 3), nn.Conv2d(4, 8, 3), nn.Conv2d(8, 16, 3), nn.Linear(16, 10)]

    torch.manual_seed(5)
    network = VGG(config)

    expected = [parameter for layer in plain for parameter in layer.parameters()]
    for mine, theirs in zip(network.parameters(), expected, strict=True):
        assert torch.equal(mine, theirs)


def test_vgg_pool_first_is_the_plain_layers_in_that_order() -> None:
    config = ModelConfig("vgg5", 0.25, image_size=24, channels=1, batch_norm=True, classifier="linear", pool_first=True)
    network = VGG(config).eval()
    plain = torch.nn.Sequential(
        torch.nn.Conv2d(1, 16, 3, padding=1), torch.nn.MaxPool2d(2), torch.nn.BatchNorm2d(16), torch.nn.ReLU(),
        torch.nn.Conv2d(16, 32, 3, padding=1), torch.nn.MaxPool2d(2), torch.nn.BatchNorm2d(32), torch.nn.ReLU(),
        torch.nn.Conv2d(32, 64, 3, padding=1), torch.nn.BatchNorm2d(64), torch.nn.ReLU(),
        torch.nn.Conv2d(64, 64, 3, padding=1), torch.nn.MaxPool2d(2), torch.nn.BatchNorm2d(64), torch.nn.ReLU(),
        torch.nn.Flatten(), torch.nn.Linear(64 * 9, 10),
    ).eval()  # fmt: skip
    plain.load_state_dict(dict(zip(plain.state_dict(), network.state_dict().values(), strict=True)))
    images = torch.rand(3, 1, 24, 24) * 2 - 1

    with torch.no_grad():
        assert torch.equal(network(images), plain(images))
