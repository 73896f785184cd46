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
from collections import Counter
from typing import Any

from vgg_demo.errors import VggDemoError, first_line
from vgg_demo.runs.class_settings import read_class_settings
from vgg_demo.runs.control import PAUSES, read_commands
from vgg_demo.runs.engines.cluster import NO_ANSWER, NOT_BEGUN, RAY, TOO_LARGE, share
from vgg_demo.runs.queue import readable, waiting
from vgg_demo.runs.reasons import DIED
from vgg_demo.runs.status import Status
from vgg_demo.runs.store import Run, home, store_lock
from vgg_demo.text import Message

PASS_SECONDS, SHORTEST_PASS_SECONDS = 1.0, 0.1
PATIENCE_SECONDS = 5.0  # that an actor may take to end when its run is over
MOST_DEATHS = 5  # of machines under a run; then a person has to resume it
MOST_SUBMISSIONS = 2  # of an actor, which may end when its queue is paused in that moment; more is a fault


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
        self.submitted: Counter[str] = Counter()  # how often, of runs that still wait

    def compare(self) -> None:
        """One look at everything. Raises StorageError, RunError, OSError, and what Ray raises."""
        names = {*self.ray.util.list_named_actors(), *self.groups()}
        for run, status in readable():
            if status.state == "failed" and status.reason == DIED and status.engine == RAY:
                go_on(run)
        entries = readable()
        statuses = dict(entries)
        waits = [] if read_class_settings().queue_paused else waiting(entries)
        wanted = {actor_name(statuses[run]): run for run in waits}
        self.submitted = Counter({name: count for name, count in self.submitted.items() if name in wanted})
        for name, run in wanted.items():
            if not names.issuperset(self.actors(name)):
                self.submit(run, statuses[run])
        known = {status.identity: status for status in statuses.values()}
        gone = {name for name in names if is_unwanted(name, known)}  # not of a store that cannot be read at present
        now = time.monotonic()
        self.unwanted = {name: self.unwanted.get(name, now) for name in gone}
        for name in gone:
            if now - self.unwanted[name] > PATIENCE_SECONDS:
                self.remove(name)

    def actors(self, name: str) -> list[str]:
        """What the actors of one attempt are called, of each process one."""
        return [f"{name}.{rank}" if rank else name for rank in range(self.share.processes)]

    def submit(self, run: Run, seen: Status) -> None:
        """Have the cluster start actors for a run that waits, when it has room; none where they are there already."""
        from vgg_demo.runs.engines.rank import Rank

        name, group = actor_name(seen), {}
        with store_lock():
            status = run.stored_status()
            if status.state != "queued" or actor_name(status) != name:  # another process was faster
                return
            run.update_status(engine=RAY)
        self.submitted[name] += 1
        if self.share.processes > 1:
            strategies = self.ray.util.scheduling_strategies
            group = {"scheduling_strategy": strategies.PlacementGroupSchedulingStrategy(self.place(name))}
        options = {"num_cpus": self.share.cpus, "num_gpus": self.share.gpus, "lifetime": "detached", **group}
        for rank, own in enumerate(self.actors(name)):
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

    def problem(self) -> Message:
        """Why runs cannot start: they are too large for the cluster, or its processes end at once."""
        needed = {"CPU": self.share.cpus, **({"GPU": self.share.gpus} if self.share.gpus else {})}
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        places = sum(min(int(node.get(kind, 0) / count) for kind, count in needed.items()) for node in nodes)
        if places < self.share.processes:
            return Message(TOO_LARGE)
        if any(count > MOST_SUBMISSIONS for count in self.submitted.values()):
            return Message(NOT_BEGUN, folder=str(home()))
        return Message("")

    def found(self) -> str:
        """What the cluster has."""
        nodes, has = sum(node["Alive"] for node in self.ray.nodes()), self.ray.cluster_resources()
        return (
            f"Ray {self.ray.__version__}: {nodes} machines, {has.get('CPU', 0):.0f} cores, {has.get('GPU', 0):.0f} GPUs"
        )


def is_unwanted(name: str, known: dict[str, Status]) -> bool:
    """Whether an actor or a group is of a run that is over or goes on elsewhere. known: the runs by their identity."""
    attempt = name.partition(".")[0]
    status = known.get(attempt.rpartition("-")[0])
    return status is not None and (status.is_over or actor_name(status) != attempt)


def go_on(run: Run) -> None:
    """Put a run back into the queue whose machine has died: it goes on from its last save.

    Not one that was paused, or is to stop or to pause: a person has to resume that, as on one machine.
    """
    with store_lock():
        stored = run.stored_status()
        if run.status().reason != DIED or stored.state != "running" or stored.deaths >= MOST_DEATHS:
            return
        commands, end = read_commands(run.control_path, stored.control_from)
        steering = [name for command in commands if (name := command.get("command")) in ("stop", *PAUSES)]
        if "stop" in steering or steering[-1:] not in ([], ["resume"]):
            return
        again = {"attempt": stored.attempt + 1, "deaths": stored.deaths + 1, "control_from": end}
        run.update_status(state="queued", queued=time.time(), reason=DIED, **again)


def words_of(error: Exception) -> Message:
    """What is wrong, for a reader of another language than this process's."""
    return error.message if isinstance(error, VggDemoError) else Message(first_line(error))


def main(address: str, *words: str) -> int:
    """Connect, then look once a second and when there is something new, until standard input closes."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # Ray writes there as well

    def say(problem: Message, **more: str) -> None:
        """A line for the process that started this one: cluster.py's said reads it."""
        print(json.dumps({"problem": problem.text, "values": problem.values, **more}, default=str), file=output)
        output.flush()

    try:
        agent = Agent(address)
    except Exception as error:  # Ray raises types of several libraries
        say(Message(NO_ANSWER) if isinstance(error, ConnectionError) else words_of(error))
        return 1
    if "check" in words:
        say(agent.problem(), found=agent.found())
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
            say(agent.problem())
        except Exception as error:
            say(words_of(error))
            if isinstance(error, ConnectionError) or not isinstance(error, (VggDemoError, OSError)):
                return 1  # something of Ray's: a new process connects again
        if is_last:
            return 0
        time.sleep(SHORTEST_PASS_SECONDS)
        news.wait(PASS_SECONDS)
        news.clear()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
