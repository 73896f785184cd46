"""Look into a network that learns, or does not: signal, gradient and update of every layer.

Looking changes nothing: not the weights, not their gradients, not the running figures of batch normalisation, not
the random numbers. A training that is looked at gives the same losses bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import nn

from vgg_demo.config import CLASSES, ModelConfig
from vgg_demo.data import Digits
from vgg_demo.diagnosis.records import NAN, Diagnosis, LayerFigures
from vgg_demo.model import VGG
from vgg_demo.transforms import transform_batch

SAMPLE = 100_000  # of a layer's weights at most are compared before and after a step
Snapshot = list[torch.Tensor]


def probe_size(config: ModelConfig) -> int:
    """How many digits to look with: 64 small ones, fewer large ones, at least 8."""
    return max(8, min(64, 64 * 64**2 // config.image_size**2))


def measure(network: VGG, digits: Digits, step: int = 0) -> Diagnosis:
    """Show the network a batch of digits and see how far the differences between them get through its layers.

    Batch normalisation uses the batch's own mean and variance, as it does in training. Gradient and update stay NaN:
    see with_gradients, snapshot and with_update.
    """
    images = transform_batch(digits.images, network.config)
    with torch.no_grad(), batch_statistics(network), listening(network) as heard:
        logits = network(images).float()
    answers = logits.argmax(1)
    return Diagnosis(
        step=step,
        image_signal=signal(images),
        layers=tuple(
            LayerFigures(name, heard.signals[layer].item(), silent=heard.silent.get(layer, torch.tensor(NAN)).item())
            for name, layer in weight_layers(network)
        ),
        answers=_count(answers),
        shown=_count(digits.labels),
        accuracy=(answers == digits.labels).float().mean().item(),
        loss=F.cross_entropy(logits, digits.labels).item(),
    )


def signal(outputs: torch.Tensor) -> float:
    """How much outputs (N, …) differ between the N images: standard deviation over them, averaged over units."""
    return _signal(outputs).item()


def weight_layers(network: VGG) -> list[tuple[str, nn.Conv2d | nn.Linear]]:
    """The layers with weights, from image to logits, named conv 1, …, linear 1, …"""
    convolutions = [m for m in network.features if isinstance(m, nn.Conv2d)]
    linears = [m for m in network.classifier if isinstance(m, nn.Linear)]
    named: list[tuple[str, nn.Conv2d | nn.Linear]] = [(f"conv {i}", layer) for i, layer in enumerate(convolutions, 1)]
    return [*named, *((f"linear {i}", layer) for i, layer in enumerate(linears, 1))]


def with_gradients(diagnosis: Diagnosis, network: VGG) -> Diagnosis:
    """Add the size of the gradients that the weights hold now, from the training's own backward pass."""
    return _with_ratios(diagnosis, network, gradient=[layer.weight.grad for _, layer in weight_layers(network)])


def with_probe_gradients(diagnosis: Diagnosis, network: VGG, digits: Digits) -> Diagnosis:
    """Add the size of the gradients on these digits, for a network that is not in training. Keeps none of them."""
    images = transform_batch(digits.images, network.config)
    weights = [layer.weight for _, layer in weight_layers(network)]
    with torch.enable_grad(), batch_statistics(network):
        loss = F.cross_entropy(network(images), digits.labels)
        gradients = torch.autograd.grad(loss, weights)
    return _with_ratios(diagnosis, network, gradient=list(gradients))


def snapshot(network: VGG) -> Snapshot:
    """A copy of the weights as they are now, or of an even sample of those of a large layer."""
    return [_sample(layer.weight) for _, layer in weight_layers(network)]


def with_update(diagnosis: Diagnosis, network: VGG, before: Snapshot) -> Diagnosis:
    """Add how far the weights have moved since snapshot, as a share of what they were."""
    ratios = [
        ((_sample(layer.weight) - old).norm() / old.norm()).item()
        for (_, layer), old in zip(weight_layers(network), before, strict=True)
    ]
    layers = zip(diagnosis.layers, ratios, strict=True)
    return diagnosis.with_layers(
        LayerFigures(figures.name, figures.signal, figures.gradient, ratio, figures.silent) for figures, ratio in layers
    )


@contextmanager
def batch_statistics(network: VGG) -> Iterator[None]:
    """Let batch normalisation use each batch's own statistics, and forget them."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    before = [(m.training, m.track_running_stats) for m in norms]
    for norm in norms:
        norm.training, norm.track_running_stats = True, False
    try:
        yield
    finally:
        for norm, (was_training, tracked) in zip(norms, before, strict=True):
            norm.training, norm.track_running_stats = was_training, tracked


class Heard:
    """What the layers gave while they were listened to: signal of each, and share of units that never fired."""

    def __init__(self) -> None:
        self.signals: dict[nn.Module, torch.Tensor] = {}
        self.silent: dict[nn.Module, torch.Tensor] = {}


@contextmanager
def listening(network: VGG) -> Iterator[Heard]:
    """Hear every layer during a forward pass; the hooks are gone afterwards."""
    heard, handles = Heard(), []
    last: nn.Module | None = None

    def hear(layer: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        heard.signals[layer] = _signal(output)  # at once: the ReLU that follows overwrites it

    def hear_relu(layer: nn.Module) -> None:
        def hook(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
            units = _units_last(output)
            heard.silent[layer] = (units.reshape(-1, units.shape[-1]).amax(0) <= 0).float().mean()

        handles.append(module.register_forward_hook(hook))

    for module in (*network.features, *network.classifier):
        if isinstance(module, nn.Conv2d | nn.Linear):
            last = module
            handles.append(module.register_forward_hook(hear))
        elif isinstance(module, nn.ReLU) and last is not None:
            hear_relu(last)
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()


def _signal(outputs: torch.Tensor) -> torch.Tensor:
    """In two passes over memory as it lies: four times as fast as std, and exact where the mean is large."""
    rows = _units_last(outputs).flatten(1).float()  # (N, everything else)
    differences = rows - rows.mean(0)
    return (differences.square_().sum(0) / (len(rows) - 1)).sqrt().mean()


def _units_last(outputs: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) as (N, H, W, C), the order that the network keeps in memory; (N, units) as it is."""
    return outputs.permute(0, 2, 3, 1) if outputs.dim() == 4 else outputs


def _count(digits: torch.Tensor) -> tuple[int, ...]:
    return tuple(digits.bincount(minlength=CLASSES).tolist())


def _sample(weight: torch.Tensor) -> torch.Tensor:
    flat = weight.detach().reshape(-1)
    return flat[:: -(-len(flat) // SAMPLE)].clone()


def _with_ratios(diagnosis: Diagnosis, network: VGG, gradient: list[torch.Tensor | None]) -> Diagnosis:
    ratios = [
        NAN if grad is None else (grad.norm() / layer.weight.detach().norm()).item()
        for (_, layer), grad in zip(weight_layers(network), gradient, strict=True)
    ]
    layers = zip(diagnosis.layers, ratios, strict=True)
    return diagnosis.with_layers(
        LayerFigures(figures.name, figures.signal, ratio, figures.update, figures.silent) for figures, ratio in layers
    )
