"""What the settings of a cluster mean, and what is said without Ray or without a cluster."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import PROJECT, TINY, close_cluster_engine
from vgg_demo.errors import RunError
from vgg_demo.runs.engines import cluster, engine
from vgg_demo.runs.engines.cluster import Share, share
from vgg_demo.runs.engines.local import LocalEngine
from vgg_demo.runs.manager import queue_run
from vgg_demo.runs.store import list_runs

NOWHERE = "127.0.0.2:9"


@pytest.fixture
def no_cluster(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A setting that names a cluster which does not answer."""
    monkeypatch.setenv("VGG_DEMO_RAY", NOWHERE)
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.1)
    yield
    close_cluster_engine()


@pytest.mark.parametrize(
    ("cpus", "gpus", "processes", "expected"),
    [
        (None, None, None, Share(1, 0, 1)),
        ("4", "0.25", None, Share(4, 0.25, 1)),
        ("2", "1", None, Share(2, 1, 1)),
        ("2", "4", None, Share(2, 1, 4)),
        ("1", None, "3", Share(1, 0, 3)),
    ],
)
def test_share_is_what_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, cpus: str | None, gpus: str | None, processes: str | None, expected: Share
) -> None:
    for name, value in (("CPUS", cpus), ("GPUS", gpus), ("PROCESSES", processes)):
        if value is not None:
            monkeypatch.setenv(f"VGG_DEMO_RAY_{name}", value)

    assert share() == expected


@pytest.mark.parametrize(("name", "value"), [("CPUS", "0"), ("CPUS", "1.5"), ("GPUS", "two"), ("GPUS", "-1"),
                                             ("GPUS", "2.5"), ("CPUS", "nan"), ("PROCESSES", "0")])  # fmt: skip
def test_share_that_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"VGG_DEMO_RAY_{name}", value)

    with pytest.raises(RunError):
        share()


@pytest.mark.parametrize("value", [None, "", " "])
def test_engine_without_the_setting_is_this_machine(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("VGG_DEMO_RAY", raising=False)
    if value is not None:
        monkeypatch.setenv("VGG_DEMO_RAY", value)

    assert isinstance(engine(), LocalEngine)


def test_run_without_a_cluster_is_refused_in_one_line_and_leaves_no_folder(no_cluster: None) -> None:
    with pytest.raises(RunError, match="no Ray cluster answers") as caught:
        queue_run(TINY, "a")

    assert "\n" not in str(caught.value)
    assert list_runs() == []


def test_run_without_ray_is_refused_with_what_to_install(no_cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(RunError, match=r"Ray is not installed: .*pip install"):
        queue_run(TINY, "a")

    assert engine().problem() == "Ray is not installed"


def test_ray_is_told_to_send_no_statistics_before_it_is_loaded(home: Path) -> None:
    code = """
import os, sys, types
from vgg_demo.runs.engines import agent
assert "ray" not in sys.modules
class Fake(types.ModuleType):
    def init(self, **_options):
        print(os.environ["RAY_USAGE_STATS_ENABLED"])
sys.modules["ray"] = Fake("ray")
agent.Agent("auto")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)

    assert done.stdout == "0\n"
