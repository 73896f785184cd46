"""The commands to a worker that trains: the page and the command line append them to control.jsonl.

{"command": "stop"}             end, keeping what was learned
{"command": "pause"}            wait; "resume" goes on
{"command": "batch"}            one batch, then pause
{"command": "epoch"}            to the end of the epoch, then pause
{"command": "learning_rate", "value": 0.01}
{"command": "pin", "digit": "…", "label": 7}    watch a digit: pinned.py reads which
{"command": "unpin", "id": "…"}
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from vgg_demo.errors import FormatError
from vgg_demo.runs.processes import when_asked_to_end
from vgg_demo.runs.store import Run
from vgg_demo.schema import parse_json

PAUSES = {  # command: paused, and the event after which to pause
    "pause": (True, None),
    "resume": (False, None),
    "batch": (False, "step"),
    "epoch": (False, "epoch"),
}


def read_commands(path: Path, offset: int) -> tuple[list[dict[str, Any]], int]:
    """The commands from a byte on, and the byte after them. Lines that are none are left out."""
    try:
        if os.stat(path).st_size <= offset:  # a few microseconds, which each step takes
            return [], offset
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read()
    except OSError:
        return [], offset
    complete = content[: content.rfind(b"\n") + 1]
    commands = []
    for line in complete.splitlines():
        with contextlib.suppress(FormatError):
            command = parse_json(line)
            if isinstance(command, dict):
                commands.append(command)
    return commands, offset + len(complete)


class Control:
    """Reads the commands, and remembers what they add up to."""

    def __init__(self, run: Run) -> None:
        self.path = run.control_path
        self.offset = run.status().control_from
        self.stop_asked = False
        self.paused = False
        self.pause_after: str | None = None  # the event after which to pause: "step" or "epoch"
        self.learning_rate: float | None = None  # asked for and not yet set
        self.pins_changed = True  # which digits are pinned has to be read
        when_asked_to_end(self._stop)

    def poll(self) -> None:
        """Read the commands since the last time."""
        commands, self.offset = read_commands(self.path, self.offset)
        for command in commands:
            self._apply(command)

    def happened(self, event: str) -> None:
        """An event ("step" or "epoch") was recorded: pause when that was asked for."""
        if self.pause_after == event:
            self.paused, self.pause_after = True, None

    def _apply(self, command: dict[str, Any]) -> None:
        name: str = str(command.get("command"))
        value: Any = command.get("value")
        if name in PAUSES:
            self.paused, self.pause_after = PAUSES[name]
        elif name == "stop":
            self.stop_asked = True
        elif name in ("pin", "unpin"):
            self.pins_changed = True
        elif name == "learning_rate" and type(value) in (int, float) and 0 < value <= 100:  # not NaN, not true
            self.learning_rate = float(value)

    def _stop(self) -> None:
        self.stop_asked = True
