"""What every engine does, and what a Ray cluster of two nodes of one core does besides: one dies, or the head does."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lightning_fabric import Fabric

from tests.cluster import Nodes, nodes
from tests.helpers import (
    TINY,
    close_cluster_engine,
    losses,
    pause,
    plain_losses,
    processes,
    steps,
    wait_for_state,
    wait_for_step,
    wait_until,
)
from vgg_demo.data import Digits
from vgg_demo.errors import RunError
from vgg_demo.runs.engines import cluster as ray_side
from vgg_demo.runs.engines import engine
from vgg_demo.runs.manager import dispatch, queue_run, resume_run, withdraw_run
from vgg_demo.runs.reasons import DIED
from vgg_demo.runs.status import Status
from vgg_demo.runs.store import Run, create_run

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    """Two nodes of one core; a test that ends one adds another."""
    if importlib.util.find_spec("ray") is None and not os.environ.get("VGG_DEMO_REQUIRE_RAY"):
        pytest.skip("Ray is not installed; with VGG_DEMO_REQUIRE_RAY=1 this fails")
    with nodes(2) as cluster:
        yield cluster


@pytest.fixture
def on_ray(home: Path, cluster: Nodes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    """The setting, and its end."""
    monkeypatch.setenv("VGG_DEMO_RAY", cluster.address)
    yield cluster
    close_cluster_engine()


@pytest.fixture(params=["local", "ray"])
def any_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each engine in turn, with room for two runs."""
    monkeypatch.setenv("VGG_DEMO_TRAININGS", "2")
    request.getfixturevalue("on_ray" if request.param == "ray" else "quick_workers")
    return str(request.param)


def worker_of(run: Run) -> int:
    """The number of the process that works on the run."""
    return run.status().pid or next(p.pid for p in processes(run.path) if "vgg_demo.runs.engines.rank" in p.cmdline())


def test_engine_trains_queues_withdraws_and_goes_on_after_a_death(
    any_engine: str, mnist: tuple[Digits, Digits], fabric: Fabric
) -> None:
    config = TINY.with_changes(steps=60, learning_rate=0.005)
    first, second = queue_run(config, "a"), queue_run(config, "b")
    for run in (first, second):
        run.send("pause")  # before it begins: it is obeyed after the first step
    for run in (first, second):
        wait_for_state(run, "paused")
    third = queue_run(config, "c")
    assert third.status().state == "queued"
    assert (first.status().engine, second.status().engine) == (None if any_engine == "local" else "ray",) * 2

    withdraw_run(third)
    first.send("resume")
    os.kill(worker_of(second), signal.SIGKILL)
    wait_until(lambda: second.status().is_over)
    assert (second.status().state, second.status().reason) == ("failed", DIED)
    wait_for_state(first, "finished")
    resume_run(second)
    wait_for_state(second, "finished")

    expected = plain_losses(config, mnist[0], fabric)
    assert (losses(first), losses(second)) == (expected, expected)
    assert steps(second) == list(range(1, 61))
    dispatch()
    assert third.status().state == "stopped"
    assert not third.worker_log_path.exists()
    assert "ray" not in sys.modules  # not even with the setting: it is another process's


def test_run_whose_node_dies_goes_on_elsewhere_once_though_the_page_restarts(
    on_ray: Nodes, mnist: tuple[Digits, Digits], fabric: Fabric
) -> None:
    config = TINY.with_changes(steps=1000)  # a second or two: it must not end before its node
    run = queue_run(config, "a")
    saved = pause(run)
    close_cluster_engine()  # the page ends, and the run does not mind
    run.send("resume")
    wait_for_step(run, saved + 5)
    seen: list[Status] = []

    on_ray.cut_power_of(worker_of(run))
    wait_until(lambda: run.status().state == "failed")
    assert run.status().reason == DIED
    dispatch()  # a page again
    wait_until(lambda: seen.append(run.status()) or seen[-1].attempt == 1)
    wait_for_state(run, "finished")

    assert (seen[-1].state, seen[-1].reason) == ("queued", DIED)
    assert losses(run) == plain_losses(config, mnist[0], fabric)
    assert steps(run) == list(range(1, 1001))
    assert run.status().attempt == 1
    on_ray.add()


def test_run_of_two_processes_has_the_losses_of_one(
    on_ray: Nodes, monkeypatch: pytest.MonkeyPatch, mnist: tuple[Digits, Digits], fabric: Fabric
) -> None:
    monkeypatch.setenv("VGG_DEMO_RAY_PROCESSES", "2")
    config = TINY.with_changes(steps=10, batch_norm=False)

    run = queue_run(config, "a")
    wait_for_state(run, "finished")

    assert losses(run) == pytest.approx(plain_losses(config, mnist[0], fabric), rel=1e-3)
    wait_until(lambda: not processes(run.path))


def test_run_larger_than_every_machine_waits_and_says_why(on_ray: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VGG_DEMO_RAY_CPUS", "2")

    with pytest.raises(RunError, match="as much as VGG_DEMO_RAY_CPUS"):
        queue_run(TINY, "a")


def test_head_that_dies_is_said_and_the_next_cluster_takes_what_waits(
    on_ray: Nodes, home: Path, monkeypatch: pytest.MonkeyPatch, mnist: tuple[Digits, Digits], fabric: Fabric
) -> None:
    """The last one here: the cluster of all is without a head afterwards."""
    config = TINY.with_changes(steps=30)
    run = queue_run(config, "a")
    pause(run)
    on_ray.cut_head()
    monkeypatch.setattr(ray_side, "SILENT_SECONDS", 3.0)  # a shorter wait; nobody speaks any more
    wait_until(lambda: engine().problem())
    with pytest.raises(RunError, match="no Ray cluster answers"):
        queue_run(config, "b")
    close_cluster_engine()
    waiting = create_run(config)
    waiting.update_status(engine="ray")  # as one that had been queued before

    with nodes(1) as second:
        monkeypatch.setenv("VGG_DEMO_RAY", second.address)
        dispatch()
        wait_for_step(waiting, 1)
        assert run.status().state == "paused"  # its node lives, and nobody else has taken it
        run.send("resume")
        for each in (run, waiting):
            wait_for_state(each, "finished")
        close_cluster_engine()

    expected = plain_losses(config, mnist[0], fabric)
    assert (losses(run), losses(waiting)) == (expected, expected)
    assert (run.status().attempt, waiting.status().attempt) == (0, 0)
    assert sorted(path.name for path in home.iterdir() if not path.name.startswith(".")) == [run.name, waiting.name]
