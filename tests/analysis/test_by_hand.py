"""One number of a network taken apart: its parts add up to what torch's own layers give."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from vgg_demo.analysis.by_hand import convolved_pixel, logit, pooled_pixel
from vgg_demo.config import ModelConfig
from vgg_demo.data import Digits
from vgg_demo.model import VGG
from vgg_demo.transforms import transform_batch

SMALL = {
    "plain": ModelConfig("vgg7", width=0.1, image_size=20, channels=1, init="he"),
    "batch norm": ModelConfig("vgg7", width=0.1, image_size=20, channels=3, batch_norm=True, classifier="linear"),
    "pool first": ModelConfig("vgg7", width=0.1, image_size=20, batch_norm=True, pool_first=True, dropout=0.2),
}


@pytest.fixture(params=SMALL)
def network(request: pytest.FixtureRequest) -> VGG:
    torch.manual_seed(3)
    network = VGG(SMALL[request.param])
    network(torch.rand(64, network.config.channels, 20, 20))  # batch norm has seen something
    return network.eval()


@pytest.fixture
def image(mnist: tuple[Digits, Digits]) -> torch.Tensor:
    return mnist[1].images[:1]


def outputs(network: VGG, image: torch.Tensor) -> list[torch.Tensor]:
    """What each layer of the convolutional part gives: (C, h, w) each."""
    values, found = transform_batch(image, network.config), []
    with torch.inference_mode():
        for layer in network.features:
            values = layer(values.clone())
            found.append(values[0])
    return found


def test_convolved_pixel_adds_up_to_what_torch_gives(network: VGG, image: torch.Tensor) -> None:
    real = outputs(network, image)
    for index, layer in enumerate(network.features):
        if not isinstance(layer, torch.nn.Conv2d):
            continue
        side = real[index].shape[-1]
        for row, column in ((0, 0), (side - 1, side // 2), (side // 2, side - 1)):
            pixel = convolved_pixel(network, image, index, 1, row, column)

            assert pixel.patch.shape == pixel.kernel.shape == (layer.in_channels, 3, 3)
            torch.testing.assert_close(pixel.output, real[index][1, row, column].item(), rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(pixel.channel_sums.sum().item() + pixel.bias, pixel.output, rtol=1e-4, atol=1e-5)


def test_convolved_pixel_goes_through_batch_norm_and_relu_as_the_network_does(image: torch.Tensor) -> None:
    torch.manual_seed(3)
    network = VGG(SMALL["batch norm"])
    network(torch.rand(64, 3, 20, 20))
    network.eval()
    real = outputs(network, image)

    pixel = convolved_pixel(network, image, 3, 2, 5, 7)

    assert pixel.normalized == pytest.approx(real[4][2, 5, 7].item(), abs=1e-5)
    assert pixel.activation == pytest.approx(real[5][2, 5, 7].item(), abs=1e-5)


def test_convolved_pixel_before_a_pool_has_no_activation_of_its_own(image: torch.Tensor) -> None:
    pixel = convolved_pixel(VGG(SMALL["pool first"]).eval(), image, 3, 0, 0, 0)

    assert (pixel.normalized, pixel.activation) == (None, None)


def test_pixel_outside_of_the_image_is_padding(network: VGG, image: torch.Tensor) -> None:
    pixel = convolved_pixel(network, image, 0, 0, 0, 0)

    assert (pixel.patch[:, 0] == 0).all() and (pixel.patch[:, :, 0] == 0).all()
    assert (pixel.patch[:, 1:, 1:] == -1).all()  # black


def test_pooled_pixel_is_the_largest_of_four(network: VGG, image: torch.Tensor) -> None:
    real = outputs(network, image)
    for index, layer in enumerate(network.features):
        if isinstance(layer, torch.nn.MaxPool2d):
            side = real[index].shape[-1]
            pixel = pooled_pixel(network, image, index, 0, side - 1, 0)

            assert pixel.window.shape == (2, 2)
            assert pixel.output == pytest.approx(real[index][0, side - 1, 0].item(), abs=1e-6)


def test_logit_adds_up_to_what_the_network_answers(network: VGG, image: torch.Tensor) -> None:
    with torch.inference_mode():
        answers = network(transform_batch(image, network.config))[0]

    for digit in range(10):
        parts = logit(network, image, digit)

        assert parts.output == pytest.approx(answers[digit].item(), abs=1e-4)
        assert float(parts.contributions.sum()) + parts.bias == pytest.approx(parts.output, abs=1e-4)


@pytest.mark.parametrize("place", [(-1, 0, 0), (99, 0, 0), (0, 20, 0), (0, 0, -1)])
def test_place_that_does_not_exist_is_an_error(image: torch.Tensor, place: tuple[int, int, int]) -> None:
    network = VGG(SMALL["plain"])

    with pytest.raises(IndexError, match="there is no"):
        convolved_pixel(network, image, 0, *place)


def test_convolution_of_the_whole_image_is_the_pixel_for_pixel_one(image: torch.Tensor) -> None:
    network = VGG(SMALL["plain"])
    layer = network.features[0]
    whole = F.conv2d(transform_batch(image, network.config), layer.weight, layer.bias, padding=1)[0]

    pixels = [[convolved_pixel(network, image, 0, 0, row, column).output for column in range(20)] for row in range(20)]

    torch.testing.assert_close(torch.tensor(pixels), whole[0].detach(), rtol=1e-4, atol=1e-5)
