"""Runs as real processes: started, followed, stopped, killed and resumed."""

from __future__ import annotations

import errno
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from lightning_fabric import Fabric

from tests.helpers import TINY, RunsHere, losses, plain_losses, wait_for_step, wait_until
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.config import RunConfig
from vgg_demo.data import Digits
from vgg_demo.errors import CheckpointError, RunError, RunNotFoundError, StorageError
from vgg_demo.places import PRETRAINED
from vgg_demo.presets import get_preset
from vgg_demo.runs import manager, store
from vgg_demo.runs.checkpoints import find_checkpoint, run_of_checkpoint
from vgg_demo.runs.engines import local
from vgg_demo.runs.manager import resume_run, start_run
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.store import create_run, get_run, list_runs, rename_run
from vgg_demo.runs.worker import run_worker

pytestmark = pytest.mark.usefixtures("home")


def test_run_started_finishes_with_everything_in_its_folder(home: Path) -> None:
    run = start_run(TINY.with_changes(steps=120))

    wait_until(lambda: run.status().is_over)

    status = run.status()
    assert status.state == "finished", status.reason
    assert run.path == home / "classroom-1"
    assert run.config() == TINY.with_changes(steps=120)
    assert RunReader(run).refresh().steps == list(range(1, 121))
    assert "Epoch [1/1], Step [100/120], Loss: " in run.log_path.read_text()
    assert "Epoch [1/1], Average Loss: " in run.log_path.read_text()
    assert status.result is not None
    assert status.result["steps"] == 120
    assert status.result["average_loss"] == pytest.approx(sum(losses(run)) / 120)
    _network, header = load_checkpoint(run.checkpoint_path)
    assert header.config == run.config()
    assert header.metrics["val_accuracy"] == status.result["val_accuracy"]
    assert str(home) not in str(header.metrics)  # a checkpoint that is passed on does not name folders of this machine


def test_two_runs_of_one_seed_have_the_same_losses_bit_for_bit(runs_here: RunsHere) -> None:
    first = start_run(TINY.with_changes(steps=10))
    second = runs_here.start(TINY.with_changes(steps=10))

    wait_until(lambda: first.status().is_over and second.status().is_over)

    assert losses(first) == losses(second)
    assert len(losses(first)) == 10


def test_run_that_is_stopped_keeps_its_network(runs_here: RunsHere) -> None:
    run = runs_here.start(TINY)
    wait_for_step(run, 5)

    run.send("stop")

    wait_until(lambda: run.status().is_over)
    status = run.status()
    assert status.state == "stopped"
    assert status.result is not None
    assert 5 <= status.result["steps"] < TINY.train.total_steps
    assert status.result["average_loss"] is not None
    load_checkpoint(run.checkpoint_path)


@pytest.mark.usefixtures("quick_workers")
def test_run_stopped_and_resumed_equals_one_never_interrupted(
    runs_here: RunsHere, mnist: tuple[Digits, Digits], fabric: Fabric
) -> None:
    config = TINY.with_changes(steps=400, augment=0.3)
    run = runs_here.start(config)
    wait_for_step(run, 20)
    run.send("stop")
    wait_until(lambda: run.status().is_over)
    assert run.status().state == "stopped"

    resume_run(run)

    wait_until(lambda: run.status().is_over)
    assert run.status().state == "finished"
    assert RunReader(run).refresh().steps == list(range(1, 401))
    assert losses(run) == plain_losses(config, mnist[0], fabric)


@pytest.mark.usefixtures("quick_workers")
def test_process_killed_is_seen_as_failed_and_its_run_resumes(runs_here: RunsHere) -> None:
    run = start_run(TINY.with_changes(steps=300))
    wait_for_step(run, 20)
    pid = run.status().pid
    assert pid is not None

    os.kill(pid, signal.SIGKILL)

    wait_until(lambda: run.status().is_over)
    assert run.status().state == "failed"
    assert "died" in (run.status().reason or "")
    runs_here.resume(run)
    wait_until(lambda: run.status().is_over)
    assert run.status().state == "finished"
    assert RunReader(run).refresh().steps == list(range(1, 301))


