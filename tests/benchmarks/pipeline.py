"""Images per second on the way from MNIST to the network, at 224×224: the batched transform and the story's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from typing import Any

import torch
from torch.utils.data import DataLoader
from torchvision.datasets import MNIST

from tests.benchmarks.rows import Effort, Row
from vgg_demo.config import ModelConfig
from vgg_demo.data import Digits, epoch_order, load_train
from vgg_demo.mnist_files import data_folder
from vgg_demo.presets import get_preset
from vgg_demo.transforms import story_transform, transform_batch

BATCH_SIZE, WORKERS = 32, 2  # the story's
AHEAD = 2 * WORKERS + 1  # batches that the loader's workers have ready before they are asked
QUIET_SECONDS = 0.5  # until they have them: who comes next has both cores
ROUND_SECONDS, QUICK_ROUND_SECONDS = 1.0, 0.4

_images: Iterator[torch.Tensor]  # of the process that measures one of the two


def measure(effort: Effort) -> Iterator[Row]:
    """Both, in turns, and how they compare.

    Each in a process of its own: the loader's workers are forks, after which the process that they come from writes to
    memory at half its speed.
    """
    rounds, seconds = (3, QUICK_ROUND_SECONDS) if effort.quick else (9, ROUND_SECONDS)
    threads = torch.get_num_threads()
    speeds = []
    with ExitStack() as stack:
        ours, theirs = (
            stack.enter_context(ProcessPoolExecutor(1, get_context("spawn"), _open, (is_ours, threads)))
            for is_ours in (True, False)
        )
        for _ in range(rounds):
            pair = []
            for process in (ours, theirs):
                time.sleep(QUIET_SECONDS)
                pair.append(process.submit(_measure_round, seconds).result())
            speeds.append(pair)
    how = f"{rounds} rounds of {seconds:g} s, batches of {BATCH_SIZE}, in turns, each in a process of its own"
    yield Row("pipeline", "our batched transform", "images/s", tuple(our for our, _their in speeds), how)
    note = f"Resize, Grayscale, ToTensor, Normalize; DataLoader, {WORKERS} workers"
    yield Row("pipeline", "the story's PIL transform", "images/s", tuple(their for _our, their in speeds), note)
    yield Row("pipeline", "our batched transform / the story's", "ratio", tuple(our / their for our, their in speeds))


def _open(is_ours: bool, threads: int) -> None:
    """Make a process ready to measure one of the two."""
    global _images
    torch.set_num_threads(threads)
    model = get_preset("blog").config.model
    _images = batched_images(load_train(), model) if is_ours else story_images(story_digits(model))


def _measure_round(seconds: float) -> float:
    return images_per_second(_images, seconds)


def images_per_second(images: Iterator[torch.Tensor], seconds: float) -> float:
    """The speed over at least so many seconds, once what waited ready is used up."""
    for _ in range(AHEAD):
        next(images)
    started, count, taken = time.perf_counter(), 0, 0.0
    while taken < seconds:
        count += len(next(images))
        taken = time.perf_counter() - started
    return count / taken


def batched_images(digits: Digits, model: ModelConfig) -> Iterator[torch.Tensor]:
    """Batches as our training gives them to the network: float32 (32, C, S, S) in [-1, 1]."""
    epoch = 0
    while True:
        for indices in torch.split(epoch_order(len(digits), 0, epoch), BATCH_SIZE):
            yield transform_batch(digits[indices].images, model)
        epoch += 1


def story_digits(model: ModelConfig) -> Any:
    """The story's data set: MNIST from its files, a PIL image at a time."""
    load_train()  # unpacked
    transform = story_transform(model.image_size, model.channels)
    return MNIST(str(data_folder()), train=True, download=False, transform=transform)


def story_loader(digits: Any) -> DataLoader[Any]:
    """The story's loader."""
    return DataLoader(digits, batch_size=BATCH_SIZE, shuffle=True, num_workers=WORKERS)


def story_images(digits: Any) -> Iterator[torch.Tensor]:
    """Batches as the story gives them to the network: float32 (32, C, S, S) in [-1, 1]."""
    while True:
        for images, _labels in story_loader(digits):
            yield images
