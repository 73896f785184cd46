"""What came of a training with a class's digits: the network before and after.

Both are asked for the digits of hands that it has not learned from, and for MNIST's validation digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from vgg_demo.analysis.comparison import Comparison, compare
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.data import Digits, Progress, load_train, split_train
from vgg_demo.evaluation import predict
from vgg_demo.predictions import Predictions
from vgg_demo.runs.class_digits import ClassDigits, read_class_digits
from vgg_demo.runs.store import Run


@dataclass(frozen=True, eq=False)
class Change:
    """The answers of one network to the same digits, before it was trained on and after."""

    before: Predictions
    after: Predictions

    @cached_property
    def comparison(self) -> Comparison:
        """McNemar's test: first is before, second is after."""
        return compare(self.before, self.after)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values: of n digits, right before and after, and McNemar's test."""
        found, (before, after) = self.comparison, self.counts
        only = {"gained": len(found.only_second), "lost": len(found.only_first)}
        return {"n": found.n, "before": before, "after": after, **only, "p_value": found.p_value}

    @property
    def counts(self) -> tuple[int, int]:
        """How many digits were read right before, and after."""
        return int(self.before.is_right.sum()), int(self.after.is_right.sum())


@dataclass(frozen=True, eq=False)
class Outcome:
    """Before and after, on the held-out hands and on MNIST's validation digits."""

    class_digits: ClassDigits
    held_out: Change
    mnist: Change

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values, by the digits that were shown."""
        return {"held-out hands": self.held_out.to_dict(), "MNIST's validation digits": self.mnist.to_dict()}


def measure_outcome(run: Run, on_progress: Progress | None = None) -> Outcome:
    """Ask both networks of a run. Raises RunError, CheckpointError, DataError, or FileNotFoundError."""
    class_digits, config = read_class_digits(run), run.config()
    before, after = (load_checkpoint(path)[0] for path in (run.start_path, run.checkpoint_path))
    validation = split_train(load_train(), config.train.validation_images, config.train.seed)[1]

    def change(digits: Digits) -> Change:
        return Change(predict(before, digits, on_progress), predict(after, digits, on_progress))

    return Outcome(class_digits, change(class_digits.held_out), change(validation))
