"""Imports point one way, and nothing heavy is loaded before it is used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def loaded_by(modules: list[str], project: Path) -> set[str]:
    """The top-level packages that a fresh process has loaded after importing modules."""
    code = (
        "import importlib, json, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_every_module_outside_ui_imported_loads_neither_streamlit_nor_ray(project: Path) -> None:
    files = [path.relative_to(project) for path in (project / "vgg_demo").rglob("*.py")]
    modules = sorted(".".join(path.with_suffix("").parts) for path in files if path.parts[1] != "ui")

    loaded = loaded_by(modules, project)

    assert {"vgg_demo.model", "vgg_demo.training", "vgg_demo.runs.worker"} <= set(modules)
    assert {"vgg_demo", "torch"} <= loaded
    assert not loaded & {"streamlit", "ray"}


@pytest.mark.parametrize("module", ["vgg_demo", "vgg_demo.config", "vgg_demo.__main__"])
def test_light_module_imported_loads_nothing_heavy(project: Path, module: str) -> None:
    loaded = loaded_by([module], project)

    assert "vgg_demo" in loaded
    assert not loaded & {"torch", "numpy", "streamlit"}


def test_package_imported_changes_neither_the_environment_nor_the_cores(project: Path) -> None:
    code = (
        "import os\n"
        "state = lambda: (dict(os.environ), os.sched_getaffinity(0) if hasattr(os, 'sched_getaffinity') else None)\n"
        "before = state()\n"
        "import vgg_demo, vgg_demo.runs.processes\n"
        "assert state() == before"
    )

    subprocess.run([sys.executable, "-c", code], cwd=project, check=True)
