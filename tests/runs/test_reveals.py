"""How often a test result was looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from vgg_demo.errors import StorageError
from vgg_demo.presets import get_preset
from vgg_demo.runs.reveals import FILE, add_reveal, count_reveals
from vgg_demo.runs.store import Run, create_run


@pytest.fixture
def run(home: Path) -> Run:
    return create_run(get_preset("classroom").config, "mine")


def test_reveals_are_counted_and_kept(run: Run) -> None:
    assert count_reveals(run) == 0

    assert [add_reveal(run, "abc"), add_reveal(run, "abc")] == [1, 2]

    assert count_reveals(run) == 2
    assert [path.name for path in run.path.glob("*reveal*")] == [FILE]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"reveals": 7}', "null"])
def test_reveals_of_a_damaged_file_begin_anew(run: Run, content: str) -> None:
    (run.path / FILE).write_text(content)

    assert count_reveals(run) == 0
    assert add_reveal(run, "abc") == 1


def test_reveal_that_cannot_be_noted_is_an_error(run: Run) -> None:
    (run.path / FILE).mkdir()

    with pytest.raises(StorageError, match="could not be counted"):
        add_reveal(run, "abc")
