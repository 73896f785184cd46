"""Folders of runs that cannot be read, or not be made."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import TINY, RunsHere, pause, wait_for_step
from tests.runs.test_damaged_files import assert_the_others_go_on
from vgg_demo.errors import StorageError
from vgg_demo.runs.queue import ClassSettings, write_class_settings
from vgg_demo.runs.store import create_run


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
