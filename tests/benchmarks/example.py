"""Time to 99.0 % of the test digits: our classroom preset, and the network and settings of PyTorch's MNIST example. And
how much longer our lesson preset takes.

The clock counts training, from the first batch to the last with everything that a batch needs; evaluation stands still.
Source of the example: github.com/pytorch/examples, mnist/main.py (BSD 3-Clause), written anew from its description.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import MNIST

from tests.benchmarks.rows import Effort, Row
from vgg_demo.config import RunConfig
from vgg_demo.data import load_mnist
from vgg_demo.device import make_fabric
from vgg_demo.evaluation import accuracy_and_loss
from vgg_demo.mnist_files import data_folder
from vgg_demo.presets import get_preset
from vgg_demo.training import StepEvent, Training

TARGET = 0.99
SEEDS, QUICK_SEEDS = (0, 1, 2, 3, 4), (0,)
LESSON_SEEDS = (0, 1, 2)
EXAMPLE_SEED, EXAMPLE_EPOCHS = 1, 14  # its own
QUICK_LIMIT_SECONDS = 15.0


class ExampleNetwork(nn.Module):
    """forward takes images, float32 (N, 1, 28, 28), and returns log-probabilities (N, 10). 1,199,882 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(64 * 12 * 12, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """images: (N, 1, 28, 28). Returns log-probabilities (N, 10)."""
        maps = F.relu(self.conv1(images))  # (N, 32, 26, 26)
        maps = F.relu(self.conv2(maps))  # (N, 64, 24, 24)
        units = torch.flatten(self.dropout1(F.max_pool2d(maps, 2)), 1)  # (N, 64 * 12 * 12)
        units = self.dropout2(F.relu(self.fc1(units)))  # (N, 128)
        return F.log_softmax(self.fc2(units), dim=1)


@dataclass(frozen=True)
class Progress:
    """After an epoch, or where the limit cut it short. seconds: of training so far. images: so far."""

    epoch: int
    seconds: float
    images: int
    accuracy: float


def measure(effort: Effort) -> Iterator[Row]:
    """classroom, lesson and the example, and how they compare."""
    seeds = QUICK_SEEDS if effort.quick else SEEDS
    runs = yield from measure_preset("classroom", seeds)
    ours = tuple(run.seconds for run in runs)
    if not effort.quick:
        longer = yield from measure_preset("lesson", LESSON_SEEDS)
        ratio = statistics.median(run.seconds for run in longer) / statistics.median(ours)
        yield Row("example", "lesson / classroom, a whole run", "ratio", (ratio,), "medians")

    limit = min(effort.limit_seconds, QUICK_LIMIT_SECONDS) if effort.quick else effort.limit_seconds
    epochs = list(train_example(limit, example_digits(train=True), example_digits(train=False)))
    yield from compare(ours, all(run.accuracy >= TARGET for run in runs), epochs)


def measure_preset(name: str, seeds: tuple[int, ...]) -> Generator[Row, None, list[Progress]]:
    """The rows of its whole runs, one a seed. Returns the runs."""
    config = get_preset(name).config
    runs = [train_ours(config.with_changes(seed=seed)) for seed in seeds]
    how = f"seeds {', '.join(map(str, seeds))}"
    yield Row("example", f"{name}: its whole run", "s", tuple(run.seconds for run in runs), how)
    yield Row("example", f"{name}: test accuracy after it", "%", tuple(100 * run.accuracy for run in runs), how)
    return runs


def compare(ours: tuple[float, ...], ours_reached: bool, epochs: list[Progress]) -> Iterator[Row]:
    """The example's rows, and the ratio. ours: seconds of our runs."""
    last = epochs[-1]
    accuracies = ", ".join(f"{100 * epoch.accuracy:.2f}" for epoch in epochs)
    per_epoch = 60_000 * last.seconds / last.images
    yield Row("example", "PyTorch's example: an epoch", "s", (per_epoch,), f"from {last.images:,} images")
    reached = last.accuracy >= TARGET
    note = f"seed {EXAMPLE_SEED}; after each epoch {accuracies} %"
    if not reached:
        note = f"not reached after {last.seconds:.0f} s; {note} (the last may be cut short)"
    yield Row("example", "PyTorch's example: to 99.0 %", "s", (last.seconds,), note, is_bound=not reached)
    note = "" if ours_reached else "but not every run of classroom reached 99.0 %"
    ratio = last.seconds / statistics.median(ours)
    yield Row("example", "PyTorch's example / classroom, time to 99.0 %", "ratio", (ratio,), note, not reached)


def train_ours(config: RunConfig) -> Progress:
    """A whole run of a preset."""
    train, test = load_mnist()
    training = Training(config, train, make_fabric("cpu", config.train.precision))
    seconds, images, events = 0.0, 0, training.run()
    while True:
        started = time.perf_counter()
        event = next(events, None)
        if event is None:
            break
        if isinstance(event, StepEvent):  # anything else is a look at validation digits
            seconds += time.perf_counter() - started
            images += event.images
    accuracy, _loss = accuracy_and_loss(training.trained_network, test)
    return Progress(config.train.total_epochs, seconds, images, accuracy)


def example_digits(train: bool) -> Any:
    """The data set as the example reads it: image by image through PIL."""
    load_mnist()  # unpacked
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    return MNIST(str(data_folder()), train=train, download=False, transform=transform)


def train_example(limit_seconds: float, train: Any, test: Any) -> Iterator[Progress]:
    """Train PyTorch's example until it reads 99.0 %, its 14 epochs are over or the time is up.

    train, test: data sets of (image, label). Yields after every epoch, and where the time was up.
    """
    torch.manual_seed(EXAMPLE_SEED)
    loader = DataLoader(train, batch_size=64, shuffle=True)
    network = ExampleNetwork()
    optimizer = torch.optim.Adadelta(network.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    seconds, seen = 0.0, 0
    for epoch in range(1, EXAMPLE_EPOCHS + 1):
        network.train()
        before, started = seconds, time.perf_counter()
        for number, (images, labels) in enumerate(loader):
            optimizer.zero_grad()
            loss = F.nll_loss(network(images), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if number % 10 == 0:
                loss.item()  # it prints the loss
            seen += len(labels)
            seconds = before + time.perf_counter() - started
            if seconds > limit_seconds:
                break
        scheduler.step()
        accuracy = example_accuracy(network, test)
        yield Progress(epoch, seconds, seen, accuracy)
        if accuracy >= TARGET or seconds > limit_seconds:
            return


@torch.inference_mode()
def example_accuracy(network: nn.Module, test: Any) -> float:
    """The share of the test digits that are read right."""
    network.eval()
    right = 0
    for images, labels in DataLoader(test, batch_size=1000):
        right += int((network(images).argmax(dim=1) == labels).sum())
    return right / len(test)
