"""The process that speaks with Ray: python -m vgg_demo.runs.engines.agent ADDRESS [check]

Again and again it compares what the store wants with what the cluster does, and makes the difference good. All that it
knows is in the store and in the cluster, so that it may end at any moment, and several may do the same.
A line at standard input says that there may be something new. When that closes, it looks once more and ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import sys
import threading
import time
from typing import Any

from vgg_demo.errors import RunError, StorageError, first_line
from vgg_demo.runs.class_settings import read_class_settings
from vgg_demo.runs.engines.cluster import NO_ANSWER, RAY, TOO_LARGE, share
from vgg_demo.runs.queue import readable, waiting
from vgg_demo.runs.reasons import DIED
from vgg_demo.runs.status import Status
from vgg_demo.runs.store import Run, home, store_lock

PASS_SECONDS, SHORTEST_PASS_SECONDS = 1.0, 0.1
PATIENCE_SECONDS = 5.0  # that an actor may take to end when its run is over
MOST_ATTEMPTS = 5  # of a run whose machines die; then a person has to resume it


def actor_name(status: Status) -> str:
    """What the actor is called that works on a run, other than any before it."""
    return f"{status.identity}-{status.attempt}"


def namespace() -> str:
    """Where a store has its actors: one cluster may serve several."""
    return f"vgg-demo-{hashlib.sha256(str(home()).encode()).hexdigest()[:16]}"


class Agent:
    """Holds the connection to the cluster."""

    def __init__(self, address: str) -> None:
        """Connect. Raises ConnectionError, or what else Ray raises."""
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # no telemetry
        import ray

        self.ray: Any = ray
        ray.init(address=address, namespace=namespace(), log_to_driver=False, logging_level=logging.ERROR)
        self.share = share()
        self.unwanted: dict[str, float] = {}  # actors of runs that are over, since when
        self.created: dict[str, tuple[Run, Any]] = {}  # actors that may not have begun yet

    def compare(self) -> None:
        """One look at everything. Raises StorageError, RunError."""
        names = {*self.ray.util.list_named_actors(), *self.groups()}
        entries = readable()
        for run, status in entries:
            is_lost = status.state == "failed" and status.reason == DIED and status.engine == RAY
            if is_lost and status.attempt < MOST_ATTEMPTS and run.stored_status().is_active:
                go_on(run)
        entries = readable()
        states = {actor_name(status): status for _run, status in entries if not status.is_over}
        if not read_class_settings().queue_paused:
            for run in waiting(entries):
                status = run.stored_status()
                if actor_name(status) not in names and status.state == "queued":
                    self.submit(run, status)
        now = time.monotonic()
        gone = {name for name in names if name.partition(".")[0] not in states}
        self.unwanted = {name: self.unwanted.get(name, now) for name in gone}
        for name in gone:
            if now - self.unwanted[name] > PATIENCE_SECONDS:
                self.remove(name)

    def submit(self, run: Run, status: Status) -> None:
        """Have the cluster start actors for a run that waits, when it has room; none where they are there already."""
        from vgg_demo.runs.engines.rank import Rank

        name, group = actor_name(status), {}
        if status.engine != RAY:
            with store_lock():
                run.update_status(engine=RAY)
        if self.share.processes > 1:
            strategies = self.ray.util.scheduling_strategies
            group = {"scheduling_strategy": strategies.PlacementGroupSchedulingStrategy(self.place(name))}
        options = {"num_cpus": self.share.cpus, "num_gpus": self.share.gpus, "lifetime": "detached", **group}
        for rank in range(self.share.processes):
            own = f"{name}.{rank}" if rank else name
            actor = self.ray.remote(Rank).options(name=own, get_if_exists=True, **options)
            actor.remote(str(run.path), str(home()), name, status.attempt, rank, self.share)

    def place(self, name: str) -> Any:
        """The placement group of that name, all of whose processes start together or not at all."""
        bundle = {"CPU": self.share.cpus, **({"GPU": self.share.gpus} if self.share.gpus else {})}
        bundles = [bundle] * self.share.processes
        return self.find_group(name) or self.ray.util.placement_group(bundles, name=name, lifetime="detached")

    def groups(self) -> set[str]:
        """The names of the placement groups in this namespace: one whose first process died is left over."""
        table = self.ray.util.placement_group_table().values()
        return {group["name"] for group in table if group["state"] != "REMOVED" and self.find_group(group["name"])}

    def find_group(self, name: str) -> Any:
        """The placement group of that name; None where this namespace has none."""
        try:
            return self.ray.util.get_placement_group(name)
        except ValueError:
            return None

    def remove(self, name: str) -> None:
        """End an actor, with its placement group, whose run is over, was withdrawn, or goes on elsewhere."""
        if group := self.find_group(name):
            self.ray.util.remove_placement_group(group)
        with contextlib.suppress(ValueError):  # it has just ended
            self.ray.kill(self.ray.get_actor(name))

    def problem(self) -> str:
        """Why runs cannot start, where no machine of the cluster is large enough."""
        needed = {"CPU": self.share.cpus, "GPU": self.share.gpus}
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        if any(all(node.get(kind, 0) >= count for kind, count in needed.items()) for node in nodes):
            return ""
        return TOO_LARGE

    def found(self) -> str:
        """What the cluster has."""
        nodes, has = sum(node["Alive"] for node in self.ray.nodes()), self.ray.cluster_resources()
        return (
            f"Ray {self.ray.__version__}: {nodes} machines, {has.get('CPU', 0):.0f} cores, {has.get('GPU', 0):.0f} GPUs"
        )


def go_on(run: Run) -> None:
    """Put a run back into the queue whose machine has died: it goes on from its last save."""
    with store_lock():
        status = run.status()
        if status.reason == DIED and run.stored_status().is_active:  # not one that a person has seen to by now
            commands = run.commands_size()
            run.update_status(
                state="queued", queued=time.time(), reason=DIED, attempt=status.attempt + 1, control_from=commands
            )


def main(address: str, *words: str) -> int:
    """Connect, then look once a second and when there is something new, until standard input closes."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # Ray writes there as well

    def say(**values: str) -> None:
        """A line for the process that started this one."""
        print(json.dumps(values), file=output, flush=True)

    try:
        agent = Agent(address)
    except Exception as error:  # Ray raises types of several libraries
        is_missing = isinstance(error, ConnectionError)
        say(problem=NO_ANSWER if is_missing else first_line(error))
        return 1
    say(problem=agent.problem(), found=agent.found())
    if "check" in words:
        return 0
    news, ended = threading.Event(), threading.Event()

    def listen() -> None:
        while os.read(0, 4096):
            news.set()
        ended.set()
        news.set()

    threading.Thread(target=listen, daemon=True).start()
    while True:
        is_last = ended.is_set()
        try:
            agent.compare()
            say(problem=agent.problem())
        except (StorageError, RunError) as error:
            say(problem=str(error))
        if is_last:
            return 0
        time.sleep(SHORTEST_PASS_SECONDS)
        news.wait(PASS_SECONDS)
        news.clear()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
