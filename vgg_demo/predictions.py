"""A network's answers, image by image, kept: every cell, gallery and curve comes from them without asking it again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vgg_demo.config import CLASSES
from vgg_demo.errors import FormatError
from vgg_demo.files import replacing
from vgg_demo.metrics import confusion_counts
from vgg_demo.schema import LONGEST, Kind, number, parse_json, read_table, whole

FORMAT = "vgg-demo-predictions-1"
VALUES: dict[str, Kind] = {"available": whole(1), "seconds": number(0, LONGEST)}
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Answers to the digits of a set.

    logits: float32 (N, 10). labels: int64 (N,), the true digits. indices: int64 (N,), each image's place in its set.
    available: how many images the set has; N is smaller when a sample was taken. seconds: what it took.
    """

    logits: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int64]
    available: int
    seconds: float = 0.0

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def is_sample(self) -> bool:
        """Only a part of the set was shown."""
        return len(self) < self.available

    @cached_property
    def probabilities(self) -> npt.NDArray[np.float64]:
        """Softmax of the logits, (N, 10), in double precision so that very sure answers keep their order."""
        exact = self.logits.astype(np.float64)
        powers = np.exp(exact - exact.max(1, keepdims=True))
        return np.asarray(powers / powers.sum(1, keepdims=True))

    @cached_property
    def answers(self) -> npt.NDArray[np.int64]:
        """The likeliest digit of each image, int64 (N,)."""
        return np.asarray(self.logits.argmax(1), np.int64)

    @cached_property
    def confidences(self) -> npt.NDArray[np.float64]:
        """The probability of each answer, float64 (N,)."""
        return np.asarray(self.probabilities.max(1))

    @cached_property
    def is_right(self) -> npt.NDArray[np.bool_]:
        """Whether each answer is the true digit, (N,)."""
        return np.asarray(self.answers == self.labels)

    @cached_property
    def matrix(self) -> list[list[int]]:
        """The confusion matrix: rows are the true digit, columns the answer."""
        return confusion_counts(self.labels, self.answers)

    def cell(self, true: int, answer: int) -> Positions:
        """Positions (0 to N - 1) of the images of one digit that were read as another, the most confident first."""
        return self.by_confidence((self.labels == true) & (self.answers == answer))

    def mistakes(self, digit: int | None = None, least_confident_first: bool = False) -> Positions:
        """Positions of the images that were misread, all or those of one true digit."""
        chosen = ~self.is_right if digit is None else ~self.is_right & (self.labels == digit)
        return self.by_confidence(chosen, least_confident_first)

    def by_confidence(self, chosen: npt.NDArray[np.bool_], least_confident_first: bool = False) -> Positions:
        """Positions of the chosen images, the most confident answer first; equal ones in the set's own order."""
        positions = np.flatnonzero(chosen)
        keys = self.confidences[positions] * (1 if least_confident_first else -1)
        return np.asarray(positions[np.argsort(keys, kind="stable")], np.int64)


def save_predictions(path: Path, predictions: Predictions) -> None:
    """Write them to a safetensors file, whole or not at all. Raises OSError."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    header = {
        "format": FORMAT,
        "values": json.dumps({"available": predictions.available, "seconds": predictions.seconds}),
    }
    arrays = {name: np.ascontiguousarray(getattr(predictions, name)) for name in ("logits", "labels", "indices")}
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with replacing(path) as temporary:
            save_file(arrays, temporary, header)
    except SafetensorError as error:
        raise OSError(str(error)) from error


def load_predictions(path: Path) -> Predictions | None:
    """Read what save_predictions wrote; None when there is nothing of the kind."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                return None
            arrays: dict[str, Any] = {name: file.get_tensor(name) for name in ("logits", "labels", "indices")}
        predictions = Predictions(**arrays, **read_table(parse_json(header["values"]), VALUES, VALUES))
        return predictions if _fit_together(predictions) else None
    except (OSError, SafetensorError, KeyError, FormatError):
        return None


def _fit_together(predictions: Predictions) -> bool:
    """Whether the arrays are of the shapes and types that Predictions names, and every value is possible."""
    count = len(predictions.labels) if predictions.labels.ndim else 0
    logits, labels, indices = predictions.logits, predictions.labels, predictions.indices
    shapes = (logits.shape, labels.shape, indices.shape) == ((count, CLASSES), (count,), (count,))
    types = [array.dtype.name for array in (logits, labels, indices)] == ["float32", "int64", "int64"]
    if not (count and shapes and types and np.isfinite(logits).all()):
        return False
    ends = ((labels, CLASSES), (indices, predictions.available))
    return all(array.min() >= 0 and array.max() < end for array, end in ends)
