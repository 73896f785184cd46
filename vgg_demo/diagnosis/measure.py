"""Look into a network that learns, or does not: signal, gradient and update of every layer.

Looking changes nothing: not the weights, not their gradients, not the running figures of batch normalisation, not
the random numbers. A training that is looked at gives the same losses bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    signals: list[torch.Tensor] = []  # of each layer with weights, and the share of its ReLU units that never fire
    silent: list[torch.Tensor] = []
    outputs = images
    with torch.no_grad(), batch_statistics(network):
        for layer in (*network.features, nn.Flatten(), *network.classifier):
            outputs = layer(outputs)
            if isinstance(layer, nn.Conv2d | nn.Linear):
                signals.append(signal(outputs))  # now, because the ReLU that follows overwrites it
                silent.append(torch.tensor(NAN))
            elif isinstance(layer, nn.ReLU):
                silent[-1] = (_units_last(outputs).flatten(0, -2).amax(0) <= 0).float().mean()
    logits = outputs.float()
    answers = logits.argmax(1)
    return Diagnosis(
        step=step,
        image_signal=signal(images).item(),
        layers=tuple(
            LayerFigures(name, its_signal.item(), silent=its_silent.item())
            for (name, _), its_signal, its_silent in zip(weight_layers(network), signals, silent, strict=True)
        ),
        answers=_count(answers),
        shown=_count(digits.labels),
        accuracy=(answers == digits.labels).float().mean().item(),
        loss=F.cross_entropy(logits, digits.labels).item(),
    )


def signal(outputs: torch.Tensor) -> torch.Tensor:
    """How much outputs (N, …) differ between the N images: standard deviation over them, averaged over units.

    In two passes over memory in its own order: four times as fast as std, and exact where the mean is large.
    """
    rows = _units_last(outputs).flatten(1).float()  # (N, everything else)
    differences = rows - rows.mean(0)
    return (differences.square_().sum(0) / (len(rows) - 1)).sqrt().mean()


def weight_layers(network: VGG) -> list[tuple[str, nn.Conv2d | nn.Linear]]:
    """The layers with weights, from image to logits, named conv 1, …, linear 1, …"""
    convolutions = [m for m in network.features if isinstance(m, nn.Conv2d)]
    linears = [m for m in network.classifier if isinstance(m, nn.Linear)]
    named: list[tuple[str, nn.Conv2d | nn.Linear]] = [(f"conv {i}", layer) for i, layer in enumerate(convolutions, 1)]
    return [*named, *((f"linear {i}", layer) for i, layer in enumerate(linears, 1))]


def with_gradients(diagnosis: Diagnosis, network: VGG) -> Diagnosis:
    """Add the size of the gradients that the weights hold now, from the training's own backward pass."""
    return _add_gradients(diagnosis, network, [layer.weight.grad for _, layer in weight_layers(network)])


def with_probe_gradients(diagnosis: Diagnosis, network: VGG, digits: Digits) -> Diagnosis:
    """Add the size of the gradients on these digits, for a network that is not in training. Keeps none of them."""
    images = transform_batch(digits.images, network.config)
    weights = [layer.weight for _, layer in weight_layers(network)]
    with torch.enable_grad(), batch_statistics(network):
        loss = F.cross_entropy(network(images), digits.labels)
        gradients = torch.autograd.grad(loss, weights)
    return _add_gradients(diagnosis, network, gradients)


def snapshot(network: VGG) -> Snapshot:
    """A copy of the weights as they are now, or of an even sample of those of a large layer."""
    return [_sample(layer.weight) for _, layer in weight_layers(network)]


def with_update(diagnosis: Diagnosis, network: VGG, before: Snapshot) -> Diagnosis:
    """Add how far the weights have moved since snapshot, as a share of what they were."""
    ratios = [
        ((_sample(layer.weight) - old).norm() / old.norm()).item()
        for (_, layer), old in zip(weight_layers(network), before, strict=True)
    ]
    return diagnosis.with_figures("update", ratios)


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


def _units_last(outputs: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) as (N, H, W, C), the order that the network keeps in memory; (N, units) as it is."""
    return outputs.permute(0, 2, 3, 1) if outputs.dim() == 4 else outputs


def _count(digits: torch.Tensor) -> tuple[int, ...]:
    return tuple(digits.bincount(minlength=CLASSES).tolist())


def _sample(weight: torch.Tensor) -> torch.Tensor:
    flat = weight.detach().reshape(-1)
    return flat[:: -(-len(flat) // SAMPLE)].clone()


def _add_gradients(diagnosis: Diagnosis, network: VGG, gradients: Sequence[torch.Tensor | None]) -> Diagnosis:
    ratios = [
        NAN if gradient is None else (gradient.norm() / layer.weight.detach().norm()).item()
        for (_, layer), gradient in zip(weight_layers(network), gradients, strict=True)
    ]
    return diagnosis.with_figures("gradient", ratios)
