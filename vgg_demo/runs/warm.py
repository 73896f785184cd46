"""A worker that loads everything before there is a run, so that a training starts within a moment.

python -m vgg_demo.runs.warm PARENT waits for a run folder on standard input, as UTF-8. PARENT is the ProcessId of who
started it: it ends with that process, unless it has got a run.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from vgg_demo.data import load_train
from vgg_demo.device import make_fabric
from vgg_demo.presets import get_preset
from vgg_demo.runs.child import Ending
from vgg_demo.runs.processes import ProcessId
from vgg_demo.runs.queue import readable
from vgg_demo.runs.store import Run
from vgg_demo.runs.worker import own_pids, run_worker
from vgg_demo.training import Training


def main(parent: str) -> int:
    """Load all that a run needs, then wait for one."""
    ProcessId.parse(parent).when_ended(lambda: None if has_run() else os._exit(Ending.ORPHANED))
    digits = load_train()
    config = get_preset("classroom").config.with_changes(device="cpu")
    next(Training(config, digits, make_fabric()).run())  # the first step of a process is slow
    path = sys.stdin.buffer.readline().decode("utf-8", "surrogateescape").strip()
    return run_worker(Run(Path(path)), lambda: digits) if path else 0


def has_run() -> bool:
    """Whether this process is to work on a run: its number is written down before it hears of the run."""
    return any(status.is_active and status.pid in own_pids() for _run, status in readable())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
