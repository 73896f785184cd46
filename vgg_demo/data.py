"""MNIST: unpack the copy that ships with the project, check it, load it, split it.

The digits are by Yann LeCun, Corinna Cortes and Christopher Burges, CC BY-SA 3.0. No network is ever needed.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vgg_demo.errors import DataError
from vgg_demo.files import replacing
from vgg_demo.text import N_

Progress = Callable[[int, int], None]  # images done, images in all
SHIPPED = Path(__file__).parent / "assets" / "mnist"
CHECKSUMS = {  # md5 of the raw files
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


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


def data_folder() -> Path:
    """Where MNIST is unpacked: the folder that VGG_DEMO_DATA names, or data/ beside the package.

    torchvision.datasets.MNIST(data_folder(), download=False) reads it.
    """
    return Path(os.environ.get("VGG_DEMO_DATA") or Path(__file__).parent.parent / "data")


def unpack_mnist(folder: Path | None = None) -> dict[str, bytes]:
    """Make sure that the four raw files lie in folder/MNIST/raw, and return their contents by file name.

    A file that is missing, damaged or half-written is written again from the shipped copy; others are left alone.
    Raises DataError when the shipped copy is damaged or the folder cannot be written.
    """
    raw = (folder or data_folder()) / "MNIST" / "raw"
    return {name: _read_checked(raw / name) or _unpack(raw / name) for name in CHECKSUMS}


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


def _read_checked(path: Path) -> bytes | None:
    """The file's contents when they are as they should be, else None."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return content if _md5(content) == CHECKSUMS[path.name] else None


def _unpack(path: Path) -> bytes:
    """Write one raw file from the shipped copy, whole or not at all, and return its contents."""
    packed = SHIPPED / f"{path.name}.gz"
    try:
        content = gzip.decompress(packed.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(packed, str(error)) from error
    if _md5(content) != CHECKSUMS[path.name]:
        raise _damaged(packed, "its contents are not MNIST's")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise DataError(
            N_(
                "{path} cannot be written ({error}): free some space or make the folder writable, "
                "or name another folder in the environment variable VGG_DEMO_DATA"
            ),
            path=path,
            error=error.strerror or error,
        ) from error
    return content


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _damaged(packed: Path, why: str) -> DataError:
    return DataError(
        f"{packed} is damaged or missing ({why}): restore it, for example with 'git checkout -- {packed.name}' in its "
        "folder, or clone the project again"
    )
