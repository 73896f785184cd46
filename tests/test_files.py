"""Files that are replaced while others use them, and text that is the same on every system."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import PROJECT
from vgg_demo import files
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.files import write_text
from vgg_demo.runs.checkpoints import find_checkpoint

TEXT_METHODS = ("read_text", "write_text", "open")
OTHER_OPENS = ("Image", "os", "archive")  # whose open is of another kind


def test_file_that_is_in_use_for_a_moment_is_replaced_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where a file that someone reads cannot be replaced."""
    path = tmp_path / "status.json"
    path.write_text("old", encoding="utf-8")
    replace, refused = Path.replace, []

    def refuse_twice(self: Path, target: Path) -> Path:
        if len(refused) < 2:
            refused.append(target)
            raise PermissionError(13, "The process cannot access the file")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse_twice)

    write_text(path, "new")

    assert path.read_text(encoding="utf-8") == "new"
    assert len(refused) == 2
    assert list(tmp_path.iterdir()) == [path]


def test_file_that_stays_in_use_keeps_its_content_and_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "status.json"
    path.write_text("old", encoding="utf-8")

    def refuse(_self: Path, _target: Path) -> Path:
        raise PermissionError(13, "The process cannot access the file")

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(files, "RETRY_AFTER_SECONDS", (0.0, 0.0))

    with pytest.raises(PermissionError):
        write_text(path, "new")

    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform != "linux", reason="only there a process can read what it has mapped")
def test_checkpoint_that_is_loaded_leaves_its_file_free() -> None:
    path = find_checkpoint()

    network, _header = load_checkpoint(path)

    assert path.name not in Path("/proc/self/maps").read_text(encoding="utf-8")
    assert sum(parameter.numel() for parameter in network.parameters()) > 0


def calls_without_encoding(source: str) -> Iterator[str]:
    """The calls that open, read or write text in the system's own encoding, by line."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        owner, _, name = ast.unparse(call.func).rpartition(".")
        is_of_text = name == "open" if not owner else name in TEXT_METHODS and owner not in OTHER_OPENS
        said = {keyword.arg for keyword in call.keywords}
        words = {argument.value for argument in call.args if isinstance(argument, ast.Constant)}
        is_said = "encoding" in said or words & {"utf-8", "rb", "wb", "ab", "rb+"}
        if (is_of_text and not is_said) or ("text" in said and "encoding" not in said):
            yield f"{call.lineno}: {ast.unparse(call)}"


@pytest.mark.parametrize("line", ["open('a')", "path.read_text()", "path.write_text('a')", "run(c, text=True)"])
def test_call_without_an_encoding_is_found(line: str) -> None:
    assert list(calls_without_encoding(line))


@pytest.mark.parametrize("line", ["open('a', 'rb')", "path.read_text('utf-8')", "Image.open(p)", "os.open(p, 0)"])
def test_call_that_needs_no_encoding_is_left_alone(line: str) -> None:
    assert not list(calls_without_encoding(line))


def test_every_text_file_and_pipe_of_the_project_is_opened_as_utf_8() -> None:
    found = [
        f"{path.relative_to(PROJECT)}:{call}"
        for path in [*(PROJECT / "vgg_demo").rglob("*.py"), PROJECT / "streamlit_app.py"]
        for call in calls_without_encoding(path.read_text(encoding="utf-8"))
    ]

    assert found == []
