"""resume.pt: everything that is needed to go on with a training, where it was saved last."""

from __future__ import annotations

from typing import Any

import torch

from vgg_demo.errors import FormatError, RunError, StorageError
from vgg_demo.files import replacing
from vgg_demo.runs.reader import EPOCH
from vgg_demo.runs.reasons import DISK_FULL
from vgg_demo.runs.store import Run
from vgg_demo.schema import LONGEST, Kind, number, optional, read_table, table, whole
from vgg_demo.text import N_, Message

POSITION: dict[str, Kind] = {
    "metrics_bytes": whole(),
    "log_bytes": whole(),
    "seconds": number(0, LONGEST),
    "last_epoch": optional(table(EPOCH, required=EPOCH)),
    "total_steps": whole(),
}
PARTS: dict[str, Kind] = {"training": table({}), "recorder": table(POSITION, POSITION)}


def write_resume(run: Run, state: dict[str, Any]) -> None:
    """Replace resume.pt, whole or not at all. Raises StorageError.

    state: "training", as Training.state_dict gives it, and "recorder", as Recorder.position does.
    """
    try:
        with replacing(run.resume_path) as temporary:
            torch.save(state, temporary)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        raise StorageError(
            N_("{file} cannot be written: {why}"), file=run.resume_path.name, why=Message(DISK_FULL)
        ) from error


def read_resume(run: Run) -> dict[str, Any] | None:
    """Read what write_resume wrote; None when there is nothing. Raises RunError when it is something else.

    No code in the file is run, and the message does not pass on torch's advice to allow it.
    """
    if not run.resume_path.exists():
        return None
    try:
        saved: Any = torch.load(run.resume_path, map_location="cpu", weights_only=True)
        parts = read_table(saved, PARTS, PARTS)
    except FormatError as error:
        raise _unusable(
            Message(N_("something else than a saved training stands in it ({error})"), error=error)
        ) from None
    except MemoryError:
        raise
    except Exception:  # torch.load raises whatever its parts raise
        raise _unusable(Message(N_("it is damaged, or was written by another program"))) from None
    return {"training": saved["training"], "recorder": parts["recorder"]}


def _unusable(why: Message) -> RunError:
    return RunError(N_("resume.pt cannot be read: {why}; start a new run with the same settings"), why=why)
