"""Who trains next: one at a time by default, the others wait, fair between browsers."""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from vgg_demo.errors import FormatError, RunError
from vgg_demo.files import write_text
from vgg_demo.runs.status import Status
from vgg_demo.runs.store import Run, home, list_runs
from vgg_demo.schema import Kind, flag, read_json, read_table

CLASS_SETTINGS: dict[str, Kind] = {"queue_paused": flag, "settings_hidden": flag}


@dataclass(frozen=True)
class ClassSettings:
    """What the teacher has set for everyone."""

    queue_paused: bool = False
    settings_hidden: bool = False


def read_class_settings() -> ClassSettings:
    """The teacher's settings; the defaults where there are none or they cannot be read."""
    try:
        return ClassSettings(**read_table(read_json(_settings_path()), CLASS_SETTINGS, CLASS_SETTINGS))
    except (OSError, FormatError):
        return ClassSettings()


def write_class_settings(settings: ClassSettings) -> None:
    """Replace the teacher's settings."""
    home().mkdir(parents=True, exist_ok=True)
    write_text(_settings_path(), json.dumps(asdict(settings)))


def slots() -> int:
    """How many may train at a time: VGG_DEMO_TRAININGS, a number or "auto" (one a GPU); 1 without it."""
    text = os.environ.get("VGG_DEMO_TRAININGS", "1")
    if text == "auto":
        import torch

        return max(1, torch.cuda.device_count())
    return max(1, int(text)) if text.isdecimal() else 1


def readable() -> list[tuple[Run, Status]]:
    """The runs whose status can be read, with it."""
    found = []
    for run in list_runs():
        with suppress(RunError):
            found.append((run, run.status()))
    return found


def waiting(entries: list[tuple[Run, Status]] | None = None) -> list[Run]:
    """The waiting runs in the order in which they will start.

    Owners take turns: the next is the one with the fewest active runs and earlier turns; then the oldest run counts.
    """
    entries = readable() if entries is None else entries
    queued = sorted((item for item in entries if item[1].state == "queued"), key=lambda item: item[1].queued or 0)
    turns = Counter(status.owner for _run, status in entries if status.is_active)
    order = []
    while queued:
        run, status = chosen = min(queued, key=lambda item: turns[item[1].owner])  # of equals the first in the list
        queued.remove(chosen)
        turns[status.owner] += 1
        order.append(run)
    return order


def _settings_path() -> Path:
    return home() / ".class.json"
