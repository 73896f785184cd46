"""Follow a run: read its events as they are appended, and thin its curve for drawing."""

from __future__ import annotations

import json
import threading
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from vgg_demo.measurements import Diagnosis
from vgg_demo.runs.store import Run

T = TypeVar("T")
MAX_POINTS = 600
MAX_KEPT = 12  # of a curve, for drawing: some values of the smoothing slider
TAIL_BYTES = 200
SPEED_WINDOW_SECONDS = 5.0


@dataclass
class Curve:
    """What has been read of a run so far, a list per quantity, in step order."""

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    images: list[int] = field(default_factory=list)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    learning_rate_changes: list[tuple[int, float]] = field(default_factory=list)
    schedules: list[tuple[int, int]] = field(default_factory=list)  # from which step on, how many in all
    diagnoses: list[Diagnosis] = field(default_factory=list)
    damaged_lines: int = 0
    _arrays: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict, repr=False, compare=False)
    _kept: dict[tuple[str, float], tuple[int, Any]] = field(default_factory=dict, repr=False, compare=False)

    def points(self, quantity: str = "losses", smoothing: float = 0.0) -> list[tuple[int, float]]:
        """(step, value) of "losses" or "learning_rates" for drawing, smoothed and thinned.

        Worked out once for all who look, until there is more to draw.
        """

        def work_out() -> list[tuple[int, float]]:
            return thin(self.steps, self._smoothed(smoothing) if smoothing else self._array(quantity))

        return self._once(quantity, smoothing, work_out)

    @property
    def smoothed_loss(self) -> float:
        """The loss of about the last ten batches, as a figure. Raises IndexError before the first step."""
        return float(self._smoothed(0.9)[-1])

    def _smoothed(self, smoothing: float) -> npt.NDArray[np.float64]:
        return self._once("smoothed", smoothing, lambda: smooth(self._array("losses"), smoothing))

    def _array(self, quantity: str) -> npt.NDArray[np.float64]:
        known, values = self._arrays.get(quantity, np.empty(0)), getattr(self, quantity)
        if len(known) < len(values):
            known = self._arrays[quantity] = np.concatenate([known, values[len(known) :]])
        return known

    def _once(self, what: str, smoothing: float, work_out: Callable[[], T]) -> T:
        """What was worked out when there were as many steps as now; else work it out."""
        steps = len(self.steps)
        kept = self._kept.get((what, smoothing))
        if kept is None or kept[0] != steps:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            kept = self._kept[what, smoothing] = steps, work_out()
        result: T = kept[1]
        return result

    @property
    def last_step(self) -> int:
        """The last step that was recorded, 0 before the first."""
        return self.steps[-1] if self.steps else 0

    @property
    def val_accuracies(self) -> list[tuple[int, float]]:
        """(step, validation accuracy) at the end of each epoch that measured one."""
        return [(e["step"], e["val_accuracy"]) for e in self.epochs if e.get("val_accuracy") is not None]


class RunReader:
    """Reads metrics.jsonl a piece at a time. One reader serves any number of viewers."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.curve = Curve()
        self._offset = 0
        self._tail = b""  # the last bytes that were read
        self._lock = threading.Lock()

    def refresh(self) -> Curve:
        """Read what is new and return everything. A damaged line is counted and passed over."""
        with self._lock:
            try:
                size = self.run.metrics_path.stat().st_size
                if size < self._offset or (size > self._offset and not self._tail_is_unchanged()):
                    self._offset, self._tail, self.curve = 0, b"", Curve()  # a resumed run has dropped its last lines
                if size > self._offset:
                    with self.run.metrics_path.open("rb") as file:
                        file.seek(self._offset)
                        content = file.read()
                    complete = content[: content.rfind(b"\n") + 1]  # the last line may still be being written
                    self._offset += len(complete)
                    self._tail = (self._tail + complete)[-TAIL_BYTES:]
                    for line in complete.splitlines():
                        self._take(line)
            except FileNotFoundError:
                pass
            return self.curve

    def _tail_is_unchanged(self) -> bool:
        with self.run.metrics_path.open("rb") as file:
            file.seek(self._offset - len(self._tail))
            return file.read(len(self._tail)) == self._tail

    def _take(self, line: bytes) -> None:
        curve = self.curve
        try:
            event = json.loads(line)
            if event["event"] == "step":
                loss = event["loss"]
                row = (
                    int(event["step"]),
                    float("nan") if loss is None else float(loss),
                    float(event["learning_rate"]),
                    float(event["seconds"]),
                    int(event["images"]),
                )
                curve.steps.append(row[0])
                curve.losses.append(row[1])
                curve.learning_rates.append(row[2])
                curve.seconds.append(row[3])
                curve.images.append(row[4])
            elif event["event"] == "epoch":
                curve.epochs.append(event)
            elif event["event"] == "schedule":
                curve.schedules.append((int(event["step"]), int(event["total_steps"])))
            elif event["event"] == "diagnosis":
                curve.diagnoses.append(Diagnosis.from_dict(event))
            elif event["event"] == "learning_rate":
                curve.learning_rate_changes.append((int(event["step"]), float(event["learning_rate"])))
        except (ValueError, KeyError, TypeError):
            curve.damaged_lines += 1


def images_per_second(curve: Curve) -> float | None:
    """The speed over the last few seconds, or None before there is any."""
    if len(curve.steps) < 2:
        return None
    first = bisect_left(curve.seconds, curve.seconds[-1] - SPEED_WINDOW_SECONDS)
    first = min(first, len(curve.steps) - 2)
    elapsed = curve.seconds[-1] - curve.seconds[first]
    return sum(curve.images[first + 1 :]) / elapsed if elapsed > 0 else None


def smooth(values: npt.ArrayLike, smoothing: float) -> npt.NDArray[np.float64]:
    """The exponential moving average, corrected for its start. smoothing: 0 (none) to below 1."""
    import pandas as pd

    return np.asarray(pd.Series(np.asarray(values, np.float64)).ewm(alpha=1 - smoothing).mean(), np.float64)


def thin(steps: list[int], values: npt.ArrayLike, max_points: int = MAX_POINTS) -> list[tuple[int, float]]:
    """At most max_points (step, value) pairs that keep every peak: the smallest and largest of each stretch."""
    array = np.asarray(values, np.float64)
    keep = np.arange(len(array))
    if len(array) > max_points:
        stretches = max_points // 2
        length = -(-len(array) // stretches)
        known = np.full(stretches * length, np.nan)
        known[: len(array)] = np.where(np.isfinite(array), array, np.nan)
        rows = known.reshape(stretches, length)
        first = np.arange(stretches) * length
        lowest = first + np.where(np.isnan(rows), np.inf, rows).argmin(1)
        highest = first + np.where(np.isnan(rows), -np.inf, rows).argmax(1)
        keep = np.unique([lowest, highest])
        keep = keep[keep < len(array)]
    return [(steps[i], float(array[i])) for i in keep if np.isfinite(array[i])]
