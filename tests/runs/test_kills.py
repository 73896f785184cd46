"""Kills at random moments, saves included: every run goes on, every file can be read, no loss differs.

Eight kills; VGG_DEMO_KILLS=20 for twenty, which take about a minute and a half.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from tests.helpers import TINY, RunsHere, losses, plain_losses, steps, wait_for_state, wait_for_step, wait_until
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.data import Digits
from vgg_demo.runs.manager import resume_run, start_run
from vgg_demo.runs.store import Run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_workers")]
KILLS = int(os.environ.get("VGG_DEMO_KILLS", "8"))
# two million weights: a save takes long enough to be hit in the middle
CONFIG = TINY.with_changes(width=0.25, classifier="mlp", dropout=0.2, steps=250, augment=0.2)


def check_files(run: Run) -> None:
    """Both files, where there are any, load whole and without running code."""
    if run.resume_path.is_file():
        assert torch.load(run.resume_path, map_location="cpu", weights_only=True)["training"]["step"] > 0
    if run.checkpoint_path.is_file():
        load_checkpoint(run.checkpoint_path)


def kill_in_its_life(run: Run, chance: random.Random, moment: str) -> bool:
    """Kill the run's process; returns whether that was in the middle of a save.

    moment: "save" pauses it, which saves, and kills it as soon as the save has begun; "after" kills it up to 0.3 s
    after a pause, gone on from or not; "anytime" does so though it may not even have begun.
    """
    status = run.status()
    assert status.pid is not None
    if moment != "anytime":
        wait_until(lambda: run.metrics_path.is_file() and run.metrics_path.stat().st_mtime > (status.started or 0))
    time.sleep(chance.uniform(0, 0.3))
    run.send("pause")
    if moment == "save":
        deadline = time.monotonic() + 5
        while not half_saved(run) and time.monotonic() < deadline:
            time.sleep(0.0005)
    else:
        if chance.random() < 0.5:
            run.send("resume")
        time.sleep(chance.uniform(0, 0.3))
    os.kill(status.pid, signal.SIGKILL)
    wait_until(lambda: run.status().is_over, seconds=10)
    assert run.status().state == "failed"
    return half_saved(run)


def half_saved(run: Run) -> bool:
    """Whether a save has begun and not ended."""
    with os.scandir(run.path) as entries:
        return any(e.name.startswith((".resume.", ".model.")) and e.name.endswith(".tmp") for e in entries)


def kill_again_and_again(name: str, seed: int) -> tuple[Run, int]:
    """A run through half of the kills to its end; returns how many of them were in the middle of a save."""
    chance = random.Random(seed)
    run = start_run(CONFIG, name)
    in_save = 0
    for number in range(KILLS // 2):
        in_save += kill_in_its_life(run, chance, ["save", "after", "save", "after", "anytime"][number % 5])
        check_files(run)
        for left in run.path.glob(".*.tmp"):  # so that the next one's is seen
            left.unlink()
        resume_run(run)
    wait_for_state(run, "finished", seconds=120)
    return run, in_save


def test_runs_killed_again_and_again_equal_one_left_alone(
    home: Path, mnist: tuple[Digits, Digits], fabric: Fabric
) -> None:
    unreadable: list[BaseException] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            for name in ("first", "second"):
                try:
                    check_files(Run(home / name))
                except BaseException as error:  # whatever it is, it is what this looks for
                    unreadable.append(error)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(kill_again_and_again, ["first", "second"], [1, 2]))
    finally:
        over.set()
        watcher.join()

    assert unreadable == []
    assert sum(in_save for _run, in_save in results) >= 1
    expected = plain_losses(CONFIG, mnist[0], fabric)
    for run, _in_save in results:
        assert steps(run) == list(range(1, 251))
        assert losses(run) == expected
        check_files(run)


def test_files_half_written_by_a_killed_process_are_gone_after_the_next(runs_here: RunsHere) -> None:
    """A large network's would fill the disk, kill by kill."""
    run = start_run(TINY.with_changes(steps=60))
    wait_for_step(run, 5)
    pid = run.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: run.status().is_over)
    for name in (".resume.1.tmp", ".model.safetensors.1.tmp"):
        (run.path / name).write_bytes(b"half")

    runs_here.resume(run)

    wait_for_state(run, "finished")
    assert [path.name for path in run.path.glob(".*.tmp")] == []
