"""Imports point one way, and nothing heavy is loaded before it is used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import vgg_demo

PUBLIC = {
    "PRESETS",
    "VGG",
    "ModelConfig",
    "RunConfig",
    "TrainConfig",
    "evaluate",
    "load_checkpoint",
    "load_mnist",
    "prepare_digit",
    "save_checkpoint",
    "story_transform",
    "transform_batch",
}


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


def test_every_module_outside_ui_imported_loads_no_streamlit(project: Path) -> None:
    files = [path.relative_to(project) for path in (project / "vgg_demo").rglob("*.py")]
    modules = sorted(".".join(path.with_suffix("").parts) for path in files if path.parts[1] != "ui")

    loaded = loaded_by(modules, project)

    assert {"vgg_demo.model", "vgg_demo.training", "vgg_demo.runs.worker"} <= set(modules)
    assert {"vgg_demo", "torch"} <= loaded
    assert "streamlit" not in loaded


@pytest.mark.parametrize("module", ["vgg_demo", "vgg_demo.config", "vgg_demo.__main__"])
def test_light_module_imported_loads_nothing_heavy(project: Path, module: str) -> None:
    loaded = loaded_by([module], project)

    assert "vgg_demo" in loaded
    assert not loaded & {"torch", "numpy", "streamlit"}


def test_public_list_is_exactly_the_documented_one() -> None:
    assert set(vgg_demo.__all__) == PUBLIC
    assert len(vgg_demo.__all__) == len(PUBLIC)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public_name_resolves_to_something_of_that_name(name: str) -> None:
    found = getattr(vgg_demo, name)

    assert getattr(found, "__name__", "PRESETS") == name
    assert name in dir(vgg_demo)


def test_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        vgg_demo.no_such_name  # noqa: B018