def test_loss_that_becomes_nan_fails_with_that_reason(runs_here: RunsHere) -> None:
    run = runs_here.start(get_preset("blog-mini").config.with_changes(width=0.05, optimizer="sgd", learning_rate=100.0))

    wait_until(lambda: run.status().is_over)

    assert run.status().state == "failed"
    assert "learning rate" in (run.status().reason or "")


def test_damaged_shipped_data_fails_with_that_reason(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = home / "blocked"
    blocked.write_text("a file where the data folder should be")
    monkeypatch.setenv("VGG_DEMO_DATA", str(blocked))

    run = create_run(TINY)

    assert run_worker(run) == 1

    assert run.status().state == "failed"
    assert "VGG_DEMO_DATA" in (run.status().reason or "")


def test_resume_of_a_run_that_is_going_on_or_finished_is_refused(runs_here: RunsHere) -> None:
    run = runs_here.start(TINY.with_changes(steps=200))

    with pytest.raises(RunError, match="still going"):
        resume_run(run)

    wait_until(lambda: run.status().is_over)
    with pytest.raises(RunError, match="has finished"):
        resume_run(run)


def test_run_name_taken_or_unfit_is_refused(home: Path) -> None:
    create_run(RunConfig(), "mine")

    for name in ("mine", "a/b", "..", "", "ü", "x" * 61):
        with pytest.raises(RunError):
            create_run(RunConfig(), name)
    assert [run.name for run in list_runs()] == ["mine"]


@pytest.mark.parametrize("name", ["best", "Best", "nul", "COM1.txt", "ends-with-a-dot."])
def test_run_name_that_is_taken_for_something_else_is_refused(home: Path, name: str) -> None:
    """A shipped network's, or one that some systems keep for themselves or write in another way."""
    run = create_run(RunConfig(), "mine")
    run.update_status(state="stopped")

    with pytest.raises(RunError, match=re.escape(name)):
        create_run(RunConfig(), name)
    with pytest.raises(RunError, match=re.escape(name)):
        rename_run(run, name)
    assert [run.name for run in list_runs()] == ["mine"]


def test_run_renamed_where_nothing_can_be_written_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = create_run(RunConfig(), "mine")
    run.update_status(state="stopped")

    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)

    with pytest.raises(StorageError, match="cannot be written"):
        rename_run(run, "yours")


