"""Whether a worker still works on a run: by its process on that very machine, by its heartbeat from everywhere else.

A worker touches a file of its run's folder every second. How old that is, is read in the file system's own clock: that
of another machine may be minutes away.
"""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

from vgg_demo.runs.processes import is_alive, machine

BEAT_SECONDS = 1.0
DEAD_SECONDS = 6.0  # without a heartbeat
START_SECONDS = 60.0  # that a worker may take before its first heartbeat, to load torch
CLOCK_SECONDS = 10.0  # for which it is known how far the file system's clock is from this process's own
_clocks: dict[Path, tuple[float, float]] = {}  # by folder: when it was looked at, and how far the clock was away


def is_working(pid: int | None, started: float | None, host: str | None, heartbeat: Path, since: Path) -> bool:
    """Whether the process still works. pid: None for one that is known by its heartbeat alone.

    host: its machine, None for this one. heartbeat: the file that it touches. since: a file written when it started.
    """
    if pid is not None and host in (None, machine()):
        return is_alive(pid, started)
    try:
        now = now_in(heartbeat.parent.parent)
        try:
            return now - touched(heartbeat) < DEAD_SECONDS
        except FileNotFoundError:
            return now - touched(since) < START_SECONDS
    except OSError:  # nobody can tell
        return True


def touched(path: Path) -> float:
    """When a file was changed last. It is opened, so that a network's file system asks its server. Raises OSError."""
    with path.open("rb") as file:
        return os.fstat(file.fileno()).st_mtime


def now_in(folder: Path) -> float:
    """The time in the clock of a folder's file system. Raises OSError when the folder cannot be written."""
    here = time.monotonic()
    looked, away = _clocks.get(folder, (-math.inf, 0.0))
    if here - looked > CLOCK_SECONDS:
        clock = folder / ".clock"
        clock.touch()
        looked, away = _clocks[folder] = here, touched(clock) - here
    return here + away
