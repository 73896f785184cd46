"""How good a network is: accuracy, loss, confusion matrix, per-class figures."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from vgg_demo.config import CLASSES
from vgg_demo.data import Digits, Progress, batches
from vgg_demo.errors import CheckpointError
from vgg_demo.metrics import wilson_interval
from vgg_demo.model import VGG
from vgg_demo.predictions import Predictions
from vgg_demo.text import N_
from vgg_demo.transforms import transform_batch


@dataclass(frozen=True)
class ClassFigures:
    """One digit's figures, as fractions; support is how many of them were shown.

    precision: None when nothing was read as this digit; recall and f1: None when none was shown.
    """

    digit: int
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class Evaluation:
    """The result over n images. accuracy: a fraction. confusion_matrix: rows are the true digit, columns the answer."""

    accuracy: float
    correct: int
    n: int
    loss: float
    confusion_matrix: list[list[int]]
    per_class: list[ClassFigures]
    seconds: float

    @property
    def interval(self) -> tuple[float, float]:
        """The accuracy's 95 % interval, as fractions."""
        return wilson_interval(self.correct, self.n)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values, with the accuracy's 95 % interval."""
        return {**asdict(self), "accuracy_interval": list(self.interval)}


def batch_size_for(network: VGG) -> int:
    """How many images to show at a time: many small ones, few large ones.

    On a processor as few as its cache holds: 125 took two thirds of the time of 500 with the shipped network.
    """
    most = 125 if next(network.parameters()).device.type == "cpu" else 500
    return max(1, min(most, 500 * 32 * 32 // network.config.image_size**2))


@torch.inference_mode()
def predict_logits(network: VGG, images: torch.Tensor) -> torch.Tensor:
    """The network's answer to a batch: uint8 (N, 1, H, W), ink light on dark, to logits (N, 10), float32."""
    network.eval()
    inputs = transform_batch(images, network.config)
    logits: torch.Tensor = network(inputs)
    return logits.float()


def predict_probabilities(network: VGG, images: torch.Tensor) -> torch.Tensor:
    """Softmax of predict_logits: (N, 10), each row adds up to 1."""
    return predict_logits(network, images).softmax(1)


def accuracy_and_loss(network: VGG, digits: Digits) -> tuple[float, float]:
    """The share of right answers and the mean cross-entropy, in nats."""
    correct, loss_sum = 0, 0.0
    for batch in batches(digits, batch_size_for(network)):
        logits = predict_logits(network, batch.images)
        correct += int((logits.argmax(1) == batch.labels).sum())
        loss_sum += F.cross_entropy(logits, batch.labels, reduction="sum").item()
    return correct / len(digits), loss_sum / len(digits)


def predict(
    network: VGG, digits: Digits, on_progress: Progress | None = None, sample: torch.Tensor | None = None
) -> Predictions:
    """Show the network the digits, or those that sample (indices, int64) names, and keep every answer.

    on_progress is called after every batch; what it raises ends the evaluation. Raises CheckpointError when an answer
    is not a number.
    """
    started = time.perf_counter()
    shown = (digits if sample is None else digits[sample]).to(next(network.parameters()).device)
    shown_batches = batches(shown, batch_size_for(network), on_progress)
    logits = [predict_logits(network, batch.images) for batch in shown_batches]
    seconds = time.perf_counter() - started
    answers = torch.cat(logits).cpu().numpy()
    if not np.isfinite(answers).all():
        raise CheckpointError(
            N_(
                "this network's answers are not all numbers (NaN or infinite): its weights have grown beyond measure; "
                "train it again with a smaller learning rate"
            )
        )
    indices = np.arange(len(digits)) if sample is None else sample.numpy()
    return Predictions(answers, shown.labels.cpu().numpy(), indices.astype(np.int64), len(digits), seconds)


def sample_indices(available: int, count: int, seed: int = 0) -> torch.Tensor:
    """Which digits a sample has, int64, in ascending order: drawn from everywhere, the same every time.

    The first half of MNIST's test set is easier than the second, so the first few would flatter.
    """
    order = torch.randperm(available, generator=torch.Generator().manual_seed(seed))
    return order[:count].sort().values


def seconds_per_image(network: VGG, digits: Digits) -> float:
    """How long one image takes in an evaluation, measured on a small batch."""
    few = digits[: min(8, batch_size_for(network), len(digits))].to(next(network.parameters()).device)
    durations = []
    for _attempt in range(3):  # the first one also reserves memory, and another program may get in between
        started = time.perf_counter()
        predict_logits(network, few.images).cpu()
        durations.append(time.perf_counter() - started)
    return min(durations) / len(few)


def summarise_predictions(predictions: Predictions) -> Evaluation:
    """The figures that follow from kept answers."""
    from sklearn.metrics import precision_recall_fscore_support  # here, because loading it takes a second

    labels, n = predictions.labels, len(predictions)
    columns = precision_recall_fscore_support(labels, predictions.answers, labels=range(CLASSES), zero_division=0)
    per_class = [
        ClassFigures(
            digit,
            precision if (predictions.answers == digit).any() else None,
            recall if support else None,
            f1 if support else None,
            support,
        )
        for digit, (precision, recall, f1, support) in enumerate(zip(*(c.tolist() for c in columns), strict=True))
    ]
    correct = int(predictions.is_right.sum())
    loss = F.cross_entropy(torch.from_numpy(predictions.logits).double(), torch.from_numpy(labels)).item()
    return Evaluation(correct / n, correct, n, loss, predictions.matrix, per_class, predictions.seconds)
