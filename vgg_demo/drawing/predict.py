"""From a drawing to answers: every digit on a picture, each brought into MNIST's form and shown to the network."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from vgg_demo.drawing.image_files import read_image
from vgg_demo.drawing.mnist_form import PreparedDigit, prepare_digits
from vgg_demo.drawing.rejection import load_likeness
from vgg_demo.errors import ImageError
from vgg_demo.evaluation import batch_size_for, predict_logits
from vgg_demo.model import VGG

FILES_AT_A_TIME = 50  # each keeps its steps, up to 10 MB of them, until the batch is read
MOST_SPECKS = 2  # so many separate dots within a digit's box, such as eyes, and it is none


@dataclass(frozen=True)
class Reading:
    """One digit of a drawing: every step from ink to answer.

    logits, probabilities: ten each, by digit; the probabilities are the logits' softmax. can_tell: False when it looks
    like no digit; the likeliest is given all the same.
    """

    prepared: PreparedDigit
    logits: list[float]
    probabilities: list[float]
    can_tell: bool

    @property
    def digit(self) -> int:
        """The likeliest digit."""
        return max(range(len(self.logits)), key=self.logits.__getitem__)


def read_drawing(network: VGG, pixels: npt.NDArray[np.uint8]) -> list[Reading]:
    """All digits on a picture, from left to right; an empty list when there is no ink.

    pixels: uint8 (H, W), (H, W, 3) or (H, W, 4); either polarity.
    """
    return _answers(network, prepare_digits(pixels))


def read_files(network: VGG, paths: list[Path]) -> Iterator[list[Reading] | ImageError]:
    """read_drawing for picture files, in their order; for one that cannot be read, the error that says why.

    Files are read by several threads, since decoding and scaling leave Python free, and shown in batches.
    """

    def prepare(path: Path) -> list[PreparedDigit] | ImageError:
        try:
            return prepare_digits(read_image(path))
        except ImageError as error:
            return error

    with warnings.catch_warnings(), ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        warnings.filterwarnings("ignore", module=r"PIL\.")  # odd metadata does not matter here
        for start in range(0, len(paths), FILES_AT_A_TIME):
            pictures = list(threads.map(prepare, paths[start : start + FILES_AT_A_TIME]))
            readable = [digits for digits in pictures if not isinstance(digits, ImageError)]
            readings = iter(_answers(network, [digit for digits in readable for digit in digits]))
            for digits in pictures:
                yield digits if isinstance(digits, ImageError) else [next(readings) for _digit in digits]


def as_row(path: Path, found: list[Reading] | ImageError) -> dict[str, Any]:
    """One picture's answer as plain JSON values: of the first digit, and in "digits" of all from left to right.

    "error" says why a picture could not be read, and is None otherwise.
    """
    readings = [] if isinstance(found, ImageError) else found
    first = readings[0] if readings else None
    return {
        "image": str(path),
        "digit": first.digit if first else None,
        "probabilities": first.probabilities if first else None,
        "blank": first is None and readings is found,
        "looks_like_two": any(reading.prepared.looks_like_two for reading in readings),
        "can_tell": all(reading.can_tell for reading in readings) and bool(readings),
        "digits": [reading.digit for reading in readings],
        "error": str(found) if isinstance(found, ImageError) else None,
    }


def _answers(network: VGG, digits: list[PreparedDigit]) -> list[Reading]:
    if not digits:
        return []
    seen = np.stack([prepared.digit for prepared in digits])
    images = torch.from_numpy(seen)[:, None].to(next(network.parameters()).device)  # (N, 1, 28, 28)
    batches = torch.split(images, batch_size_for(network))
    logits = torch.cat([predict_logits(network, batch) for batch in batches]).cpu()  # (N, 10)
    is_digit = load_likeness().is_digit(seen, logits.numpy()).tolist()  # (N,)
    readings = []
    for prepared, row, probabilities, looks_right in zip(
        digits, logits.tolist(), logits.softmax(1).tolist(), is_digit, strict=True
    ):
        can_tell = looks_right and prepared.specks_inside < MOST_SPECKS and not prepared.looks_like_two
        readings.append(Reading(prepared, row, probabilities, can_tell))
    return readings
