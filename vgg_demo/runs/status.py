"""Where a run stands: what status.json holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from vgg_demo.diagnosis.records import without_nan
from vgg_demo.schema import LATEST, RESULT, Kind, number, one_of, optional, read_table, table, text, whole

STATES = ("queued", "running", "paused", "finished", "stopped", "failed")
STATUS: dict[str, Kind] = {
    "id": text,
    "state": one_of(*STATES),
    "created": number(0, LATEST),
    "started": optional(number(0, LATEST)),
    "ended": optional(number(0, LATEST)),
    "pid": optional(whole(1, 2**32 - 1)),
    "pid_started": optional(number(0)),
    "reason": optional(text),
    "control_from": whole(),
    "result": optional(table(RESULT)),
    "owner": optional(text),
    "queued": optional(number(0, LATEST)),
    "host": optional(text),
    "engine": optional(text),
    "attempt": whole(),
    "deaths": whole(),
}


@dataclass(frozen=True)
class Status:
    """Where a run stands. Times are seconds since 1970. result: the figures at its end, as train --json gives them.

    id: differs from that of a later run of the same name. pid and pid_started identify its process.
    control_from: bytes of control.jsonl for earlier processes. owner: the browser that may steer it, None for all.
    queued: since when it waits. host: the machine of that process, as processes.machine() names it. engine: where it
    runs or is to run: None for a process of a machine, "ray" for a cluster. attempt: how often it was put
    into the queue again; a worker of an earlier attempt writes nothing more. deaths: how often a cluster has done so by
    itself, because the machine had died, since a person did.
    """

    state: str = "queued"
    created: float = 0.0
    started: float | None = None
    ended: float | None = None
    pid: int | None = None
    pid_started: float | None = None
    reason: str | None = None
    control_from: int = 0
    result: dict[str, Any] | None = None
    owner: str | None = None
    queued: float | None = None
    host: str | None = None
    engine: str | None = None
    attempt: int = 0
    deaths: int = 0
    id: str = ""

    @property
    def is_active(self) -> bool:
        """A process works on it, or holds it paused."""
        return self.state in ("running", "paused")

    @property
    def is_over(self) -> bool:
        """It goes on only when it is resumed or continued."""
        return self.state in ("finished", "stopped", "failed")

    @property
    def identity(self) -> str:
        """Its id; of a run from a version that gave none, when it was made."""
        return self.id or f"{self.created!r}"

    def to_dict(self) -> dict[str, Any]:
        """As status.json holds it; a figure that is no number is null."""
        values: dict[str, Any] = without_nan(asdict(self))
        return values

    @classmethod
    def from_dict(cls, values: object) -> Status:
        """Read what to_dict wrote. Raises FormatError when it is something else."""
        return cls(**read_table(values, STATUS, required=("state",)))
