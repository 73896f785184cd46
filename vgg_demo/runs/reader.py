"""Follow a run: read its events as they are appended, and thin its curve for drawing."""

from __future__ import annotations

import math
import stat
import threading
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any

from vgg_demo.diagnosis.records import Diagnosis
from vgg_demo.diagnosis.verdict import Verdict, judge
from vgg_demo.errors import FormatError
from vgg_demo.runs.pinned import Answers, take_probabilities
from vgg_demo.runs.series import Smoother, Thinner
from vgg_demo.runs.store import Run
from vgg_demo.schema import LONGEST, Kind, number, optional, parse_json, read_table, whole
from vgg_demo.text import N_

SMOOTHED_LOSS = 0.9  # of the loss as a figure: the average of about the last ten batches
JUDGED_AGAIN = 1.02  # times as many steps as when it was last judged, which looks at all of them
MAX_KEPT = 12  # averages of a curve, for drawing: some values of the smoothing slider
TAIL_BYTES = 200
MOST_BYTES = 4_000_000  # that are read in one go
SPEED_WINDOW_SECONDS = 5.0
MOST_IMAGES = 1_000_000

# the lines of metrics.jsonl, by kind of event
STEP: dict[str, Kind] = {
    "step": whole(1),
    "loss": optional(number()),
    "learning_rate": number(0),
    "seconds": number(0, LONGEST),
    "images": whole(0, MOST_IMAGES),
}
EPOCH: dict[str, Kind] = {
    "step": whole(1),
    "epoch": whole(1),
    "average_loss": optional(number()),
    "val_loss": optional(number()),
    "val_accuracy": optional(number(0, 1)),
}
SCHEDULE: dict[str, Kind] = {"step": whole(), "total_steps": whole(1)}
LEARNING_RATE: dict[str, Kind] = {"step": whole(), "learning_rate": number(0)}


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
    probabilities: dict[str, Answers] = field(default_factory=dict)  # by pinned digit
    damaged_lines: int = 0
    _thinner: Thinner = field(default_factory=Thinner, repr=False, compare=False)
    _smoothers: dict[float, Smoother] = field(default_factory=dict, repr=False, compare=False)
    _judged: tuple[tuple[int, int], int, Verdict | None] | None = field(default=None, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def take(self, event: object) -> None:
        """Add what a line of metrics.jsonl says. Raises FormatError, and adds nothing, when it is no event of a run."""
        kind = event.get("event") if isinstance(event, dict) else None
        if kind == "step":
            row = read_table(event, STEP, STEP)
            if row["step"] <= self.last_step:
                raise FormatError(N_("steps come one after the other"))
            self.losses.append(math.nan if row["loss"] is None else row["loss"])
            self.learning_rates.append(row["learning_rate"])
            self.seconds.append(row["seconds"])
            self.steps.append(row["step"])
            self.images.append(row["images"])  # the last, as places() wants it
        elif kind == "epoch":
            self.epochs.append(read_table(event, EPOCH, ("step", "epoch")))
        elif kind == "schedule":
            row = read_table(event, SCHEDULE, SCHEDULE)
            self.schedules.append((row["step"], row["total_steps"]))
        elif kind == "learning_rate":
            row = read_table(event, LEARNING_RATE, LEARNING_RATE)
            self.learning_rate_changes.append((row["step"], row["learning_rate"]))
        elif kind == "diagnosis":
            diagnosis = Diagnosis.from_dict(event)
            if self.diagnoses and self.diagnoses[0].layer_names != diagnosis.layer_names:
                raise FormatError(N_("its layers are another network's"))
            self.diagnoses.append(diagnosis)
        elif kind == "probabilities":
            take_probabilities(event, self.probabilities)
        elif not isinstance(kind, str):
            raise FormatError(N_("it is no event"))  # one of a newer version is passed over

    def places(self) -> list[int]:
        """Which of the steps to draw, as places in the lists: every peak of the loss, the ends of epochs, the last."""
        with self._lock:
            count = len(self.images)  # the last list that a step is added to, by a reader in another thread
            kept = {*self._thinner.follow(self.losses), *(bisect_left(self.steps, e["step"]) for e in self.epochs)}
            return sorted(place for place in (kept | {count - 1}) if 0 <= place < count)

    def smoothed(self, smoothing: float) -> list[float]:
        """The moving average of the losses, one a step. smoothing: 0 (none) to below 1. To be read, not changed."""
        with self._lock:
            if smoothing not in self._smoothers:
                if len(self._smoothers) >= MAX_KEPT:
                    self._smoothers.clear()
                self._smoothers[smoothing] = Smoother(smoothing)
            return self._smoothers[smoothing].follow(self.losses)

    @property
    def smoothed_loss(self) -> float:
        """The loss of about the last ten batches, as a figure. Raises IndexError before the first step."""
        return self.smoothed(SMOOTHED_LOSS)[-1]

    @property
    def verdict(self) -> Verdict | None:
        """Whether it learns, and why not, after the last look into the network; None before there was any.

        Judged again with each look, once there are JUDGED_AGAIN times as many steps, and with the last epoch.
        """
        steps = len(self.losses)
        is_at_end = bool(self.schedules) and self.last_step >= self.schedules[-1][1]
        looks = len(self.diagnoses), len(self.epochs) if is_at_end else 0
        judged = self._judged
        if judged is None or judged[0] != looks or steps >= JUDGED_AGAIN * judged[1]:
            judged = self._judged = looks, steps, judge(self.diagnoses, self.losses, self.epochs)
        return judged[2]

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
        self._identity = ""  # of the run that was read
        self._offset = 0
        self._tail = b""  # the last bytes that were read
        self._lock = threading.Lock()

    def refresh(self) -> Curve:
        """Read what is new and return everything; of another run in this place, nothing of the one before.

        A damaged line is counted and passed over, and so is a file that cannot be read.
        """
        with self._lock:
            identity = self.run.identity
            try:
                size = self._size()
                if identity != self._identity or size < self._offset:
                    self._start_over(identity)
                if size > self._offset:
                    self._read_on()
            except OSError:
                self._start_over(identity)
                self.curve.damaged_lines = 1
            return self.curve

    def _size(self) -> int:
        """Bytes in the file, 0 before there is one. Raises OSError when something else stands in its place."""
        try:
            status = self.run.metrics_path.stat()
        except FileNotFoundError:
            return 0
        if not stat.S_ISREG(status.st_mode):
            raise OSError("metrics.jsonl is no file")
        return status.st_size

    def _start_over(self, identity: str) -> None:
        self._identity, self._offset, self._tail, self.curve = identity, 0, b"", Curve()

    def _read_on(self) -> None:
        with self.run.metrics_path.open("rb") as file:
            file.seek(self._offset - len(self._tail))
            if file.read(len(self._tail)) != self._tail:  # a resumed run has dropped its last lines
                self._start_over(self._identity)
            is_long = True
            while is_long:
                file.seek(self._offset)
                content = file.read(MOST_BYTES)
                is_long = len(content) == MOST_BYTES and b"\n" in content
                complete = content[: content.rfind(b"\n") + 1]  # the last line may still be being written
                self._take(complete or (content if len(content) == MOST_BYTES else b""))  # no event is so long

    def _take(self, lines: bytes) -> None:
        self._offset += len(lines)
        self._tail = (self._tail + lines)[-TAIL_BYTES:]
        for line in lines.splitlines():
            try:
                self.curve.take(parse_json(line))
            except FormatError:
                self.curve.damaged_lines += 1


def images_per_second(curve: Curve) -> float | None:
    """The speed over the last few seconds, or None before there is any."""
    if len(curve.steps) < 2:
        return None
    first = bisect_left(curve.seconds, curve.seconds[-1] - SPEED_WINDOW_SECONDS)
    first = min(first, len(curve.steps) - 2)
    elapsed = curve.seconds[-1] - curve.seconds[first]
    return sum(curve.images[first + 1 :]) / elapsed if elapsed > 0 else None
