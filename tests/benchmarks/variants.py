"""Ways to make a training faster on a GPU without touching its loop: they replace the network's forward pass."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from vgg_demo.model import VGG
from vgg_demo.training import Training

Prepare = Callable[[Training], None]
Forward = Callable[[torch.Tensor], torch.Tensor]


def faster(make: Callable[[VGG, torch.Tensor], Forward]) -> Prepare:
    """Before a training, replace its network's forward pass, for whole batches in training; the rest stays as it is."""

    def prepare(training: Training) -> None:
        network, size = training.network.train(), training.config.train.batch_size
        sample, _labels = training.next_batch(torch.arange(size, device=training.fabric.device))
        before = {name: value.clone() for name, value in network.state_dict().items()}
        with training.fabric.autocast():
            fast = make(network, sample)
        network.load_state_dict(before)  # trying it out has changed batch normalisation's running figures

        def forward(images: torch.Tensor) -> torch.Tensor:
            is_whole = network.training and images.shape == sample.shape
            return fast(images) if is_whole else VGG.forward(network, images)

        network.forward = forward  # type: ignore[method-assign]

    return prepare


def as_graph(network: VGG, sample: torch.Tensor) -> Forward:
    """Forward and backward pass, each recorded once and started with a single call. sample: (N, C, S, S), on a GPU."""
    gc.collect()  # a graph that was freed while another is recorded would spoil it
    torch.cuda.make_graphed_callables(network, (sample,))
    return network.forward


def as_compiled(network: VGG, sample: torch.Tensor) -> Forward:
    """Forward and backward pass as torch.compile makes them for this size of batch: (N, C, S, S)."""
    compiled: Forward = torch.compile(network.forward, dynamic=False)
    compiled(sample).sum().backward()  # type: ignore[no-untyped-call]
    network.zero_grad()
    return compiled


@contextmanager
def cudnn_benchmark(is_on: bool) -> Iterator[None]:
    """Whether cuDNN tries its algorithms for each new shape and takes the fastest."""
    torch.backends.cudnn.benchmark = is_on
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = False


def synchronize() -> None:
    """Wait until the card has done what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
