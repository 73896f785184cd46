"""The layers of a VGG network with their shapes, from its config alone.

The network is built from this table (model.py), what it costs is counted from it (runs/cost.py), and the page draws it.
Nothing heavy is imported.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from vgg_demo.config import CLASSES, PLANS, ModelConfig

Kind = Literal["conv", "norm", "relu", "pool", "linear", "dropout"]


@dataclass(frozen=True)
class Layer:
    """One layer. name: its name in the network, for example "features.0".

    inputs, outputs: shapes of one image's values, (C, H, W) in the convolutional part and (units,) after it.
    """

    name: str
    kind: Kind
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def index(self) -> int:
        """Its place in features or classifier, from 0."""
        return int(self.name.partition(".")[2])

    @property
    def weights(self) -> int:
        """Weights that are multiplied with inputs: of a convolution, 3x3 for each pair of channels."""
        each = self.inputs[0] * self.outputs[0]
        return {"conv": 9 * each, "linear": each}.get(self.kind, 0)

    @property
    def parameters(self) -> int:
        """Weights and biases that are learned; batch norm has a scale and a shift for each channel."""
        if self.kind == "norm":
            return 2 * self.outputs[0]
        return self.weights + self.outputs[0] if self.weights else 0

    @property
    def multiplications(self) -> int:
        """Multiplications by weights in one image's forward pass: a convolution's weights are used at every pixel."""
        return self.weights * math.prod(self.outputs[1:])


def features(config: ModelConfig) -> list[Layer]:
    """The convolutional part, from (channels, S, S) to (K, S / 2**pools, S / 2**pools)."""
    layers: list[Layer] = []
    shape = (config.channels, config.image_size, config.image_size)
    for units, following in pairwise([*PLANS[config.plan], None]):
        if not isinstance(units, int):
            continue  # a pool: it was added with the convolution before it
        after: list[Kind] = ["norm", "relu"] if config.batch_norm else ["relu"]
        if following == "M":
            after = ["pool", *after] if config.pool_first else [*after, "pool"]
        kinds: list[Kind] = ["conv", *after]
        for kind in kinds:
            inputs, side = shape, shape[1] // 2 if kind == "pool" else shape[1]
            shape = (scaled(units, config.width), side, side)
            layers.append(Layer(f"features.{len(layers)}", kind, inputs, shape))
    return layers


def classifier(config: ModelConfig) -> list[Layer]:
    """The fully connected part, from (K * S' * S',) to the ten logits."""
    hidden = [scaled(units, config.hidden_width) for units in (4096, 1000)] if config.classifier == "mlp" else []
    kinds: list[tuple[Kind, int | None]] = [] if hidden else [("dropout", None)]
    for units in hidden:
        kinds += [("linear", units), ("relu", units), ("dropout", units)]
    layers: list[Layer] = []
    shape = (math.prod(features(config)[-1].outputs),)
    for kind, made in [*kinds, ("linear", CLASSES)]:
        if kind == "dropout" and not config.dropout:
            continue
        inputs, shape = shape, (made or shape[0],)
        layers.append(Layer(f"classifier.{len(layers)}", kind, inputs, shape))
    return layers


def layers_of(config: ModelConfig) -> list[Layer]:
    """All layers, from the image to the logits."""
    return [*features(config), *classifier(config)]


def count_parameters(config: ModelConfig) -> int:
    """Weights and biases of the whole network that are learned."""
    return sum(layer.parameters for layer in layers_of(config))


def forward_flops(config: ModelConfig) -> int:
    """Floating-point operations of one image's forward pass, counting a multiplication and an addition as two."""
    return sum(2 * layer.multiplications for layer in layers_of(config))


def scaled(units: int, width: float) -> int:
    """A layer's units times width, at least one."""
    return max(1, round(units * width))
