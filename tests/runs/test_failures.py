"""What may go wrong with a run goes wrong in words, and costs nothing that was saved before."""

from __future__ import annotations

import errno
import hashlib
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from tests.helpers import TINY, RunsHere, losses, pause, plain_losses, steps, wait_for_state, wait_for_step, wait_until
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.data import Digits
from vgg_demo.device import typed_memory_errors
from vgg_demo.errors import OutOfMemoryError, RunError
from vgg_demo.presets import get_preset
from vgg_demo.runs.claims import Claim
from vgg_demo.runs.manager import queue_run, start_run
from vgg_demo.runs.queue import waiting
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.reasons import DIED
from vgg_demo.runs.store import Run, create_run, delete_run, list_runs
from vgg_demo.runs.worker import Worker, run_worker
from vgg_demo.training import StepEvent, Training
from vgg_demo.ui.train.queue_place import place_and_wait

pytestmark = pytest.mark.usefixtures("home")
EXPLOSIVE = get_preset("blog-mini").config.with_changes(width=0.05, optimizer="sgd", init="he", batch_size=8)


@pytest.fixture
def own_sigterm() -> Iterator[None]:
    """For a worker in this process: what SIGTERM does is put back afterwards."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def fingerprints(run: Run) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in (run.checkpoint_path, run.resume_path)]


def assert_weights_are_good(run: Run) -> None:
    network, _header = load_checkpoint(run.checkpoint_path)
    assert all(bool(torch.isfinite(weights).all()) for weights in network.state_dict().values())
    saved = torch.load(run.resume_path, map_location="cpu", weights_only=True)["training"]
    assert all(bool(torch.isfinite(weights).all()) for weights in saved["model"].values())


def test_loss_that_becomes_nan_midway_keeps_the_last_good_weights(runs_here: RunsHere) -> None:
    run = runs_here.start(EXPLOSIVE)
    wait_for_step(run, 20)
    at = pause(run)
    assert_weights_are_good(run)

    run.send("learning_rate", value=100)
    run.send("resume")

    wait_until(lambda: run.status().is_over)
    status = run.status()
    assert status.state == "failed"
    assert "NaN" in (status.reason or "")
    assert "learning rate, 100," in (status.reason or "")
    assert_weights_are_good(run)
    assert load_checkpoint(run.checkpoint_path)[1].metrics["steps"] >= at


def test_loss_that_becomes_nan_does_not_put_older_weights_in_place_of_those_saved(
    home: Path, mnist: tuple[Digits, Digits], own_sigterm: None
) -> None:
    """In this process, so that the copy in memory is surely older than the save."""
    run = create_run(TINY)
    worker = Worker(run, mnist[0], Claim(run))
    events = worker.training.run()
    try:
        for _ in range(3):
            worker.recorder.write(next(events))
        worker._keep_good_state()
        for _ in range(3):
            worker.recorder.write(next(events))
        worker.save()

        with pytest.raises(RunError, match="learning rate"):
            worker._give_up_on_nan(StepEvent(7, 1, float("nan"), 0.01, 8))
    finally:
        worker.recorder.close()

    assert_weights_are_good(worker.run)
    assert load_checkpoint(worker.run.checkpoint_path)[1].metrics["steps"] == 6


def test_training_that_fails_has_its_last_steps_recorded(
    home: Path, mnist: tuple[Digits, Digits], monkeypatch: pytest.MonkeyPatch, own_sigterm: None
) -> None:
    """In this process, so that it surely fails before the recorder would have written them."""
    next_batch = Training.next_batch

    def fail_at_the_fourth(training: Training, indices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if training.step == 3:
            raise MemoryError
        return next_batch(training, indices)

    monkeypatch.setattr(Training, "next_batch", fail_at_the_fourth)
    monkeypatch.setattr("vgg_demo.runs.recorder.FLUSH_EVERY_SECONDS", 60.0)
    run = create_run(TINY)

    assert run_worker(run, lambda: mnist[0]) == 1

    assert steps(run) == [1, 2, 3]
    assert "not enough memory" in (run.status().reason or "")


def test_memory_used_up_is_no_error_that_only_speaks_of_memory() -> None:
    with pytest.raises(OutOfMemoryError, match="choose a smaller batch"), typed_memory_errors():
        torch.empty(10**14)  # 400 terabytes
    with pytest.raises(OutOfMemoryError), typed_memory_errors():
        raise torch.OutOfMemoryError("CUDA out of memory")
    with pytest.raises(OutOfMemoryError), typed_memory_errors():
        raise MemoryError
    with pytest.raises(RuntimeError, match="memory format"), typed_memory_errors():
        raise RuntimeError("unsupported memory format option")


def test_loss_that_becomes_nan_between_single_batches_leaves_good_weights_saved(runs_here: RunsHere) -> None:
    """Each pause saves, also the one just before: the loss was still a number, the weights were none any more."""
    run = runs_here.start(EXPLOSIVE)
    wait_for_step(run, 20)
    pause(run)
    run.send("learning_rate", value=100)

    for _ in range(30):
        at = steps(run)[-1]
        run.send("batch")
        wait_until(lambda at=at: run.status().is_over or (steps(run)[-1] > at and run.status().state == "paused"))
        if run.status().is_over:
            break

    assert run.status().state == "failed"
    assert "learning rate" in (run.status().reason or "")
    assert_weights_are_good(run)


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """The home of the runs on a disk of 4 MB."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(home)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.decode().strip()}")
    yield home
    subprocess.run(["umount", "--lazy", str(home)], check=True)


