"""A worker that loads everything before there is a run, so that a training starts within a moment.

It reads the run's folder, as UTF-8, from the pipe at standard input; it ends when that closes without one.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from pathlib import Path

from vgg_demo.data import load_train
from vgg_demo.device import make_fabric
from vgg_demo.presets import get_preset
from vgg_demo.runs.child import Ending
from vgg_demo.runs.store import Run
from vgg_demo.runs.worker import redirect_output, run_worker
from vgg_demo.training import Training


def main() -> int:
    """Load all that a run needs, then wait for one."""
    folders: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=receive_folder, args=(folders,), daemon=True).start()
    digits = load_train()
    config = get_preset("classroom").config.with_changes(device="cpu")
    next(Training(config, digits, make_fabric()).run())  # the first step of a process is slow
    folder = folders.get().decode("utf-8", "surrogateescape")
    run = Run(Path(folder))
    redirect_output(run)
    return run_worker(run, lambda: digits)


def receive_folder(folders: queue.SimpleQueue[bytes]) -> None:
    """Read a run's folder; end this process when its parent has ended before it wrote one."""
    folder = sys.stdin.buffer.readline().strip()
    if not folder:
        os._exit(Ending.ORPHANED)
    folders.put(folder)


if __name__ == "__main__":
    sys.exit(main())
