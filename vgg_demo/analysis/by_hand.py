"""One number of a network with everything it was computed from: of a convolution, of a max-pool, of a logit.

The numbers are the network's own: the layers before run as they are, and the last step is taken apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from vgg_demo.model import VGG
from vgg_demo.transforms import transform_batch


@dataclass(frozen=True)
class ConvolvedPixel:
    """One pixel of one channel of a convolution's output.

    patch, kernel: float32 (C, 3, 3), the inputs under the kernel (0 outside of the image) and the weights.
    output: the sum of all products and the bias. normalized, activation: the same after batch norm and after ReLU,
    None where these do not follow directly: a network may have its max-pool first.
    """

    patch: torch.Tensor
    kernel: torch.Tensor
    bias: float
    output: float
    normalized: float | None
    activation: float | None

    @property
    def products(self) -> torch.Tensor:
        """Input times weight: float32 (C, 3, 3)."""
        return self.patch * self.kernel

    @property
    def channel_sums(self) -> torch.Tensor:
        """The sum of the nine products of each input channel: float32 (C,)."""
        return self.products.sum((1, 2))


@dataclass(frozen=True)
class PooledPixel:
    """One pixel of one channel of a max-pool's output. window: float32 (2, 2), of which output is the largest."""

    window: torch.Tensor
    output: float


@dataclass(frozen=True)
class Logit:
    """One of the ten logits: a bias and the sum over units of input times weight. inputs, weights: float32 (units,)."""

    inputs: torch.Tensor
    weights: torch.Tensor
    bias: float
    output: float

    @property
    def contributions(self) -> torch.Tensor:
        """Input times weight: float32 (units,)."""
        return self.inputs * self.weights


@torch.inference_mode()
def inputs_of(network: VGG, image: torch.Tensor, index: int) -> torch.Tensor:
    """What layer features.{index} is given for one image: float32 (C, h, w). image: uint8 (1, 1, H, W)."""
    network.eval()
    device = next(network.parameters()).device
    values = network.features[:index](transform_batch(image.to(device), network.config))
    return torch.Tensor(values[0].float().cpu())


@torch.inference_mode()
def convolved_pixel(
    network: VGG, image: torch.Tensor, index: int, channel: int, row: int, column: int
) -> ConvolvedPixel:
    """Take apart a pixel of the convolution features.{index}. image: uint8 (1, 1, H, W).

    Raises IndexError when the layer has no such channel or pixel.
    """
    layer = network.features[index]
    assert isinstance(layer, nn.Conv2d)
    inputs = inputs_of(network, image, index)
    _check_place((layer.out_channels, *inputs.shape[1:]), channel, row, column)
    patch = F.pad(inputs, (1, 1, 1, 1))[:, row : row + 3, column : column + 3]  # (C, 3, 3)
    kernel, bias = layer.weight.detach()[channel].float().cpu(), _bias(layer, channel)
    output = float((patch.double() * kernel.double()).sum()) + bias
    normalized, activation, following = None, None, network.features[index + 1]
    if isinstance(following, nn.BatchNorm2d):
        normalized, following = _normalize(following, channel, output), network.features[index + 2]
    if isinstance(following, nn.ReLU):
        activation = max(0.0, output if normalized is None else normalized)
    return ConvolvedPixel(patch, kernel, bias, output, normalized, activation)


@torch.inference_mode()
def pooled_pixel(network: VGG, image: torch.Tensor, index: int, channel: int, row: int, column: int) -> PooledPixel:
    """Take apart a pixel of the max-pool features.{index}. image: uint8 (1, 1, H, W).

    Raises IndexError when the layer has no such channel or pixel.
    """
    inputs = inputs_of(network, image, index)
    _check_place((inputs.shape[0], inputs.shape[1] // 2, inputs.shape[2] // 2), channel, row, column)
    window = inputs[channel, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
    return PooledPixel(window, float(window.max()))


@torch.inference_mode()
def logit(network: VGG, image: torch.Tensor, digit: int) -> Logit:
    """Take apart the logit of a digit. image: uint8 (1, 1, H, W)."""
    last = network.classifier[-1]
    assert isinstance(last, nn.Linear)
    features = inputs_of(network, image, len(network.features)).flatten().to(last.weight.device)
    inputs = network.classifier[:-1](features[None])[0].float().cpu()  # (units,)
    weights, bias = last.weight.detach()[digit].float().cpu(), _bias(last, digit)
    return Logit(inputs, weights, bias, float((inputs.double() * weights.double()).sum()) + bias)


def _bias(layer: nn.Conv2d | nn.Linear, channel: int) -> float:
    return 0.0 if layer.bias is None else float(layer.bias[channel])


def _normalize(norm: nn.BatchNorm2d, channel: int, value: float) -> float:
    """Batch norm as it is after the training: with the running mean and variance."""
    assert norm.running_mean is not None and norm.running_var is not None
    mean, variance = float(norm.running_mean[channel]), float(norm.running_var[channel])
    scale, shift = float(norm.weight[channel]), float(norm.bias[channel])
    return float((value - mean) / (variance + norm.eps) ** 0.5 * scale + shift)


def _check_place(shape: tuple[int, ...], channel: int, row: int, column: int) -> None:
    if not all(0 <= place < size for place, size in zip((channel, row, column), shape, strict=True)):
        raise IndexError(f"there is no {(channel, row, column)} in an output of {shape}")
