"""What the process that speaks with Ray does, with a stand-in for the cluster; and how a page keeps such a process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.helpers import TINY, wait_until
from tests.runs.test_liveness import ELSEWHERE, make_older
from vgg_demo.language import speaking
from vgg_demo.runs.claims import begin, say_running
from vgg_demo.runs.engines import agent as agent_side
from vgg_demo.runs.engines import cluster as ray_side
from vgg_demo.runs.engines.agent import Agent, actor_name
from vgg_demo.runs.engines.cluster import RayEngine
from vgg_demo.runs.manager import continue_run, resume_run, withdraw_run
from vgg_demo.runs.processes import machine
from vgg_demo.runs.reasons import DIED
from vgg_demo.runs.spawning import spawn
from vgg_demo.runs.store import Run, create_run, home

pytestmark = pytest.mark.usefixtures("home")
STAND_IN = """
import json, os
print(json.dumps({"problem": "", "values": {}}), flush=True)
while os.read(0, 1):
    pass
"""


class Cluster:
    """The names that a cluster knows. It has the calls of Ray that the agent makes."""

    def __init__(self) -> None:
        self.actors: list[str] = []
        self.groups: list[str] = []
        self.util = SimpleNamespace(
            list_named_actors=lambda: list(self.actors),
            placement_group_table=lambda: {name: {"name": name, "state": "CREATED"} for name in self.groups},
            get_placement_group=self.find_group,
            remove_placement_group=self.groups.remove,
            placement_group=lambda _bundles, name, lifetime: self.groups.append(name),
            scheduling_strategies=SimpleNamespace(PlacementGroupSchedulingStrategy=lambda group: group),
        )

    def init(self, **_settings: Any) -> None:
        """Connect."""

    def nodes(self) -> list[dict[str, Any]]:
        """Two machines of one core."""
        return [{"Alive": True, "Resources": {"CPU": 1.0}}] * 2

    def find_group(self, name: str) -> str:
        """As Ray's."""
        if name not in self.groups:
            raise ValueError(name)
        return name

    def get_actor(self, name: str) -> str:
        """As Ray's."""
        if name not in self.actors:
            raise ValueError(name)
        return name

    def kill(self, name: str) -> None:
        """As Ray's."""
        self.actors.remove(name)

    def remote(self, _kind: type) -> Any:
        """As Ray's, with get_if_exists."""

        def options(name: str, **_settings: Any) -> Any:
            return SimpleNamespace(remote=lambda *_arguments: name in self.actors or self.actors.append(name))

        return SimpleNamespace(options=options)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster from which an actor that has to end is taken at the second look."""
    monkeypatch.setattr(agent_side, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setitem(sys.modules, "ray", Cluster())  # type: ignore[arg-type]
    return sys.modules["ray"]  # type: ignore[return-value]


def run_on_dead_machine(commands: Iterable[str] = (), **status: Any) -> Run:
    """A run of the cluster that was given commands, and whose machine has died."""
    run = create_run(TINY)
    begin(run, pid=None, pid_started=None)
    run.update_status(**{"host": ELSEWHERE, "engine": "ray", **status})
    run.worker_path.touch()
    make_older(run.worker_path, 7)
    assert run.status().reason == DIED
    for command in commands:
        run.send(command)
    return run


def test_agent_hands_over_what_waits_and_ends_what_was_withdrawn(cluster: Cluster, monkeypatch: Any) -> None:
    monkeypatch.setenv("VGG_DEMO_RAY_PROCESSES", "2")
    run, agent = create_run(TINY), Agent("auto")
    name = actor_name(run.status())
    agent.compare()
    assert (cluster.actors, cluster.groups) == ([name, f"{name}.1"], [name])

    withdraw_run(run)
    agent.compare()
    time.sleep(0.01)
    agent.compare()

    assert (cluster.actors, cluster.groups) == ([], [])


def test_agent_hands_over_the_one_of_several_processes_that_is_missing(cluster: Cluster, monkeypatch: Any) -> None:
    monkeypatch.setenv("VGG_DEMO_RAY_PROCESSES", "2")
    run, agent = create_run(TINY), Agent("auto")
    agent.compare()
    name = cluster.actors.pop()
    assert name == f"{actor_name(run.status())}.1"

    agent.compare()

    assert name in cluster.actors


def test_agent_ends_nothing_of_a_store_that_cannot_be_read(cluster: Cluster, tmp_path: Path) -> None:
    create_run(TINY)
    agent = Agent("auto")
    agent.compare()
    before = list(cluster.actors)

    home().rename(tmp_path / "unmounted")
    for _ in range(3):
        agent.compare()
        time.sleep(0.01)

    assert cluster.actors == before != []


def test_agent_leaves_a_run_that_another_process_has_started(cluster: Cluster) -> None:
    run = create_run(TINY)
    seen = run.stored_status()
    say_running(run, 1)

    Agent("auto").submit(run, seen)

    assert run.stored_status().engine is None
    assert cluster.actors == []


def test_agent_says_that_processes_end_at_once(cluster: Cluster) -> None:
    create_run(TINY)
    agent = Agent("auto")
    for _ in range(2):
        agent.compare()
        cluster.actors.clear()
        assert agent.problem().text == ""
    agent.compare()

    assert "make sure that every machine has" in str(agent.problem())
    assert str(home()) in str(agent.problem())


@pytest.mark.parametrize(("attempts", "deaths", "commands"), [(7, 0, []), (4, 4, ["pause", "resume"])])
def test_agent_goes_on_with_a_run_whose_machine_died(
    cluster: Cluster, attempts: int, deaths: int, commands: list[str]
) -> None:
    run = run_on_dead_machine(commands, attempt=attempts, deaths=deaths)

    Agent("auto").compare()

    status = run.status()
    assert (status.state, status.attempt, status.deaths) == ("queued", attempts + 1, deaths + 1)
    assert cluster.actors == [actor_name(status)]


@pytest.mark.parametrize(
    ("state", "deaths", "commands"),
    [("paused", 0, []), ("running", 5, []), ("running", 0, ["stop"]), ("running", 0, ["resume", "pause"])],
)
def test_agent_leaves_a_run_whose_machine_died_to_a_person_who_steered_it_or_when_machines_die_too_often(
    cluster: Cluster, state: str, deaths: int, commands: list[str]
) -> None:
    run = run_on_dead_machine(commands, state=state, deaths=deaths)

    Agent("auto").compare()

    assert (run.status().state, run.status().reason, cluster.actors) == ("failed", DIED, [])


def test_deaths_are_counted_from_the_last_time_that_a_person_resumed_or_continued(cluster: Cluster) -> None:
    run = run_on_dead_machine(deaths=5)
    resume_run(run, here=True)
    assert run.stored_status().deaths == 0
    run.update_status(deaths=5, state="finished", pid=None, host=machine())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vgg_demo.runs.manager.dispatch", lambda: None)
        continue_run(run, 1, in_queue=True)

    assert run.stored_status().deaths == 0


@pytest.mark.parametrize("error", ["OSError(28, 'No space left on device')", "RuntimeError('of Ray')"])
def test_agent_says_what_no_one_foresaw(error: str) -> None:
    script = f"""
