"""A step of our large presets beside a step of the story's own loop, each in a process of its own, in turns."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from tests.benchmarks.pipeline import story_digits, story_loader
from tests.benchmarks.rows import Effort, Row
from vgg_demo.config import RunConfig
from vgg_demo.presets import get_preset

ROUNDS = 2
STORY_BATCH = 32


def measure(effort: Effort) -> Iterator[Row]:
    """Seconds a step of each, how they compare, and their peak memory."""
    if effort.quick:
        yield Row("story", "blog, vgg16-gpu: a step, ours and the story's", "s", (), "left out with --quick")
        return
    for name in ("blog", "vgg16-gpu"):
        yield from compare(name, get_preset(name).config.with_changes(batch_size=STORY_BATCH), ROUNDS)


def compare(name: str, config: RunConfig, rounds: int) -> Iterator[Row]:
    """The rows of one preset, and of the story's network at the same width and image size."""
    with StepProcess("ours", config) as ours, StepProcess("story", config) as theirs:
        pairs: list[tuple[float, float]] = []
        for number in range(rounds + 1):
            if number % 2 == 0:
                pair = ours.step(), theirs.step()
            else:
                second = theirs.step()
                pair = ours.step(), second
            pairs.append(pair)
        memory = ours.peak_bytes, theirs.peak_bytes
    (fast, slow), how = zip(*pairs[1:], strict=True), f"{rounds} rounds in turns after one that reserves memory"
    yield Row("story", f"{name}: a step of our loop", "s", fast, f"{config.train.batch_size} images; {how}")
    yield Row("story", f"{name}: a step of the story's loop", "s", slow, "with its DataLoader's two workers")
    ratios = tuple(b / a for a, b in zip(fast, slow, strict=True))
    yield Row("story", f"{name}: the story's step / ours", "ratio", ratios)
    yield Row("story", f"{name}: peak memory of our loop", "GB", (memory[0] / 1e9,), "the whole process")
    yield Row("story", "peak memory of the story's loop", "GB", (memory[1] / 1e9,), "without its two workers")


class StepProcess:
    """A loop in a process of its own, which takes a step when asked. loop: "ours" or "story"."""

    def __init__(self, loop: str, config: RunConfig) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.steps", loop, json.dumps(config.to_dict())]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self.peak_bytes = 0

    def __enter__(self) -> StepProcess:
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.communicate()  # it ends when its standard input is closed

    def step(self) -> float:
        """Seconds that one more step takes."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("step\n")
        self.process.stdin.flush()
        figures = json.loads(self.process.stdout.readline())
        self.peak_bytes = figures["peak_bytes"]
        return float(figures["seconds"])


def story_network(width: float, image_size: int) -> nn.Sequential:
    """The story's VGG-16, layer by layer: float32 (N, 3, S, S) to logits (N, 10)."""

    def convolutions(given: int, *made: int) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for channels in made:
            layers += [nn.Conv2d(given, channels, 3, padding=1), nn.ReLU()]
            given = channels
        return [*layers, nn.MaxPool2d(2, 2)]

    a, b, c, d = (int(channels * width) for channels in (64, 128, 256, 512))
    hidden, second = int(4096 * width), int(1000 * width)
    return nn.Sequential(
        *convolutions(3, a, a),
        *convolutions(a, b, b),
        *convolutions(b, c, c, c),
        *convolutions(c, d, d, d),
        *convolutions(d, d, d, d),
        nn.Flatten(),
        nn.Linear(d * (image_size // 32) ** 2, hidden),
        nn.ReLU(),
        nn.Linear(hidden, second),
        nn.ReLU(),
        nn.Linear(second, 10),
    )


def story_steps(config: RunConfig, digits: Any = None, device: str = "cpu") -> Iterator[float]:
    """The story's loop, as it was written; yields the loss of each step. digits: its data set, MNIST without it."""
    torch.manual_seed(config.train.seed)
    network = story_network(config.model.width, config.model.image_size).to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    digits = story_digits(config.model) if digits is None else digits
    network.train()
    while True:
        for images, labels in story_loader(digits):
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()
            outputs = network(images)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            yield loss.item()
