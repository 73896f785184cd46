"""Steering a real run: pause, one batch, one epoch, learning rate, more epochs."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from lightning_fabric import Fabric

from tests.helpers import (
    SHORT_EPOCHS,
    TINY,
    RunsHere,
    kill,
    losses,
    pause,
    plain_losses,
    steps,
    stop,
    wait_for_state,
    wait_for_step,
    wait_until,
)
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.data import Digits
from vgg_demo.errors import RunError
from vgg_demo.runs.manager import continue_run, start_run
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.store import Run

pytestmark = pytest.mark.usefixtures("home")


def test_run_steered_through_every_command_equals_one_left_alone(
    runs_here: RunsHere, mnist: tuple[Digits, Digits], fabric: Fabric
) -> None:
    config = TINY.with_changes(steps=300, augment=0.3)
    run = runs_here.start(config)
    wait_for_step(run, 5)

    at = pause(run)
    time.sleep(0.5)
    assert steps(run)[-1] == at  # paused: nothing more is learned
    load_checkpoint(run.checkpoint_path)  # and what was learned is saved
    for more in (1, 2):
        run.send("batch")
        wait_until(lambda more=more: steps(run)[-1] == at + more and run.status().state == "paused")
        time.sleep(0.3)
        assert steps(run)[-1] == at + more
    run.send("resume")
    wait_for_state(run, "running")
    wait_for_state(run, "finished")

    assert steps(run) == list(range(1, 301))
    assert losses(run) == plain_losses(config, mnist[0], fabric)


def test_run_with_the_command_epoch_pauses_at_its_end(runs_here: RunsHere) -> None:
    run = runs_here.start(SHORT_EPOCHS)
    wait_for_step(run, 1)
    assert pause(run) < 6  # steps an epoch

    for last_step in (6, 12):
        run.send("epoch")
        wait_until(lambda last_step=last_step: steps(run)[-1] == last_step and run.status().state == "paused")
        time.sleep(0.3)

        assert steps(run)[-1] == last_step
        assert [epoch["step"] for epoch in RunReader(run).refresh().epochs] == list(range(6, last_step + 1, 6))


def test_paused_run_that_is_stopped_ends_where_it_stands(runs_here: RunsHere) -> None:
    run = runs_here.start(TINY)
    wait_for_step(run, 5)
    at = pause(run)

    stop(run)

    status = run.status()
    assert status.state == "stopped"
    assert status.result is not None
    assert status.result["steps"] == at == steps(run)[-1]
    load_checkpoint(run.checkpoint_path)


@pytest.mark.usefixtures("quick_workers")
def test_paused_run_killed_resumes_from_where_it_stood(
    runs_here: RunsHere, mnist: tuple[Digits, Digits], fabric: Fabric
) -> None:
    config = TINY.with_changes(steps=100)
    run = start_run(config)
    wait_for_step(run, 5)
    at = pause(run)

    kill(run)

    assert run.status().state == "failed"
    assert steps(run)[-1] == at
    runs_here.resume(run)
    wait_for_state(run, "finished")
    assert losses(run) == plain_losses(config, mnist[0], fabric)


def test_pause_counts_neither_as_training_time_nor_as_steps(runs_here: RunsHere) -> None:
    run = runs_here.start(TINY.with_changes(steps=200))
    wait_for_step(run, 5)
    pause(run)
    before = RunReader(run).refresh().seconds[-1]

    time.sleep(3)
    run.send("batch")
    wait_until(lambda: len(RunReader(run).refresh().steps) and run.status().state == "paused")
    wait_until(lambda: RunReader(run).refresh().seconds[-1] > before)

    assert RunReader(run).refresh().seconds[-1] - before < 2


def test_learning_rate_changed_is_recorded_and_followed(runs_here: RunsHere) -> None:
    run = runs_here.start(TINY.with_changes(schedule="constant", learning_rate=0.01))
    wait_for_step(run, 5)
    at = pause(run)

    run.send("learning_rate", value=0.002)
    run.send("resume")
    wait_for_step(run, at + 20)
    stop(run)

    curve = RunReader(run).refresh()
    assert curve.learning_rate_changes == [(at, 0.002)]
    assert set(curve.learning_rates[:at]) == {0.01}
    assert curve.learning_rates[at:] == pytest.approx([0.002] * (len(curve.steps) - at), rel=1e-12)
    assert f"Learning rate changed to 0.002 after step {at}" in run.log_path.read_text()


def test_learning_rate_set_on_a_schedule_holds_falls_and_never_rises_also_when_trained_longer(
    runs_here: RunsHere,
) -> None:
    run = runs_here.start(SHORT_EPOCHS.with_changes(schedule="one-cycle", learning_rate=0.01))
    wait_for_step(run, 1)
    at = pause(run)
    before = RunReader(run).refresh().learning_rates[:at]

    run.send("learning_rate", value=0.002)
    run.send("resume")
    wait_for_state(run, "finished")
    runs_here.continue_run(run, 1)
    wait_for_state(run, "finished")

    rates = RunReader(run).refresh().learning_rates
    assert rates[:at] == before
    assert len(rates) == 24  # 6 steps an epoch
    assert rates[at] == 0.002
    assert max(rates[at:]) == 0.002
    assert rates[17] < 0.0001  # the end of the first plan
    assert rates[18] > 0.0001  # the longer one, from there
    assert rates[-1] < 0.0001


@pytest.mark.parametrize("value", [0, -1, 101, float("nan"), float("inf"), "much", None, True, [0.1]])
def test_learning_rate_that_makes_no_sense_is_passed_over(home: Path, value: object) -> None:
    from vgg_demo.runs.control import Control
    from vgg_demo.runs.store import create_run

    run = create_run(TINY)
    control = Control(run)
    run.send("learning_rate", value=value)
    run.send("pause")

    control.poll()

    assert control.learning_rate is None
    assert control.paused


@pytest.mark.usefixtures("quick_workers")
def test_learning_rate_change_survives_a_kill_right_after_it(runs_here: RunsHere) -> None:
    run = start_run(TINY.with_changes(schedule="constant", learning_rate=0.01))
    wait_for_step(run, 5)
    pause(run)  # saves; nothing else does within the next seconds
    run.send("resume")
    wait_for_state(run, "running")
    run.send("learning_rate", value=0.002)
    wait_until(lambda: RunReader(run).refresh().learning_rate_changes)
    changed_at = RunReader(run).refresh().learning_rate_changes[0][0]
    wait_for_step(run, changed_at + 20)

    kill(run)
    runs_here.resume(run)
    wait_for_step(run, changed_at + 60)
    stop(run)

    curve = RunReader(run).refresh()
    assert curve.learning_rate_changes == [(changed_at, 0.002)]
    assert curve.learning_rates[-1] == pytest.approx(0.002)


def test_stale_commands_do_not_reach_a_resumed_run(runs_here: RunsHere) -> None:
    run = runs_here.start(TINY.with_changes(steps=60))
    wait_for_step(run, 5)
    stop(run)
    run.send("stop")
    run.send("pause")

    runs_here.resume(run)

    wait_for_state(run, "finished")


@pytest.mark.usefixtures("quick_workers")
def test_run_continued_for_more_epochs_goes_on_from_where_it_was(
    runs_here: RunsHere, mnist: tuple[Digits, Digits], fabric: Fabric
) -> None:
    run = runs_here.start(SHORT_EPOCHS.with_changes(epochs=1))
    wait_for_step(run, 1)
    with pytest.raises(RunError, match="still going"):
        continue_run(run, 1)
    assert run.config().train.epochs == 1
    wait_for_state(run, "finished")

    continue_run(run, 1)

    wait_for_state(run, "finished")
    assert run.config() == SHORT_EPOCHS.with_changes(epochs=2)
    assert steps(run) == list(range(1, 13))
    assert losses(run) == plain_losses(SHORT_EPOCHS.with_changes(epochs=2), mnist[0], fabric)
    assert [epoch["step"] for epoch in RunReader(run).refresh().epochs] == [6, 12]


def test_reader_that_was_away_while_a_run_lost_lines_reads_it_right(home: Path) -> None:
    """The page keeps its reader: between two looks a run may die, lose its last lines, and grow past them again."""
    from vgg_demo.runs.store import create_run

    def line(step: int, seconds: float) -> str:
        event = {"event": "step", "step": step, "epoch": 1, "loss": 1.0, "learning_rate": 0.1, "images": 8}
        return json.dumps({**event, "seconds": seconds}) + "\n"

    run: Run = create_run(TINY)
    saved = "".join(line(step, 0.5) for step in range(1, 11))
    run.metrics_path.write_text(saved + "".join(line(step, 0.75) for step in range(11, 21)))
    reader = RunReader(run)
    reader.refresh()

    run.metrics_path.write_text(saved + "".join(line(step, 0.8125) for step in range(11, 41)))
    curve = reader.refresh()

    assert curve.damaged_lines == 0
    assert curve.steps == list(range(1, 41))
    assert curve.seconds[10:] == [0.8125] * 30
