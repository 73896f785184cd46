"""A run to take along: its curve as CSV or PNG, and the whole of it as one plain PyTorch script."""

from __future__ import annotations

import inspect
import io
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vgg_demo.colours import BLUE, GREEN, ORANGE
from vgg_demo.config import ModelConfig, RunConfig, TrainConfig

if TYPE_CHECKING:
    from vgg_demo.runs.reader import Curve


def curve_csv(curve: Curve) -> str:
    """One line a step: step, loss, learning rate, seconds; validation accuracy where an epoch ended."""
    curve = curve.whole_steps()
    accuracies = dict(curve.val_accuracies)
    lines = ["step,loss,learning_rate,seconds,validation_accuracy"]
    for step, loss, rate, seconds in zip(curve.steps, curve.losses, curve.learning_rates, curve.seconds, strict=True):
        lines.append(f"{step},{loss!r},{rate!r},{seconds!r},{accuracies.get(step, '')}")
    return "\n".join(lines) + "\n"


def curve_png(name: str, curve: Curve) -> bytes:
    """The curve in print quality."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from vgg_demo.runs.series import Smoother

    curve = curve.whole_steps()
    figure = Figure(figsize=(8, 4.5), dpi=200, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(curve.steps, curve.losses, color=BLUE, alpha=0.35, linewidth=0.8, label="loss of each batch")
    axes.plot(curve.steps, Smoother(0.9).follow(curve.losses), color=ORANGE, linewidth=2, label="smoothed")
    axes.axhline(2.302585, color="grey", linestyle="--", linewidth=0.8, label="knows nothing: ln 10")
    axes.set(title=name, xlabel="step", ylabel="loss (cross-entropy)", ylim=(0, None))
    if curve.val_accuracies:
        right = axes.twinx()
        steps, accuracies = zip(*curve.val_accuracies, strict=True)
        right.plot(steps, [100 * a for a in accuracies], "D--", color=GREEN, label="validation accuracy")
        right.set(ylabel="validation accuracy, %", ylim=(0, 100))
    figure.legend(loc="outside lower center", ncols=4, fontsize=8)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def run_script(config: RunConfig, curve: Curve) -> str:
    """The run as one PyTorch script that needs nothing of this project and, on the same machine, gives the same losses.

    It needs torch, numpy and torchvision, which reads MNIST from the folder given on its command line.
    """
    from vgg_demo import augmentation, data, schedule, training, transforms
    from vgg_demo.device import precision_here

    train, model = config.train, config.model
    functions: list[Callable[..., Any]] = [
        data.split_indices,
        data.epoch_order,
        transforms.transform_pixels,
        transforms.resize_matrix,
        schedule.one_cycle,
        schedule.one_cycle_ahead,
    ]
    if model.init == "he":
        from vgg_demo.model import init_he

        functions.append(init_he)
    constants = {
        "SEED": train.seed,
        "TOTAL_STEPS": train.total_steps,
        "BATCH_SIZE": train.batch_size,
        "LEARNING_RATE": train.learning_rate,
        "IMAGE_SIZE": model.image_size,
        "CHANNELS": model.channels,
        "VALIDATION_IMAGES": train.validation_images,
        "MEAN": transforms.MEAN,
        "STD": transforms.STD,
    }
    is_augmented = train.augment > 0 or train.restyle > 0
    if is_augmented or model.dropout:
        functions.append(training.step_seed)
    if train.self_distillation:
        functions += [training.average_decay, training.take_in]
    precision = PRECISION[precision_here(train.device, train.precision)]
    augmentations = inspect.getsource(augmentation).partition(f"{LAST_IMPORT}\n")[2] if is_augmented else ""
    return SCRIPT.format(
        title=f"{config.preset}: {model.plan}, width {model.width:g}, images of {model.image_size}×{model.image_size}",
        constants="\n".join(f"{name} = {value!r}" for name, value in constants.items()),
        changes=dict(curve.learning_rate_changes),
        schedules=dict(curve.schedules),
        functions="\n\n".join([*(inspect.getsource(function) for function in functions), augmentations]),
        layers=textwrap.indent(",\n".join(_layers(model)), " " * 8),
        init="network.apply(init_he)" if model.init == "he" else "# PyTorch's own initialisation",
        optimizer=_optimizer(config),
        **(ONE_CYCLE if train.schedule == "one-cycle" else CONSTANT),
        augment=AUGMENT.format(augment=train.augment, restyle=train.restyle) if is_augmented else "",
        dropout=DROPOUT if model.dropout else "",
        **_loss(train, precision),
        precision=precision,
    )


def _loss(train: TrainConfig, precision: str) -> dict[str, str]:
    """The parts of the script that make the loss: from the labels, and from the averaged network's answers if asked."""
    loss = f"F.cross_entropy(logits, labels, label_smoothing={train.label_smoothing!r})"
    if not train.self_distillation:
        return {"average": "", "answers": "", "loss": loss, "take_in": ""}
    return {
        "average": AVERAGE,
        "answers": ANSWERS.format(precision=precision),
        "loss": f"torch.lerp({loss}, F.cross_entropy(logits, answers), {train.self_distillation!r})",
        "take_in": TAKE_IN.format(decay=train.average_weights),
    }


