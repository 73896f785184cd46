"""ruff, mypy --strict and the contract of the imports find nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LINTERS = {
    "ruff": [sys.executable, "-m", "ruff", "check", "."],
    "mypy": [sys.executable, "-m", "mypy"],
    "import-linter": [str(Path(sys.executable).with_name("lint-imports"))],
}


@pytest.mark.parametrize("command", LINTERS.values(), ids=LINTERS)
def test_project_checked_by_linter_is_clean(project: Path, command: list[str]) -> None:
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
