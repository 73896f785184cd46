"""A Ray cluster on this machine: a head without cores, as the page's machine may be, and nodes of one core each.

python -m tests.cluster NODES is the process that holds it: Ray's own, so that a test's process loads none of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

PROJECT = Path(__file__).parent.parent
HEAD = "127.0.0.2"  # Ray takes 127.0.0.1 for the address that the machine has in its network
SMALLEST_STORE = 80_000_000  # bytes; nothing of a run goes through Ray's memory


class Nodes:
    """The cluster, from outside."""

    def __init__(self, count: int) -> None:
        """Start it; a head and that many nodes."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.cluster", str(count)],
            cwd=PROJECT,
            env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.address = self._answer()

    def cut_power_of(self, pid: int) -> None:
        """End the node that a process is on, with all of its processes, as a power cut would."""
        self._ask("cut", pid)

    def add(self) -> None:
        """One more node."""
        self._ask("add")

    def cut_head(self) -> None:
        """End the head alone."""
        self._ask("head")

    def end(self) -> None:
        """End all that is left."""
        self.process.communicate(timeout=60)

    def _ask(self, *words: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        assert self._answer() == "done"

    def _answer(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("> "):  # not a word of Ray's
                return line[2:].strip()
        raise AssertionError("the cluster has ended")


@contextmanager
def nodes(count: int) -> Iterator[Nodes]:
    """A cluster for the time being."""
    cluster = Nodes(count)
    try:
        yield cluster
    finally:
        cluster.end()


def kill_tree(pid: int) -> None:
    """SIGKILL a process and all below it, first those that could start others."""
    with contextlib.suppress(psutil.NoSuchProcess):
        tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for process in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def main(count: int) -> None:
    """Hold the cluster and do what is asked, until standard input closes."""
    from ray.cluster_utils import Cluster

    def node(host: str, **settings: Any) -> dict[str, Any]:
        return {"node_ip_address": host, "object_store_memory": SMALLEST_STORE, **settings}

    cluster = Cluster(initialize_head=True, head_node_args=node(HEAD, num_cpus=0, include_dashboard=False))
    hosts = iter(f"127.0.0.{number}" for number in range(3, 250))

    def add() -> None:
        cluster.add_node(**node(next(hosts), num_cpus=1))

    def raylet(of: Any) -> int:
        return int(of.all_processes["raylet"][0].process.pid)

    def cut(pid: int) -> None:
        above = {parent.pid for parent in psutil.Process(pid).parents()}
        lost = next(worker for worker in cluster.worker_nodes if raylet(worker) in above)
        kill_tree(raylet(lost))
        cluster.remove_node(lost, allow_graceful=False)

    def head() -> None:
        assert cluster.head_node is not None
        cluster.remove_node(cluster.head_node, allow_graceful=False)

    def end() -> None:
        for left in [*cluster.worker_nodes, *filter(None, [cluster.head_node])]:
            kill_tree(raylet(left))
            left.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)

    for _ in range(count):
        add()
    actions: dict[str, Callable[..., None]] = {"add": add, "cut": cut, "head": head}
    print("> " + cluster.address, flush=True)
    for line in sys.stdin:
        action, *arguments = json.loads(line)
        actions[action](*arguments)
        print("> done", flush=True)
    end()


if __name__ == "__main__":
    main(int(sys.argv[1]))
