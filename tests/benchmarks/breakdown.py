"""Where the time of a step goes, by kind of layer, and how near its convolutions come to what this machine can do."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator

import torch
from torch.profiler import ProfilerActivity, profile

from tests.benchmarks.loops import our_steps
from tests.benchmarks.rows import Effort, Row
from vgg_demo.architecture import features
from vgg_demo.config import ModelConfig, RunConfig
from vgg_demo.data import load_train
from vgg_demo.presets import get_preset

ROUNDS = {"classroom": (9, 60), "blog": (3, 1)}  # of so many steps
QUICK = {"classroom": (3, 20)}
os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler would talk about graphics cards that are not there
MATRIX = 1024
LINEAR, TRANSFORM = "linear layers and loss", "transform"
# what the profiler calls it to what it is; the first that fits
KINDS = (
    ("convolution", "convolutions"),
    ("batch_norm", "batch normalisation"),
    ("max_pool", "pooling"),
    ("relu", "ReLU"),
    ("threshold", "ReLU"),
    ("clamp_min", "ReLU"),
    ("adam", "optimiser"),
    ("addmm", LINEAR),
    ("softmax", LINEAR),
    ("nll_loss", LINEAR),
    ("mm", TRANSFORM),  # its two products; the last layer's own are addmm and, backward, small beside them
    ("index", TRANSFORM),
    ("round", TRANSFORM),
)
REST = "the rest: Python, copies, sums"


def measure(effort: Effort) -> Iterator[Row]:
    """The rows, from steps of the presets as runs take them."""
    chosen = QUICK if effort.quick else ROUNDS
    for preset, (rounds, steps) in chosen.items():
        yield from break_down(preset, get_preset(preset).config, rounds, steps)
    if "blog" not in chosen:
        yield Row("breakdown", "blog: a step", "ms", (), "left out with --quick")


def break_down(name: str, config: RunConfig, rounds: int, steps: int) -> Iterator[Row]:
    """The rows of one preset."""
    config = config.with_changes(epochs=1000, validation_images=0)
    loop = our_steps(config, load_train())
    for _ in range(steps):
        next(loop)
    operations = steps * config.train.batch_size * training_operations(config.model)
    milliseconds, shares, rates, products = [], defaultdict[str, list[float]](list), [], []
    for _ in range(rounds):
        products.append(matrix_product_rate())
        taken, spent = profiled(loop, steps)
        if config.model.classifier == "mlp":  # their products are large, and the transform's are nothing beside them
            spent[LINEAR] += spent.pop(TRANSFORM, 0.0)
        milliseconds.append(1000 * taken / steps)
        for kind in dict.fromkeys([*(kind for _name, kind in KINDS), REST]):
            shares[kind].append(100 * spent.get(kind, 0.0) / taken)
        rates.append(1e-9 * operations / spent["convolutions"])
    yield Row("breakdown", f"{name}: a step", "ms", tuple(milliseconds), f"{rounds} rounds of {steps}, with profiler")
    for kind, values in sorted(shares.items(), key=lambda item: -sum(item[1])):
        if any(values):
            yield Row("breakdown", f"{name}: {kind}", "%", tuple(values), "of the step")
    yield Row("breakdown", f"{name}: its convolutions' rate", "GFLOP/s", tuple(rates), "while they run")
    yield Row(
        "breakdown", f"{name}: a matrix product in turns with it", "GFLOP/s", tuple(products), f"{MATRIX}×{MATRIX}"
    )


def profiled(loop: Iterator[int], steps: int) -> tuple[float, dict[str, float]]:
    """Seconds that the steps took, and those of each kind: time of the calling thread in the operation itself."""
    started = time.perf_counter()
    with profile(activities=[ProfilerActivity.CPU]) as record:
        for _ in range(steps):
            next(loop)
        taken = time.perf_counter() - started
    spent: dict[str, float] = defaultdict(float)
    for event in record.key_averages():
        spent[kind_of(event.key)] += 1e-6 * event.self_cpu_time_total
    spent[REST] += max(0.0, taken - sum(spent.values()))  # what is no operation of torch
    return taken, spent


def kind_of(operation: str) -> str:
    """What an operation of torch, as the profiler names it, belongs to."""
    name = operation.lower()
    return next((kind for part, kind in KINDS if part in name), REST)


def training_operations(model: ModelConfig) -> int:
    """Floating-point operations of the convolutions for one image, forward and backward; a multiply-add is two.

    Backward takes as many again for the weights, and for the input, which the first layer has no need of.
    """
    first, *others = (2 * layer.multiplications for layer in features(model) if layer.kind == "conv")
    return 2 * first + 3 * sum(others)


def matrix_product_rate() -> float:
    """GFLOP/s of a large product of two float32 matrices here."""
    a, b = torch.rand(MATRIX, MATRIX), torch.rand(MATRIX, MATRIX)
    a @ b
    started, products = time.perf_counter(), 10
    for _ in range(products):
        a @ b
    return 1e-9 * products * 2 * MATRIX**3 / (time.perf_counter() - started)
