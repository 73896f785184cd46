"""Measure what a network says to the digits that are pinned to its run, while it trains, for at most 1 % of the time.

Measuring changes nothing: neither weights nor the running figures of batch normalisation nor random numbers. A training
with pinned digits gives the same losses bit for bit.
"""

from __future__ import annotations

import math
import time
from typing import Any

import torch

from vgg_demo.evaluation import predict_probabilities
from vgg_demo.model import VGG
from vgg_demo.runs.pinned import PinnedDigit, pinned_digits
from vgg_demo.runs.store import Run
from vgg_demo.training import Training

SHARE = 0.01
EARLY_SHARE = 0.5  # of what the whole run may cost can be spent before it is earned
EVERY_SECONDS, LATER_SECONDS = 0.25, 1.0  # of a short run and a long one; more where an inference is slow
SHORT_SECONDS = 60.0


class ProbabilityMeter:
    """Says when it is time to measure the pinned digits of a run, and keeps account of what that costs.

    All seconds are of training, without pauses.
    """

    def __init__(self, run: Run, training: Training) -> None:
        self.run, self.training = run, training
        self.digits: tuple[PinnedDigit, ...] = ()
        self.images = torch.empty(0)
        self.is_new = False  # a digit was pinned that has not been measured yet
        self.started, self.first_step = 0.0, 0  # when the account began
        self.measured, self.measured_step = 0.0, -1  # when the last time was
        self.cost_seconds, self.last_cost = 0.0, 0.0

    def refresh(self, seconds: float) -> None:
        """Read which digits are pinned now."""
        before, self.digits = self.digits, pinned_digits(self.run)
        known = {digit.id for digit in before}
        self.is_new = self.is_new or any(digit.id not in known for digit in self.digits)
        if not self.digits:
            return
        self.images = stacked(self.digits).to(self.training.fabric.device)
        if not before:
            self.started, self.first_step, self.cost_seconds = seconds, self.training.step, 0.0

    def measure(self, seconds: float, is_epoch_end: bool = False) -> list[dict[str, Any]]:
        """What the network says to each digit, as the event "probabilities" has it; [] when it is not the time."""
        if not self._is_due(seconds, is_epoch_end):
            return []
        started = time.perf_counter()
        probabilities = probabilities_in_training(self.training.trained_network, self.images)
        self.last_cost = time.perf_counter() - started
        self.cost_seconds += self.last_cost
        self.measured, self.measured_step, self.is_new = seconds, self.training.step, False
        if not all(math.isfinite(value) for row in probabilities for value in row):
            return []
        answers = zip(self.digits, probabilities, strict=True)
        return [{"id": digit.id, "probabilities": [round(value, 5) for value in row]} for digit, row in answers]

    def _is_due(self, seconds: float, is_epoch_end: bool) -> bool:
        step, total = self.training.step, self.training.config.train.total_steps
        if not self.digits:
            return False
        if self.is_new or (is_epoch_end and step >= total):
            return True
        if step == self.measured_step:
            return False
        elapsed, taken = seconds - self.started, step - self.first_step
        whole = elapsed / max(1, taken) * (total - self.first_step)
        allowed = SHARE * max(elapsed, EARLY_SHARE * whole)
        every = min(max(EVERY_SECONDS, EVERY_SECONDS * elapsed / SHORT_SECONDS), LATER_SECONDS)
        is_time = is_epoch_end or seconds - self.measured >= every
        return is_time and self.cost_seconds + 2 * self.last_cost <= allowed  # one is kept for the end of the run


def stacked(digits: tuple[PinnedDigit, ...]) -> torch.Tensor:
    """The pixels of digits as a batch, uint8 (N, 1, 28, 28)."""
    pixels = bytearray(b"".join(digit.pixels for digit in digits))
    return torch.frombuffer(pixels, dtype=torch.uint8).view(-1, 1, 28, 28)


def probabilities_in_training(network: VGG, images: torch.Tensor) -> list[list[float]]:
    """The ten probabilities for images, uint8 (N, 1, 28, 28), as in evaluation; the network stays in its mode."""
    was_training = network.training
    try:
        return [[float(value) for value in row] for row in predict_probabilities(network, images).tolist()]
    finally:
        network.train(was_training)
