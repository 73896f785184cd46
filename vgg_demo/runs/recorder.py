"""What a worker writes while it trains: events for the page, lines for people."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from vgg_demo.config import RunConfig
from vgg_demo.diagnosis.records import Diagnosis, without_nan
from vgg_demo.runs.claims import Claim
from vgg_demo.runs.store import Run
from vgg_demo.training import EpochEvent, Event, StepEvent

FLUSH_EVERY_SECONDS = 0.1
LOG_EVERY_STEPS = 100


class Recorder:
    """Writes a run's events and log lines. seconds counts the time spent training, without pauses."""

    def __init__(self, run: Run, config: RunConfig, at: dict[str, Any] | None, claim: Claim | None = None) -> None:
        """at: what position returned when the state was saved from which the run goes on; later lines are dropped.

        claim: without which nothing more is written.
        """
        at = at or {"metrics_bytes": 0, "log_bytes": 0, "seconds": 0.0, "last_epoch": None, "total_steps": 0}
        self.config, self.claim = config, claim
        self.metrics = _open_at(run.metrics_path, at["metrics_bytes"])
        self.log = _open_at(run.log_path, at["log_bytes"])
        self.pending: list[dict[str, Any]] = []  # for the next flush: one write takes half the time of many
        self.seconds_before: float = at["seconds"]
        self.started = time.perf_counter()
        self.flushed = 0.0
        self.last_epoch: dict[str, Any] | None = at["last_epoch"]
        self.total_steps: int = at["total_steps"]

    @property
    def seconds(self) -> float:
        """Time spent training so far, in all processes, without pauses."""
        return self.seconds_before + time.perf_counter() - self.started

    def write(self, event: Event | Diagnosis) -> None:
        """Append the event, and the story's line where one is due."""
        self._append(event.to_dict())
        train = self.config.train
        if isinstance(event, EpochEvent):
            self.last_epoch = event.to_dict()
            self.say(f"Epoch [{event.epoch}/{train.total_epochs}], Average Loss: {event.average_loss:.4f}")
            if event.val_accuracy is not None:
                self.say(f"Validation Loss: {event.val_loss:.4f}, Accuracy: {event.val_accuracy * 100:.2f} %")
        elif isinstance(event, StepEvent) and event.step % LOG_EVERY_STEPS == 0:
            place = f"Epoch [{event.epoch}/{train.total_epochs}], Step [{event.step}/{train.total_steps}]"
            self.say(f"{place}, Loss: {event.loss:.4f}")
        if time.perf_counter() - self.flushed > FLUSH_EVERY_SECONDS:
            self.flush()

    def write_learning_rate(self, step: int, learning_rate: float) -> None:
        """Record that the learning rate was changed by hand, from the step after this one on."""
        self._append({"event": "learning_rate", "step": step, "learning_rate": learning_rate})
        self.say(f"Learning rate changed to {learning_rate:g} after step {step}")

    def write_probabilities(self, step: int, digits: list[dict[str, Any]], cost_seconds: float) -> None:
        """Record what the network says to the pinned digits after a step.

        digits: as pinned.PROBABILITIES has them. cost_seconds: what measuring has cost this process so far.
        """
        values = {"event": "probabilities", "step": step, "digits": digits}
        self._append({**values, "cost_seconds": round(cost_seconds, 4)})

    def write_schedule(self, step: int, total_steps: int) -> None:
        """Record, when it is new, how long the run is to be: a schedule follows from it."""
        if total_steps != self.total_steps:
            self.total_steps = total_steps
            self.pending.append({"event": "schedule", "step": step, "total_steps": total_steps})

    def say(self, line: str) -> None:
        """Append one line to log.txt."""
        self.log.write(f"{line}\n".encode())

    def flush(self) -> None:
        """Let readers see everything so far. Raises RunError when the claim is lost."""
        if self.claim:
            self.claim.require_recent()
        lines = "".join(json.dumps(without_nan(values)) + "\n" for values in self.pending)
        self.pending.clear()  # before they are written: what a full disk leaves out is not written twice
        self.metrics.write(lines.encode())
        self.metrics.flush()
        self.log.flush()
        self.flushed = time.perf_counter()

    def close(self) -> None:
        """Write what is left, and nothing after it. Raises RunError when the claim is lost."""
        try:
            self.flush()
        finally:
            with self.metrics, self.log:
                pass

    def position(self) -> dict[str, Any]:
        """Where the files end now, to be kept with the saved state."""
        self.flush()
        return {
            "metrics_bytes": self.metrics.tell(),
            "log_bytes": self.log.tell(),
            "seconds": self.seconds,
            "last_epoch": self.last_epoch,
            "total_steps": self.total_steps,
        }

    def _append(self, values: dict[str, Any]) -> None:
        """One more line, with the time that it came at."""
        self.pending.append({**values, "seconds": round(self.seconds, 4)})


def _open_at(path: Path, size: int) -> Any:
    """Open a file for appending after dropping what lies past size bytes."""
    file = path.open("ab")
    file.truncate(min(size, file.seek(0, os.SEEK_END)))  # a larger size would make the file larger
    file.seek(0, os.SEEK_END)
    return file
