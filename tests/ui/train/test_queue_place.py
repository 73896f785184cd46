"""How long a waiting run waits, as the page of the run before it says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers import TINY
from tests.runs.test_reader import line
from vgg_demo.presets import get_preset
from vgg_demo.runs.cost import record_speed
from vgg_demo.runs.store import create_run
from vgg_demo.ui.shared.resources import run_reader
from vgg_demo.ui.train import queue_place
from vgg_demo.ui.train.feed import figures


def test_wait_behind_a_run_is_what_its_own_page_says_is_left(home: Path) -> None:
    config = get_preset("classroom").config
    run = create_run(config)
    run.metrics_path.write_text("".join(line(step) for step in range(1, 100)))
    run.update_status(state="running", pid=os.getpid())
    record_speed(config, 0.0001)  # measured when the machine had nothing else to do
    second = create_run(TINY, owner="b")

    place, seconds = queue_place.place_and_wait(second)

    left = queue_place.seconds_left(config, run_reader(str(run.path)).refresh())
    assert (place, seconds) == (1, left)
    assert left is not None
    assert left > 1
    assert figures(run.status(), config, run_reader(str(run.path)).refresh())[-1][0].startswith("Left, after ")


def test_wait_behind_a_run_without_a_first_batch_is_all_of_its_training(home: Path) -> None:
    config = TINY.with_changes(steps=100)
    record_speed(config, 0.5)
    first = create_run(config, owner="a")
    first.update_status(state="running", pid=os.getpid(), started=1.0)  # long ago: the machine is busy
    second = create_run(config, owner="b")

    assert queue_place.place_and_wait(second) == (1, 50.0)
    assert queue_place.place_and_wait(create_run(config, owner="c")) == (2, 100.0)


@pytest.mark.parametrize("is_damaged", [True, False])
def test_wait_that_is_not_known_leaves_the_place(home: Path, is_damaged: bool) -> None:
    first = create_run(TINY, owner="a")
    if is_damaged:
        first.config_path.write_text("{")

    assert queue_place.place_and_wait(create_run(TINY, owner="b")) == (2, None)


def test_runs_of_a_cluster_take_no_place_in_the_queue_of_this_machine(home: Path) -> None:
    for state in ("running", "queued"):
        create_run(TINY, owner="a").update_status(engine="ray", state=state)
    mine = create_run(TINY, owner="b")

    assert queue_place.place_and_wait(mine) == (1, 0.0)