from types import SimpleNamespace
from vgg_demo.runs.engines import agent
def compare():
    raise {error}
agent.Agent = lambda address: SimpleNamespace(compare=compare)
raise SystemExit(agent.main("auto"))
"""

    done = subprocess.run([sys.executable, "-c", script], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)

    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers
    assert all(answer["problem"] in ("[Errno 28] No space left on device", "of Ray") for answer in answers)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RayEngine]:
    """An engine, whose process says that all is well and reads."""
    (tmp_path / "stand_in.py").write_text(STAND_IN, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(ray_side, "AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(ray_side, "is_installed", lambda: True)
    monkeypatch.setattr(ray_side, "spawn", lambda _module, *words, **how: spawn("stand_in", *words, **how))
    engine = RayEngine("auto")
    yield engine
    engine.close()


def test_page_has_another_process_when_one_ends_though_it_had_something_to_say_to_it(page: RayEngine) -> None:
    page.heard = time.monotonic() - 1000  # long ago: the new process has its time nevertheless
    page.dispatch()
    first = page.process
    assert first is not None
    page.dispatch()
    assert first.poll() is None
    wait_until(page.answered.is_set)

    first.kill()
    first.wait()
    assert first.stdin is not None
    first.stdin.write(b"\n")  # as another thread has just done
    wait_until(lambda: page.process is not first and page.process is not None)

    page.dispatch()
    assert page.process is not None
    assert (page.process.poll(), page.problem()) == (None, "")


def test_page_tries_again_when_the_system_starts_no_process(page: RayEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    start, refused = ray_side.spawn, []

    def sometimes(*words: Any, **how: Any) -> Any:
        if not refused:
            refused.append(words)
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return start(*words, **how)

    monkeypatch.setattr(ray_side, "spawn", sometimes)
    page.dispatch()
    assert page.process is None

    wait_until(page.answered.is_set)

    assert page.problem() == ""


def test_page_without_ray_starts_no_process(page: RayEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_side, "is_installed", lambda: False)

    page.prepare()

    assert page.thread is None
    assert page.problem() == "Ray is not installed"


def test_what_the_process_says_is_read_in_the_language_of_the_reader(page: RayEngine) -> None:
    page.words = ray_side.said(json.dumps({"problem": ray_side.TOO_LARGE, "values": {}}).encode())
    assert page.problem() == ray_side.TOO_LARGE

    with speaking("ko"):
        assert page.problem() not in ("", ray_side.TOO_LARGE)
