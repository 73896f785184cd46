"""MNIST as tensors: load it, split it, go through it in batches.

The digits are by Yann LeCun, Corinna Cortes and Christopher Burges, CC BY-SA 3.0. No network is ever needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vgg_demo.mnist_files import unpack_mnist

Progress = Callable[[int, int], None]  # images done, images in all


@dataclass(frozen=True)
class Digits:
    """images: uint8 (N, 1, 28, 28), ink light on dark; labels: int64 (N,), 0 to 9."""

    images: torch.Tensor
    labels: torch.Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: torch.Tensor | slice) -> Digits:
        return Digits(self.images[index], self.labels[index])

    def to(self, device: torch.device) -> Digits:
        """The same digits on another device."""
        return Digits(self.images.to(device), self.labels.to(device))


def load_mnist(folder: Path | None = None) -> tuple[Digits, Digits]:
    """The 60,000 training and the 10,000 test digits, unpacked first where needed. Raises DataError."""
    files = unpack_mnist(folder)
    return _parse(files, "train"), _parse(files, "t10k")


def load_train(folder: Path | None = None) -> Digits:
    """The 60,000 training digits. Raises DataError."""
    return _parse(unpack_mnist(folder), "train")


def load_test(folder: Path | None = None) -> Digits:
    """The 10,000 test digits, for evaluation alone. Raises DataError."""
    return _parse(unpack_mnist(folder), "t10k")


def split_train(digits: Digits, validation_images: int, seed: int) -> tuple[Digits, Digits]:
    """Split into training and validation digits: as many of each digit, in proportion, as in the whole.

    The same seed gives the same split. With validation_images = 0 everything is for training, in its own order.
    """
    keep, held_out = split_indices(digits.labels, validation_images, seed)
    return digits[keep], digits[held_out]


def split_indices(labels: torch.Tensor, validation_images: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Which images to learn from and which to keep apart, in their own order; stratified, fixed by the seed.

    labels: int64 (N,). Returns two int64 tensors of indices.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(labels), generator=generator)
    by_class = [order[labels[order] == digit] for digit in range(10)]
    # largest remainder: whole numbers in proportion that add up
    exact = np.array([len(members) * validation_images / len(labels) for members in by_class])
    counts = np.floor(exact).astype(int)
    counts[np.argsort(counts - exact, kind="stable")[: validation_images - counts.sum()]] += 1
    held_out = torch.zeros(len(labels), dtype=torch.bool)
    for members, count in zip(by_class, counts, strict=True):
        held_out[members[:count]] = True
    return torch.nonzero(~held_out)[:, 0], torch.nonzero(held_out)[:, 0]


def mix_in(digits: Digits, others: Digits, share: float, validation_images: int, seed: int) -> Digits:
    """The training digits, of which a share has given its place to other digits with the same labels.

    Which ones, the seed decides. The validation digits of split_train with this number and seed stay, and so does the
    length of an epoch. Where there are fewer others than places, each is there several times.
    """
    images = digits.images.clone()
    keep, _held_out = split_indices(digits.labels, validation_images, seed)
    places = keep[epoch_order(len(keep), seed, epoch=-1)]  # the order of no epoch: else an epoch begins with them all
    for label in sorted(set(others.labels.tolist())):
        mine = others.images[others.labels == label]
        chosen = places[digits.labels[places] == label]
        chosen = chosen[: round(share * len(chosen))]
        images[chosen] = mine[torch.arange(len(chosen)) % len(mine)]
    return Digits(images, digits.labels)


def epoch_order(images: int, seed: int, epoch: int) -> torch.Tensor:
    """The order of the images in an epoch (counted from 0), int64 (images,): a function of the seed alone.

    A run that is taken up again in the middle of an epoch needs nothing else to go on in the same order.
    """
    generator = torch.Generator().manual_seed(seed * 100_003 + epoch)
    return torch.randperm(images, generator=generator)


def batches(digits: Digits, batch_size: int, on_progress: Progress | None = None) -> Iterator[Digits]:
    """The digits in their own order, batch_size at a time; the last batch may be smaller.

    on_progress is called when a batch was used; what it raises ends the iteration.
    """
    for start in range(0, len(digits), batch_size):
        batch = digits[start : start + batch_size]
        yield batch
        if on_progress:
            on_progress(start + len(batch), len(digits))


def _parse(files: dict[str, bytes], part: str) -> Digits:
    """The idx files of one part: a header of 16 or 8 bytes, then one byte a pixel or label."""
    images = np.frombuffer(files[f"{part}-images-idx3-ubyte"], np.uint8, offset=16).reshape(-1, 1, 28, 28)
    labels = np.frombuffer(files[f"{part}-labels-idx1-ubyte"], np.uint8, offset=8)
    return Digits(torch.from_numpy(images.copy()), torch.from_numpy(labels.astype(np.int64)))
