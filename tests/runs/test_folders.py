"""Folders of runs that cannot be read, or not be made."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import TINY, RunsHere, pause, wait_for_step
from tests.runs.test_damaged_files import assert_the_others_go_on
from vgg_demo.errors import RunError, StorageError
from vgg_demo.runs.class_settings import ClassSettings, write_class_settings
from vgg_demo.runs.manager import queue_run
from vgg_demo.runs.pinned import PinnedDigit
from vgg_demo.runs.store import Run, create_run, delete_run, get_run, list_runs, rename_run


def test_folder_that_may_not_be_looked_into_spoils_itself_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, shut, stat = create_run(TINY, "good"), create_run(TINY, "bad"), os.stat

    def refuse(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        if str(path).startswith(f"{shut.path}{os.sep}"):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", refuse)

    assert_the_others_go_on(good)


def test_run_that_cannot_be_written_leaves_its_name_to_the_next(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_disk(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("vgg_demo.runs.store.write_text", fill_disk)
        for name in ("mine", None):
            with pytest.raises(StorageError, match="No space left"):
                create_run(TINY, name)

    assert [path for path in home.iterdir() if path.is_dir()] == []
    assert create_run(TINY, "mine").status().state == "queued"


def test_folder_is_a_run_only_when_everything_is_in_it(home: Path) -> None:
    seen: list[list[Run]] = []

    run = create_run(TINY, "mine", prepare=lambda _run: seen.append(list_runs()))

    assert (seen, list_runs()) == ([[]], [run])


def test_run_that_cannot_be_pinned_to_leaves_no_folder(home: Path) -> None:
    digit = PinnedDigit(bytes(784))

    def obstruct(run: Run) -> None:
        run.control_path.mkdir()  # nothing can be appended to it

    with pytest.raises(StorageError, match="control"):
        queue_run(TINY, None, [digit], obstruct)

    assert [path for path in home.iterdir() if path.is_dir()] == []


def test_delete_of_a_run_that_is_a_link_takes_the_link_and_leaves_what_it_points_to(home: Path, tmp_path: Path) -> None:
    elsewhere = create_run(TINY, "mine").path.rename(tmp_path / "elsewhere")
    (home / "mine").symlink_to(elsewhere, target_is_directory=True)
    run = get_run("mine")
    run.update_status(state="stopped")

    delete_run(run)

    assert list_runs() == []
    assert (elsewhere / "config.json").is_file()


def test_delete_that_the_system_refuses_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = create_run(TINY, "mine")
    run.update_status(state="stopped")

    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied", "status.json")

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refuse)
        with pytest.raises(StorageError, match=r"'mine'.*cannot be deleted \(Permission denied"):
            delete_run(run)

    assert list_runs() == [run]


def test_run_with_a_damaged_status_is_not_moved_while_its_worker_lives(runs_here: RunsHere) -> None:
    run = runs_here.start(TINY, "mine")
    wait_for_step(run, 1)
    run.status_path.write_text("{", encoding="utf-8")

    for move in (delete_run, lambda run: rename_run(run, "yours")):
        with pytest.raises(RunError, match="still going"):
            move(run)
    run.send("stop")
    runs_here.wait(run)

    delete_run(run)
    assert list_runs() == []


def test_run_with_a_damaged_status_whose_worker_was_killed_can_be_deleted(home: Path) -> None:
    run = create_run(TINY, "mine")
    run.status_path.write_text("{", encoding="utf-8")
    run.worker_path.write_bytes(f"{os.getpid()} 1.0".encode())  # a later process has its number

    delete_run(run)

    assert list_runs() == []


@pytest.mark.parametrize("is_paused", [False, True])
def test_worker_whose_folder_another_run_has_now_leaves_that_run_alone(
    runs_here: RunsHere, monkeypatch: pytest.MonkeyPatch, is_paused: bool
) -> None:
    monkeypatch.setattr("vgg_demo.runs.worker.SAVE_EVERY_SECONDS", 0.05)
    old = runs_here.start(TINY, "mine")
    wait_for_step(old, 3)
    if is_paused:
        pause(old)
    shutil.rmtree(old.path)
    write_class_settings(ClassSettings(queue_paused=True))  # nothing starts the new one

    new = create_run(TINY, "mine")
    runs_here.wait(old)

    assert new.status().state == "queued"
    assert not new.checkpoint_path.exists()
    assert not new.resume_path.exists()
