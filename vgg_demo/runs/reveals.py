"""How often a run's test result was looked at: test_reveals.json in its folder.

A training that is changed after a look at its test result is tuned to the test set, and later results are too good.
The count shows that.
"""

from __future__ import annotations

import json
import time
from typing import Any

from vgg_demo.errors import FormatError, StorageError
from vgg_demo.files import write_text
from vgg_demo.runs.store import Run, store_lock
from vgg_demo.schema import LATEST, Kind, number, read_json, read_table, rows, table, text
from vgg_demo.text import N_

FILE = "test_reveals.json"
REVEALS: dict[str, Kind] = {"reveals": rows(table({"time": number(0, LATEST), "checkpoint": text}))}


def count_reveals(run: Run) -> int:
    """How often the test result of this run was looked at so far."""
    return len(_read(run))


def add_reveal(run: Run, checkpoint: str) -> int:
    """Note that it is looked at now, and return how often it has been. checkpoint: which state of the network.

    Raises StorageError when it cannot be noted: then the result is not to be shown.
    """
    try:
        with store_lock():
            reveals = [*_read(run), {"time": time.time(), "checkpoint": checkpoint}]
            write_text(run.path / FILE, json.dumps({"reveals": reveals}))
    except OSError as error:
        raise StorageError(
            N_(
                "{path} cannot be written ({error}), so this look at the test result could "
                "not be counted; free some space or make the folder writable"
            ),
            path=run.path / FILE,
            error=error.strerror or error,
        ) from error
    return len(reveals)


def _read(run: Run) -> list[dict[str, Any]]:
    try:
        reveals: list[dict[str, Any]] = read_table(read_json(run.path / FILE), REVEALS, REVEALS)["reveals"]
        return reveals
    except (OSError, FormatError):
        return []