def _layers(model: ModelConfig) -> list[str]:
    """The network, a layer a line."""
    lines, channels = [], model.channels
    for kind, units in model.feature_layers:
        lines.append(
            {
                "conv": f"nn.Conv2d({channels}, {units}, kernel_size=3, padding=1)",
                "norm": f"nn.BatchNorm2d({units})",
                "relu": "nn.ReLU(inplace=True)",
                "pool": "nn.MaxPool2d(kernel_size=2, stride=2)",
            }[kind]
        )
        channels = units
    lines.append("nn.Flatten()")
    inputs = model.flat_units
    for kind, units in model.classifier_layers:
        lines.append(
            {
                "linear": f"nn.Linear({inputs}, {units})",
                "relu": "nn.ReLU(inplace=True)",
                "dropout": f"nn.Dropout({model.dropout!r})",
            }[kind]
        )
        inputs = units
    return lines


def _optimizer(config: RunConfig) -> str:
    train = config.train
    if train.optimizer == "sgd":
        return (
            "torch.optim.SGD(network.parameters(), LEARNING_RATE, momentum=0.9, nesterov=True, "
            f"weight_decay={train.weight_decay!r})"
        )
    kind, fused = ("AdamW", ", fused=True") if train.optimizer == "adamw" else ("Adam", "")
    return f"torch.optim.{kind}(network.parameters(), LEARNING_RATE, weight_decay={train.weight_decay!r}{fused})"


LAST_IMPORT = "import torch.nn.functional as F"
PRECISION = {"32-true": "contextlib.nullcontext()", "bf16-mixed": "torch.autocast(device.type, dtype=torch.bfloat16)"}
CONSTANT = {"rate": "LEARNING_RATE", "fallen": "1.0"}
ONE_CYCLE = {
    "rate": "one_cycle(step, planned_steps, LEARNING_RATE)",
    "fallen": "one_cycle_ahead(step, planned_steps, LEARNING_RATE)"
    " / one_cycle_ahead(set_at, planned_steps, LEARNING_RATE)",
}
AUGMENT = """
        generator = torch.Generator().manual_seed(step_seed(step, SEED))
        batch = restyle_batch(batch, labels, {restyle!r}, generator)
        batch = augment_batch(batch, {augment!r}, generator)"""
DROPOUT = """
        torch.manual_seed(step_seed(step, SEED))  # dropout draws from torch's own generator"""
AVERAGE = """
    average = copy.deepcopy(network).eval()"""
ANSWERS = """
        with torch.no_grad(), {precision}:
            answers = average(inputs).float().softmax(1)  # of the averaged weights, as of the last step"""
TAKE_IN = """
        take_in(average, network, average_decay(step + 1, {decay!r}))"""
SCRIPT = '''"""{title}

Trains the network and prints the loss of every batch. It needs torch, numpy and torchvision.
Usage: python SCRIPT.py FOLDER, where FOLDER/MNIST/raw holds the four MNIST files.
"""

from __future__ import annotations

import contextlib
import copy
import math
import sys
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.datasets import MNIST

{constants}
LEARNING_RATE_CHANGES = {changes}  # made by hand: after which step, to what
PLANNED_STEPS = {schedules}  # how long the run was to be, from which step on


{functions}

def make_network() -> nn.Sequential:
    return nn.Sequential(
{layers},
    )


def main(folder: str) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    mnist = MNIST(folder, train=True, download=False)
    images, labels_of_all = mnist.data[:, None], mnist.targets
    keep, _held_out = split_indices(labels_of_all, VALIDATION_IMAGES, SEED)
    images, labels_of_all = images[keep].to(device), labels_of_all[keep].to(device)

    torch.manual_seed(SEED)
    network = make_network()
    {init}
    network = network.to(device, memory_format=torch.channels_last).train(){average}
    optimizer = {optimizer}

    steps_per_epoch = math.ceil(len(images) / BATCH_SIZE)
    order, planned_steps, set_to, set_at = torch.empty(0), TOTAL_STEPS, None, 0
    for step in range(TOTAL_STEPS):
        epoch, place = divmod(step, steps_per_epoch)
        if place == 0:
            order = epoch_order(len(images), SEED, epoch).to(device)
        indices = order[place * BATCH_SIZE : (place + 1) * BATCH_SIZE]
        batch, labels = images[indices], labels_of_all[indices]{augment}
        inputs = transform_pixels(batch, IMAGE_SIZE, CHANNELS)
{dropout}
        optimizer.zero_grad()
        with {precision}:
            logits = network(inputs).float(){answers}
        loss = {loss}
        loss.backward()
        planned_steps = PLANNED_STEPS.get(step, planned_steps)
        if step in LEARNING_RATE_CHANGES:
            set_to, set_at = LEARNING_RATE_CHANGES[step], step
        learning_rate = {rate} if set_to is None else set_to * ({fallen})
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        optimizer.step(){take_in}
        print(step + 1, loss.item(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
'''
