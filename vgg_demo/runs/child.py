"""Run a module in a process that ends with its parent, and that is ended at a limit of time or memory.

python -m vgg_demo.runs.child SECONDS BYTES MODULE [ARGUMENT…], with a pipe from the parent at standard input.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
import time
from enum import IntEnum

import psutil

from vgg_demo.runs.processes import when_parent_ends

POLL_SECONDS = 0.5


class Ending(IntEnum):
    """Exit statuses of a child that ended itself."""

    ORPHANED = 70
    TOO_LONG = 71
    TOO_LARGE = 72


def enforce_limits(seconds: float, memory: float) -> None:
    """End this process when it has run for so many seconds, or takes more bytes of memory than that."""
    started, process = time.monotonic(), psutil.Process()
    while True:
        if time.monotonic() - started > seconds:
            os._exit(Ending.TOO_LONG)
        if process.memory_info().rss > memory:
            os._exit(Ending.TOO_LARGE)
        time.sleep(POLL_SECONDS)


def main(seconds: str, memory: str, module: str, *arguments: str) -> None:
    """Run the module here, watched by two threads."""
    when_parent_ends(lambda: os._exit(Ending.ORPHANED))
    limits = float(seconds), float(memory)
    threading.Thread(target=enforce_limits, args=limits, name="limits", daemon=True).start()
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
