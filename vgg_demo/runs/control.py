"""What a worker is told while it trains: the commands that others append to control.jsonl.

{"command": "stop"}             end, keeping what was learned
{"command": "pause"}            wait; "resume" goes on
{"command": "batch"}            one batch, then pause
{"command": "epoch"}            to the end of the epoch, then pause
{"command": "learning_rate", "value": 0.01}
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from vgg_demo.errors import FormatError
from vgg_demo.runs.store import Run
from vgg_demo.schema import parse_json

POLL_EVERY_SECONDS = 0.02  # at most so often: asking costs as much as a third of a percent of a small network's step


def is_learning_rate(value: Any) -> bool:
    """Whether it is a number that a learning rate may be; NaN and true are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 100


class Control:
    """Reads the commands, and remembers what they add up to."""

    def __init__(self, run: Run) -> None:
        self.path = run.control_path
        self.offset = run.status().control_from
        self.polled = 0.0
        self.stop_asked = False
        self.paused = False
        self.pause_after: str | None = None  # the event after which to pause: "step" or "epoch"
        self.learning_rate: float | None = None  # asked for and not yet set
        signal.signal(signal.SIGTERM, self._on_terminate)

    def poll(self) -> None:
        """Take in the commands since the last time, if it is time again. A line that is no command is passed over."""
        now = time.perf_counter()
        if now - self.polled < POLL_EVERY_SECONDS:
            return
        self.polled = now
        try:
            if os.stat(self.path).st_size <= self.offset:
                return
            with self.path.open("rb") as file:
                file.seek(self.offset)
                content = file.read()
        except OSError:
            return
        complete = content[: content.rfind(b"\n") + 1]
        self.offset += len(complete)
        for line in complete.splitlines():
            try:
                command = parse_json(line)
            except FormatError:
                continue
            if isinstance(command, dict):
                self._take(command)

    def happened(self, event: str) -> None:
        """An event ("step" or "epoch") was recorded: pause when that was asked for."""
        if self.pause_after == event:
            self.paused, self.pause_after = True, None

    def _take(self, command: dict[str, Any]) -> None:
        name = command.get("command")
        value: Any = command.get("value")
        if name == "stop":
            self.stop_asked = True
        elif name == "pause":
            self.paused, self.pause_after = True, None
        elif name == "resume":
            self.paused, self.pause_after = False, None
        elif name in ("batch", "epoch"):
            self.paused, self.pause_after = False, "step" if name == "batch" else "epoch"
        elif name == "learning_rate" and is_learning_rate(value):
            self.learning_rate = float(value)

    def _on_terminate(self, *_: object) -> None:
        self.stop_asked = True
