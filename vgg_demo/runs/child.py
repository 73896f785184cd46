"""A process that ends with the one that started it, and that is ended when it takes too long or too much memory.

python -m vgg_demo.runs.child PARENT SECONDS BYTES MODULE [ARGUMENT…] runs a module that way. PARENT is a ProcessId.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
import time
from dataclasses import dataclass
from enum import IntEnum
from math import inf

import psutil

from vgg_demo.runs.processes import ProcessId

POLL_SECONDS = 0.5


class Ending(IntEnum):
    """Exit statuses of a child that was ended by its own watch."""

    ORPHANED = 70
    TOO_LONG = 71
    TOO_LARGE = 72


@dataclass(frozen=True)
class Limits:
    """What a child may take: seconds since its start, bytes of memory."""

    seconds: float = inf
    bytes: float = inf


def child_command(limits: Limits, module: str, *arguments: str) -> tuple[str, ...]:
    """What follows "python -m" to run a module as a child of this process."""
    return "vgg_demo.runs.child", str(ProcessId.own()), str(limits.seconds), str(limits.bytes), module, *arguments


def watch(parent: ProcessId, limits: Limits) -> None:
    """End this process when its parent has ended, however that came, or when it goes beyond a limit."""
    started, process = time.monotonic(), psutil.Process()
    while True:
        if not parent.is_alive:
            os._exit(Ending.ORPHANED)
        if time.monotonic() - started > limits.seconds:
            os._exit(Ending.TOO_LONG)
        if process.memory_info().rss > limits.bytes:
            os._exit(Ending.TOO_LARGE)
        time.sleep(POLL_SECONDS)


def main(arguments: list[str]) -> None:
    """Watch over a module that runs here."""
    parent, seconds, count, module, *others = arguments
    limits = Limits(float(seconds), float(count))
    threading.Thread(target=watch, args=(ProcessId.parse(parent), limits), name="watch", daemon=True).start()
    sys.argv[1:] = others
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
