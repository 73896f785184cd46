"""Workers in processes of their own that are forked from one that has loaded torch: each starts at once.

For tests that kill workers or let several compete, and not for those of how a worker is started.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from types import ModuleType
from unittest.mock import patch

from tests.helpers import PROJECT
from vgg_demo.runs import worker
from vgg_demo.runs.store import home

# with torch loaded, only Linux forks safely
context = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
context.set_forkserver_preload(["tests.forked_from"])


def start_source() -> None:
    """Start the process that all are forked from. It keeps the environment that there is now, and so do they."""
    process = context.Process(target=int, daemon=True)
    process.start()
    process.join()


class ForkedWorker:
    """As much of a subprocess.Popen as the manager asks for."""

    stdin = None

    def __init__(self, run_folder: str) -> None:
        self.process = context.Process(target=work, args=(run_folder, str(home())), daemon=True)
        with patch.dict(sys.modules, __main__=ModuleType("__main__")):  # a page without a browser leaves itself there
            self.process.start()
        assert self.process.pid is not None
        self.pid = self.process.pid

    @property
    def returncode(self) -> int | None:
        return self.process.exitcode

    def poll(self) -> int | None:
        return self.process.exitcode

    def end(self) -> None:
        """Kill it, unless it has ended."""
        self.process.kill()
        self.process.join()


def work(run_folder: str, store: str) -> None:
    """What the process does: that of python -m vgg_demo.runs.worker RUN_FOLDER."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.chdir(PROJECT)
    os.environ["VGG_DEMO_HOME"] = store
    sys.exit(worker.main([run_folder]))