def test_run_that_does_not_exist_is_named_in_the_error_without_reading_all_others(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page may ask for it once a second."""
    create_run(RunConfig(), "mine")
    monkeypatch.setattr(store, "list_runs", lambda: pytest.fail("all runs were listed"))

    with pytest.raises(RunNotFoundError, match="nothing-here"):
        get_run("nothing-here")


def test_store_that_cannot_be_written_names_the_folder_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    monkeypatch.setenv("VGG_DEMO_HOME", str(blocked))

    with pytest.raises(StorageError, match=r"blocked.*VGG_DEMO_HOME"):
        create_run(RunConfig())


@pytest.mark.parametrize("start", [start_run, lambda config: manager.queue_run(config, None)])
def test_run_started_in_a_place_that_cannot_be_written_says_which_and_what_to_do(
    home: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[[RunConfig], object]
) -> None:
    (home / "file").write_text("no folder")
    monkeypatch.setenv("VGG_DEMO_HOME", str(home / "file" / "runs"))

    with pytest.raises(StorageError, match=r"file/runs cannot be written.*VGG_DEMO_HOME"):
        start(TINY)


@pytest.mark.usefixtures("quick_workers")
def test_store_held_by_another_process_is_waited_for_and_then_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.1)

    with FileLock(str(home / ".lock")), pytest.raises(RunError, match="held the store of runs for too long"):
        start_run(TINY)

    run = start_run(TINY.with_changes(steps=1))  # nothing is left of it
    wait_until(lambda: run.status().is_over)


def test_run_folder_with_damaged_status_is_listed_and_says_so(home: Path) -> None:
    run = create_run(RunConfig(), "damaged")
    (run.path / "status.json").write_text('{"state": "runn')

    assert [r.name for r in list_runs()] == ["damaged"]
    with pytest.raises(RunError, match=r"damaged.*status.json"):
        run.status()
    assert not run.is_active


def test_pid_of_another_process_does_not_count_as_the_run(home: Path) -> None:
    run = create_run(RunConfig())
    run.update_status(state="running", pid=os.getpid(), pid_started=1.0)

    assert run.status().state == "failed"


def test_find_checkpoint_takes_path_run_and_shipped_name(home: Path) -> None:
    run = create_run(RunConfig(), "mine")
    run.checkpoint_path.write_bytes(b"weights")

    assert find_checkpoint() == PRETRAINED / "best.safetensors"
    assert find_checkpoint("best") == PRETRAINED / "best.safetensors"
    assert find_checkpoint("mine") == run.checkpoint_path
    assert find_checkpoint(str(run.checkpoint_path)) == run.checkpoint_path
    with pytest.raises(CheckpointError, match="unheard-of"):
        find_checkpoint("unheard-of")


def test_folder_with_a_shipped_name_is_not_what_the_name_means(home: Path) -> None:
    """As an earlier version may have made it, or a copy by hand."""
    run = create_run(RunConfig(), "mine")
    run.checkpoint_path.write_bytes(b"weights")
    run.path.rename(home / "best")

    assert find_checkpoint("best") == PRETRAINED / "best.safetensors"
    assert find_checkpoint(str(home / "best")) == home / "best" / "model.safetensors"


def test_run_of_a_checkpoint_is_found_by_any_path_to_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run(RunConfig(), "mine")
    run.checkpoint_path.write_bytes(b"weights")
    link = tmp_path / "link.safetensors"
    link.symlink_to(run.checkpoint_path)
    monkeypatch.chdir(home.parent)
    (tmp_path / "copy.safetensors").write_bytes(b"weights")

    for path in (run.checkpoint_path, Path("home/mine/model.safetensors"), Path("home/../home/mine/x"), link):
        assert run_of_checkpoint(path) == run
    for path in (PRETRAINED / "best.safetensors", tmp_path / "copy.safetensors", Path("nowhere/model")):
        assert run_of_checkpoint(path) is None


def test_warm_worker_of_another_store_is_not_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "warm_worker", local.WarmWorker())
    monkeypatch.setattr(local.WarmWorker, "prepare_when_idle", lambda self: None)
    monkeypatch.setenv("VGG_DEMO_HOME", str(home / "other"))
    local.warm_worker.prepare()
    waiting = local.warm_worker.process
    monkeypatch.setenv("VGG_DEMO_HOME", str(home))

    first = start_run(TINY.with_changes(steps=3))
    monkeypatch.setenv("VGG_DEMO_HOME", str(home / "other"))
    second = start_run(TINY.with_changes(steps=3))

    assert waiting is not None
    assert first.status().pid != waiting.pid
    assert second.status().pid == waiting.pid
    wait_until(lambda: first.status().is_over and second.status().is_over)
    assert (first.status().state, second.status().state) == ("finished", "finished")


def test_next_warm_worker_loads_when_the_run_does_not_train(
    runs_here: RunsHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    warm = local.WarmWorker()
    monkeypatch.setattr(local, "warm_worker", warm)
    run = runs_here.start(TINY)
    wait_until(lambda: RunReader(run).refresh().last_step > 0)
    assert warm.process is None  # it would take a core from the training

    run.send("pause")
    wait_until(lambda: run.status().state == "paused")

    wait_until(lambda: warm.process is not None)
    run.send("stop")
    wait_until(lambda: run.status().is_over)
    assert warm.process is not None
    warm.process.kill()
    warm.process.wait()