def fill(folder: Path, leave: int = 0) -> Path:
    """Fill the disk up to so many bytes."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError as error:
            assert error.errno == errno.ENOSPC
        file.truncate(max(0, file.tell() - leave))
    return ballast


@pytest.mark.usefixtures("quick_workers")
@pytest.mark.parametrize("leave", [0, 12 * 1024], ids=["to the last byte", "but for three pages"])
def test_disk_that_fills_up_ends_the_run_and_leaves_what_was_saved(
    small_disk: Path, runs_here: RunsHere, mnist: tuple[Digits, Digits], fabric: Fabric, leave: int
) -> None:
    config = TINY.with_changes(steps=400)
    run = start_run(config)
    wait_for_step(run, 5)
    pause(run)
    before = fingerprints(run)

    ballast = fill(small_disk, leave)
    run.send("resume")

    wait_until(lambda: run.status().is_over)
    status = run.status()
    assert status.state == "failed"
    assert "space" in (status.reason or "") or (leave == 0 and status.reason == DIED), status.reason
    assert fingerprints(run) == before
    assert_weights_are_good(run)
    assert [r.name for r in list_runs()] == [run.name]
    ballast.unlink()
    runs_here.resume(run)
    wait_for_state(run, "finished")
    assert steps(run) == list(range(1, 401))
    assert losses(run) == plain_losses(config, mnist[0], fabric)


@pytest.mark.usefixtures("quick_workers")
def test_disk_without_room_for_a_save_says_what_to_do(small_disk: Path) -> None:
    run = start_run(TINY.with_changes(steps=100_000))
    wait_for_step(run, 5)
    pause(run)
    before = fingerprints(run)
    ballast = fill(small_disk, leave=run.resume_path.stat().st_size // 2 // 4096 * 4096)
    assert ballast.is_file()

    run.send("stop")

    wait_until(lambda: run.status().is_over)
    assert run.status().state == "failed"
    assert "cannot be written" in (run.status().reason or "")
    assert "free some space" in (run.status().reason or "")
    assert fingerprints(run) == before
    assert [path.name for path in run.path.glob(".*.tmp")] == []


def test_run_folder_of_another_version_is_listed_and_explained(home: Path) -> None:
    run = create_run(TINY, "newer")
    values = json.loads(run.config_path.read_text())
    values["train"]["momentum_of_the_future"] = 0.9
    run.config_path.write_text(json.dumps(values))

    assert [r.name for r in list_runs()] == ["newer"]
    with pytest.raises(RunError, match=r"newer.*config\.json.*momentum_of_the_future"):
        run.config()


@pytest.mark.parametrize("content", ['{"state": "finished"}', '{"state": "stopped", "unheard_of": 1}'])
def test_status_with_fields_missing_or_unknown_is_read_as_far_as_it_goes(home: Path, content: str) -> None:
    run = create_run(TINY, "older")
    (run.path / "status.json").write_text(content)

    assert [r.name for r in list_runs()] == ["older"]
    assert run.status().state == json.loads(content)["state"]


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "null", "7", '{"state": "dancing"}', '{"created": "yesterday"}', "\xff"]
)
def test_status_that_cannot_be_read_hides_no_other_run(home: Path, content: str) -> None:
    damaged, sound = create_run(TINY, "damaged"), create_run(TINY, "sound")
    sound.update_status(state="stopped")
    (damaged.path / "status.json").write_bytes(content.encode("latin-1"))

    assert sorted(run.name for run in list_runs()) == ["damaged", "sound"]
    with pytest.raises(RunError, match=r"damaged.*status\.json"):
        damaged.status()
    assert waiting() == []
    delete_run(damaged)
    assert [run.name for run in list_runs()] == ["sound"]


def test_waiting_run_with_a_damaged_config_does_not_hide_the_place_of_the_next(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged, sound = create_run(TINY, "damaged"), create_run(TINY, "sound")
    damaged.config_path.write_text("{")

    place, _seconds = place_and_wait(sound)

    assert place == 2


@pytest.mark.usefixtures("quick_workers")
def test_waiting_run_with_a_damaged_config_fails_with_that_reason_and_the_next_starts(home: Path) -> None:
    damaged = create_run(TINY, "damaged")
    damaged.config_path.write_text("{")

    sound = queue_run(TINY.with_changes(steps=5), "someone")

    wait_until(lambda: damaged.status().is_over and sound.status().is_over)
    assert damaged.status().state == "failed"
    assert "config.json" in (damaged.status().reason or "")
    assert sound.status().state == "finished"


def test_metrics_with_damaged_lines_are_read_around_them(runs_here: RunsHere) -> None:
    run = runs_here.start(TINY.with_changes(steps=30))
    wait_for_state(run, "finished")
    lines = run.metrics_path.read_bytes().splitlines(keepends=True)
    fourth, ninth = (
        next(place for place, line in enumerate(lines) if line.startswith(b'{"event": "step", "step": %d,' % step))
        for step in (4, 9)
    )
    lines[fourth] = lines[fourth][: len(lines[fourth]) // 2] + b"\n"
    lines[ninth] = b"\0\xff" * 20 + b"\n"
    run.metrics_path.write_bytes(b"".join(lines))

    curve = RunReader(run).refresh()

    assert curve.damaged_lines == 2
    assert curve.steps == [step for step in range(1, 31) if step not in (4, 9)]


def test_resume_file_that_is_damaged_fails_with_that_reason_and_keeps_the_network(runs_here: RunsHere) -> None:
    run = runs_here.start(TINY)
    wait_for_step(run, 5)
    run.send("stop")
    wait_until(lambda: run.status().is_over)
    run.resume_path.write_bytes(run.resume_path.read_bytes()[:1000])
    network = run.checkpoint_path.read_bytes()

    runs_here.resume(run)

    wait_until(lambda: run.status().is_over)
    assert run.status().state == "failed"
    assert "resume.pt cannot be read" in (run.status().reason or "")
    assert run.checkpoint_path.read_bytes() == network
