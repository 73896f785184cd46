"""The README's figures: our loop beside a bare PyTorch loop, in one run, on this machine."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F

from vgg_demo.config import RunConfig, get_preset
from vgg_demo.data import Digits, epoch_order, load_mnist, split_train
from vgg_demo.model import VGG
from vgg_demo.training import StepEvent, Training, learning_rate_at, make_fabric, make_optimizer
from vgg_demo.transforms import transform_batch

WORK = {"classroom": (25, 45), "blog-mini": (20, 9), "blog": (1, 2)}  # preset: steps a round, rounds
QUICK = {"classroom": (50, 5), "blog-mini": (10, 5)}


@dataclass(frozen=True)
class Comparison:
    """Images per second of our loop and of the bare one: medians over the rounds; the ratio's median and range."""

    preset: str
    steps: int
    rounds: int
    ours: float
    bare: float
    ratio: float
    lowest_ratio: float
    highest_ratio: float


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "processor": _processor_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": f"{platform.system()} {platform.release()}",
    }


def compare_loops(quick: bool = False) -> Iterator[Comparison]:
    """Our training loop, with everything that the page needs of it, beside the same network in a bare loop.

    In turns, a round each, so that what else the machine does hits both.
    """
    digits, _test = load_mnist()
    for preset, (steps, rounds) in (QUICK if quick else WORK).items():
        config = get_preset(preset).config.with_changes(epochs=1000, validation_images=0)  # a look at them is no step
        loops = {"ours": our_steps(config, digits), "bare": bare_steps(config, digits)}
        for loop in loops.values():
            next(loop)  # the first step also reserves memory
        speeds: dict[str, list[float]] = {"ours": [], "bare": []}
        for round_number in range(rounds):
            order = ["ours", "bare"] if round_number % 2 == 0 else ["bare", "ours"]
            for name in order:
                started = time.perf_counter()
                images = sum(next(loops[name]) for _ in range(steps))
                speeds[name].append(images / (time.perf_counter() - started))
        ratios = [ours / bare for ours, bare in zip(speeds["ours"], speeds["bare"], strict=True)]
        ours, bare = statistics.median(speeds["ours"]), statistics.median(speeds["bare"])
        yield Comparison(preset, steps, rounds, ours, bare, statistics.median(ratios), min(ratios), max(ratios))


def our_steps(config: RunConfig, digits: Digits) -> Iterator[int]:
    """Train as a run does; yields the images of each step."""
    for event in Training(config, digits, make_fabric()).run():
        if isinstance(event, StepEvent):
            yield event.images


def bare_steps(config: RunConfig, digits: Digits) -> Iterator[int]:
    """The same network, data and optimiser, and nothing else; yields the images of each step."""
    train, _validation = split_train(digits, config.train.validation_images, config.train.seed)
    torch.manual_seed(config.train.seed)
    network = VGG(config.model).to(memory_format=torch.channels_last).train()
    optimizer = make_optimizer(network, config.train)
    step = 0
    while True:
        order = epoch_order(len(train), config.train.seed, step // config.train.steps_per_epoch)
        for indices in torch.split(order, config.train.batch_size):
            images = transform_batch(train.images[indices], config.model)
            images, labels = images.contiguous(memory_format=torch.channels_last), train.labels[indices]
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(step, config.train)
            optimizer.zero_grad()
            loss = F.cross_entropy(network(images), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            loss.item()
            step += 1
            yield len(labels)


def as_document(comparisons: list[Comparison]) -> dict[str, Any]:
    """Everything as plain JSON values."""
    return {"machine": machine(), "loops": [asdict(comparison) for comparison in comparisons]}


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
