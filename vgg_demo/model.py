"""VGG: very deep convolutional networks, built from a table.

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.
"""

from __future__ import annotations

import torch
from torch import nn

from vgg_demo import architecture
from vgg_demo.config import ModelConfig


class VGG(nn.Module):
    """A VGG network as its config describes it.

    forward takes images, float32 (N, channels, image_size, image_size) in [-1, 1], and returns logits (N, 10).
    features and classifier are named as in torchvision. The weights are drawn from torch's global generator.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.features = make_layers(architecture.features(config), config.dropout)
        self.classifier = make_layers(architecture.classifier(config), config.dropout)
        if config.init == "he":
            self.apply(init_he)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """images: (N, C, S, S) in [-1, 1]. Returns logits (N, 10)."""
        feature_maps = self.features(images)  # (N, K, S / 2**pools, S / 2**pools)
        logits: torch.Tensor = self.classifier(torch.flatten(feature_maps, 1))  # (N, 10)
        return logits


def make_layers(layers: list[architecture.Layer], dropout: float) -> nn.Sequential:
    """The modules of a part of the network, in the order of its table."""
    modules: list[nn.Module] = []
    for layer in layers:
        inputs, outputs = layer.inputs[0], layer.outputs[0]  # channels or units
        if layer.kind == "conv":
            modules.append(nn.Conv2d(inputs, outputs, kernel_size=3, padding=1))
        elif layer.kind == "norm":
            modules.append(nn.BatchNorm2d(outputs))
        elif layer.kind == "relu":
            modules.append(nn.ReLU(inplace=True))
        elif layer.kind == "pool":
            modules.append(nn.MaxPool2d(kernel_size=2, stride=2))
        elif layer.kind == "linear":
            modules.append(nn.Linear(inputs, outputs))
        else:
            modules.append(nn.Dropout(dropout))
    return nn.Sequential(*modules)


def init_he(layer: nn.Module) -> None:
    """Draw a layer's weights so that ReLU layers keep the size of their signal: normal, variance 2 / fan-in.

    Source: He et al., "Delving Deep into Rectifiers", ICCV 2015, equation 10.
    """
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
