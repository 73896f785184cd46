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
        self.features = make_features(config)
        self.classifier = make_classifier(config)
        if config.init == "he":
            self.apply(init_he)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """images: (N, C, S, S) in [-1, 1]. Returns logits (N, 10)."""
        feature_maps = self.features(images)  # (N, K, S / 2**pools, S / 2**pools)
        logits: torch.Tensor = self.classifier(torch.flatten(feature_maps, 1))  # (N, 10)
        return logits


def make_features(config: ModelConfig) -> nn.Sequential:
    """The convolutional part: (N, channels, S, S) to (N, K, S / 2**pools, S / 2**pools)."""
    layers: list[nn.Module] = []
    for layer in architecture.features(config):
        if layer.kind == "conv":
            layers.append(nn.Conv2d(layer.inputs[0], layer.outputs[0], kernel_size=3, padding=1))
        elif layer.kind == "norm":
            layers.append(nn.BatchNorm2d(layer.outputs[0]))
        elif layer.kind == "relu":
            layers.append(nn.ReLU(inplace=True))
        else:
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
    return nn.Sequential(*layers)


def make_classifier(config: ModelConfig) -> nn.Sequential:
    """The fully connected part: (N, K * S' * S') to logits (N, 10)."""
    layers: list[nn.Module] = []
    for layer in architecture.classifier(config):
        if layer.kind == "linear":
            layers.append(nn.Linear(layer.inputs[0], layer.outputs[0]))
        elif layer.kind == "relu":
            layers.append(nn.ReLU(inplace=True))
        else:
            layers.append(nn.Dropout(config.dropout))
    return nn.Sequential(*layers)


def init_he(layer: nn.Module) -> None:
    """Draw a layer's weights so that ReLU layers keep the size of their signal: normal, variance 2 / fan-in.

    Source: He et al., "Delving Deep into Rectifiers", ICCV 2015, equation 10.
    """
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
