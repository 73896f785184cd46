"""A process of a run on a cluster: what its actor does, and what the process does that the actor starts.

python -m vgg_demo.runs.engines.rank RUN_FOLDER ATTEMPT. It is a process of its own so that it is the same as on one
machine, whatever Ray does in its actor's: its environment says how many threads it has, and its output goes to the
run's folder. It ends with its actor.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from vgg_demo.places import PROJECT
from vgg_demo.runs.child import Ending
from vgg_demo.runs.class_settings import read_class_settings
from vgg_demo.runs.engines.cluster import Share
from vgg_demo.runs.processes import when_parent_ends
from vgg_demo.runs.reasons import DIED
from vgg_demo.runs.store import Run, store_lock
from vgg_demo.text import N_

NOT_STARTED = N_("no training could be started on a machine of the cluster: see worker.log in the run's folder")
TOO_LATE = 2  # exit status of a worker whose run is another's by now


class Rank:
    """The actor. Its work begins when it is made, since nobody may be there any more to ask for it."""

    def __init__(self, folder: str, home: str, name: str, attempt: int, rank: int, share: Share) -> None:
        """name: of the first rank's actor, and of the placement group where there are several ranks."""
        import ray

        os.environ["VGG_DEMO_HOME"] = home
        self.run, self.attempt, self.rank, self.share, self.name = Run(Path(folder)), attempt, rank, share, name
        self.ray: Any = ray
        self.port = free_port()
        threading.Thread(target=self._work, daemon=True).start()

    def address(self) -> tuple[str, int]:
        """Where the first rank waits for the others."""
        return self.ray.util.get_node_ip_address(), self.port

    def end(self) -> None:
        """End this actor's process; that of the first rank ends all."""
        if self.rank == 0 and self.share.processes > 1:
            with contextlib.suppress(ValueError):  # it is gone already
                self.ray.util.remove_placement_group(self.ray.util.get_placement_group(self.name))
        os._exit(0)  # Ray's own way takes a second more, in which the core is not free

    def _work(self) -> None:
        try:
            if self.is_wanted():
                command = [sys.executable, "-m", "vgg_demo.runs.engines.rank", str(self.run.path), str(self.attempt)]
                process = subprocess.Popen(command, cwd=PROJECT, env=self.environment(), stdin=subprocess.PIPE)
                exit_status = process.wait()
                if self.rank == 0:
                    self.settle(exit_status)
        finally:
            self.end()

    def is_wanted(self) -> bool:
        """Whether the run still waits for this attempt, and may start now."""
        status = self.run.stored_status()
        if self.rank > 0:  # the first one decides, and ends the others with it
            return status.attempt == self.attempt and not status.is_over
        return status.attempt == self.attempt and status.state == "queued" and not read_class_settings().queue_paused

    def environment(self) -> dict[str, str]:
        """Of the process: how many threads it has; of several, also which one it is and where the first one waits."""
        own = {**os.environ, "OMP_NUM_THREADS": str(self.share.cpus), "GOMP_SPINCOUNT": "10000"}
        if self.share.processes == 1:
            return own
        leader = self.ray.get_actor(self.name).address.remote() if self.rank else None
        host, port = self.ray.get(leader) if leader else self.address()
        # each is a machine of its own: Ray shows it no GPU but its own
        ranks = {"RANK": self.rank, "GROUP_RANK": self.rank, "WORLD_SIZE": self.share.processes}
        names = {**ranks, "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 1, "TORCHELASTIC_RUN_ID": self.name}
        names |= {"MASTER_ADDR": host, "MASTER_PORT": port}
        return {**own, **{name: str(value) for name, value in names.items()}}

    def settle(self, exit_status: int) -> None:
        """Write that the process has died, where it could not do so itself."""
        with store_lock():
            status = self.run.stored_status()
            if status.attempt == self.attempt and (status.is_active or (exit_status and status.state == "queued")):
                reason = DIED if status.is_active else NOT_STARTED
                if exit_status != TOO_LATE:
                    self.run.update_status(state="failed", reason=reason, ended=time.time())


def free_port() -> int:
    """A port of this machine that nobody uses at present."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def main(folder: str, attempt: str) -> int:
    """Work on the run, alone or together with other ranks."""
    from vgg_demo.runs.torchrun import train_together
    from vgg_demo.runs.worker import redirect_output, run_worker

    run = Run(Path(folder))
    when_parent_ends(lambda: os._exit(Ending.ORPHANED))
    redirect_output(run)
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return run_worker(run, attempt=int(attempt))
    train_together(lambda: run, lambda _run: None, int(attempt))
    return 0


if __name__ == "__main__":
    status = main(*sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # taking torch to pieces takes a second, in which the core is not free
