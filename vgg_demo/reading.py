"""From a drawing to answers: every digit on a picture, each brought into MNIST's form and shown to the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vgg_demo.drawing import PreparedDigit, prepare_digit
from vgg_demo.errors import BlankImageError
from vgg_demo.evaluation import predict_logits
from vgg_demo.model import VGG


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
    try:
        prepared = prepare_digit(pixels)
    except BlankImageError:
        return []
    logits = predict_logits(network, prepared.tensor)[0]  # (10,)
    probabilities = logits.softmax(0)
    return [Reading(prepared, logits.tolist(), probabilities.tolist(), bool(probabilities.max() >= 0.5))]
