"""What the README and the other documents claim and the repository must hold."""

from __future__ import annotations

import re

import pytest

from tests.helpers import PROJECT
from vgg_demo.runs.worker import SAVE_EVERY_SECONDS

README = (PROJECT / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"^```\n(.+?)\n```$", README, re.DOTALL | re.MULTILINE)


def test_readme_test_command_is_the_one_that_ci_runs() -> None:
    command = COMMANDS[1]

    assert ".venv/bin/python -m pytest" in command
    assert "\n" not in command
    assert f"\n{command}\n" in (PROJECT / ".ci" / "run").read_text("utf-8")


def test_readme_shows_a_picture_that_exists() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)

    assert pictures
    for picture in pictures:
        assert (PROJECT / picture).is_file()


def test_readme_names_every_environment_variable_that_the_code_reads() -> None:
    code = "".join(path.read_text("utf-8") for path in (PROJECT / "vgg_demo").rglob("*.py"))

    in_code = set(re.findall(r"environ\.get\(\"(VGG_DEMO_[A-Z_]+)", code))

    assert in_code == set(re.findall(r"`(VGG_DEMO_[A-Z_]+)` \|", README))


def test_readme_names_every_folder_of_the_package() -> None:
    table = README.partition("## How it is built")[2].partition("\n## ")[0]

    for path in (PROJECT / "vgg_demo").iterdir():
        if path.is_dir() and path.name != "__pycache__":
            assert f"/{path.name}" in table, path.name


@pytest.mark.parametrize(
    "name", ["README.md", "README.ko.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/experiments.md"]
)
def test_document_commands_of_the_project_name_its_own_python(name: str) -> None:
    text = (PROJECT / name).read_text("utf-8")

    assert not re.findall(r"(?<!\.venv/bin/)(?:python3? -m (?!venv)\S+|torchrun -\S+)", text)


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize(
    "name", ["README.md", "README.ko.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/experiments.md"]
)
def test_document_links_to_files_that_exist(name: str) -> None:
    document = PROJECT / name

    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text("utf-8"))

    assert links
    for link in links:
        assert (document.parent / link).is_file(), link


def test_readme_says_how_often_a_run_is_saved() -> None:
    assert f"one every {SAVE_EVERY_SECONDS:.0f} seconds, or fewer where a step or a save takes long" in README


def test_readme_names_every_preset_option_of_the_story() -> None:
    for preset in ("classroom", "blog-mini", "fixed-mini", "best"):
        assert f"`{preset}`" in README or f"--preset {preset}" in README


@pytest.mark.parametrize("name", ["README.md", "docs/architecture.md", "CONTRIBUTING.md"])
def test_document_names_files_and_functions_that_exist(name: str) -> None:
    text = re.sub(r"```.*?```", "", (PROJECT / name).read_text("utf-8"), flags=re.DOTALL)
    package = PROJECT / "vgg_demo"

    for path in re.findall(r"`((?:\w+/)*\w+\.(?:py|js)|(?:\w+/)+)`", text):
        inside = [PROJECT / path, package / path, package / "ui" / path]
        assert any(place.exists() for place in inside) or path.startswith(("data/", "checkpoints/", "vgg_demo/locale/"))
    for path, functions in re.findall(r"`([\w/]+\.py)`: ((?:`[\w.]+`(?:, )?)+)", text):
        for function in re.findall(r"`(?:\w+\.)?(\w+)`", functions):
            assert re.search(rf"\b(def|class) {function}\b", (package / path).read_text("utf-8")), (path, function)
