"""What the teacher has set for the class: a file in the store, so that it survives the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vgg_demo.errors import FormatError, StorageError
from vgg_demo.files import write_text
from vgg_demo.presets import PRESETS
from vgg_demo.runs.store import home, store_lock
from vgg_demo.schema import Kind, flag, one_of, optional, read_json, read_table, rows, table, text
from vgg_demo.text import DRAW, EVALUATE, N_, TRAIN

TABS = (TRAIN, EVALUATE, DRAW)
HIDEABLE = ("settings", "presets", "lesson", *(tab.lower() for tab in TABS))  # from students, here and by a link
LEAD: dict[str, Kind] = {"id": text, "leader": text, "tab": one_of("", *TABS), "name": text}
CLASS_SETTINGS: dict[str, Kind] = {
    "queue_paused": flag,
    "hidden": rows(one_of(*HIDEABLE), at_most=len(HIDEABLE)),
    "preset": one_of("", *PRESETS),
    "lead": optional(table(LEAD, LEAD)),
}


@dataclass(frozen=True)
class Lead:
    """What the teacher shows, which students' pages follow.

    id: another one each time that it is turned on. leader: the browser that leads. tab: one of TABS, "" before it has
    shown one. name: the run (of Train) or the network (of the others) that is shown there, "" for none of its own.
    """

    id: str
    leader: str
    tab: str = ""
    name: str = ""


@dataclass(frozen=True)
class ClassSettings:
    """What the teacher has set for everyone.

    hidden: of HIDEABLE, what students do not get. preset: the one of their Start training, "" for any. lead: None
    while nobody leads.
    """

    queue_paused: bool = False
    hidden: tuple[str, ...] = ()
    preset: str = ""
    lead: Lead | None = None


def read_class_settings() -> ClassSettings:
    """The teacher's settings; the defaults where there are none or they cannot be read."""
    try:
        values = read_table(read_json(_path()), CLASS_SETTINGS)
    except (OSError, FormatError):
        return ClassSettings()
    lead = Lead(**values["lead"]) if values.get("lead") else None
    return ClassSettings(**{**values, "hidden": tuple(values.get("hidden", ())), "lead": lead})


def write_class_settings(settings: ClassSettings) -> None:
    """Replace the teacher's settings. Raises OSError."""
    home().mkdir(parents=True, exist_ok=True)
    write_text(_path(), json.dumps(asdict(settings)))


def change_class_settings(**changes: Any) -> ClassSettings:
    """Replace some of them, and return all. Raises StorageError; RunError when the store is held for too long."""
    return _change(lambda settings: replace(settings, **changes))


def move_lead(lead: Lead) -> ClassSettings:
    """Replace the tab and the name of this lead, and return all; a lead that is over by now stays so.

    Raises as change_class_settings does.
    """

    def move(settings: ClassSettings) -> ClassSettings:
        is_on = settings.lead is not None and settings.lead.id == lead.id
        return replace(settings, lead=lead) if is_on else settings

    return _change(move)


def _change(change: Callable[[ClassSettings], ClassSettings]) -> ClassSettings:
    with store_lock():  # two teachers may change something at the same time
        settings = change(read_class_settings())
        try:
            write_class_settings(settings)
        except OSError as error:
            reason = error.strerror or error
            raise StorageError(N_("{path} cannot be written ({error})"), path=_path(), error=reason) from error
    return settings


def class_version() -> tuple[int, int]:
    """Changes when the teacher's settings do; (0, 0) where there are none. Costs a hundredth of reading them."""
    try:
        file = _path().stat()
    except OSError:
        return 0, 0
    return file.st_mtime_ns, file.st_ino


def _path() -> Path:
    return home() / ".class.json"
