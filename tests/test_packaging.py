"""What pip installs: everything that the program needs, which then works away from the project's folder."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.benchmarks.server import Server, open_page
from tests.helpers import PROJECT
from vgg_demo import __version__
from vgg_demo.runs.engines.cluster import INSTALL

METADATA = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
PINS = (PROJECT / "requirements.txt").read_text("utf-8")
WHERE = """
from vgg_demo.mnist_files import data_folder
from vgg_demo.runs.checkpoints import find_checkpoint
from vgg_demo.runs.store import home
print(home(), data_folder(), find_checkpoint(), sep="\\n")
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel, unpacked as pip does it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def elsewhere(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a user who has installed it; processes that a test starts have it and an empty folder to work in."""
    for variable in ("VGG_DEMO_HOME", "VGG_DEMO_DATA", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "user"))
    monkeypatch.setenv("PYTHONPATH", str(installed))
    for folder in (tmp_path / "user", tmp_path / "empty"):
        folder.mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    return tmp_path / "user"


def test_every_tested_version_is_in_the_range_that_the_package_asks_for() -> None:
    pins = {pin.name: pin for line in PINS.splitlines()[1:] if (pin := Requirement(line.partition("#")[0]))}
    ranges = {asked.name: asked for asked in map(Requirement, METADATA["dependencies"])}

    assert ranges.keys() == pins.keys()
    for name, pin in pins.items():
        (exact,) = pin.specifier
        assert exact.operator == "==" and ranges[name].specifier.contains(exact.version), name
        assert {part.operator for part in ranges[name].specifier} == {">=", "<"}, name


def test_tested_version_of_ray_is_in_the_range_that_the_extra_and_the_advice_ask_for() -> None:
    lines = (PROJECT / "requirements-cluster.txt").read_text("utf-8").splitlines()
    (pin,) = [Requirement(line.partition("#")[0]) for line in lines if line.startswith("ray")]
    (asked,) = METADATA["optional-dependencies"]["cluster"]
    (exact,) = pin.specifier

    assert Requirement(asked).specifier.contains(exact.version)
    assert f'"{asked}"' in INSTALL


def test_python_that_the_package_asks_for_is_the_one_that_the_readme_names() -> None:
    asked = SpecifierSet(METADATA["requires-python"])

    taken = [f"3.{minor}" for minor in range(30) if asked.contains(f"3.{minor}.1")]

    assert f"(Python {taken[0]} to {taken[-1]};" in (PROJECT / "README.md").read_text("utf-8")


def test_wheel_has_every_file_of_the_package_and_the_server_s(installed: Path) -> None:
    listed = subprocess.check_output(["git", "ls-files", "vgg_demo"], cwd=PROJECT, encoding="utf-8")
    files = {path: path for path in listed.splitlines() if (PROJECT / path).exists()}
    files["streamlit_app.py"] = "vgg_demo/server/streamlit_app.py"
    files[".streamlit/config.toml"] = "vgg_demo/server/.streamlit/config.toml"

    for path, place in files.items():
        assert (installed / place).read_bytes() == (PROJECT / path).read_bytes(), path


def test_installed_program_keeps_runs_and_data_in_the_user_s_own_folder(installed: Path, elsewhere: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WHERE], check=True, capture_output=True, encoding="utf-8")

    home, data, checkpoint = map(Path, done.stdout.splitlines())
    assert home.is_relative_to(elsewhere) and data.is_relative_to(elsewhere)
    assert checkpoint.is_relative_to(installed)
    assert list(elsewhere.iterdir()) == list(Path.cwd().iterdir()) == []


def test_installed_program_says_its_version(elsewhere: Path) -> None:
    command = [sys.executable, "-m", "vgg_demo", "--version"]

    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == f"{__version__}\n"


def test_installed_page_opens_from_an_empty_folder_with_the_project_s_settings(elsewhere: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    settings = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text("utf-8"))

    server = Server(tmp_path / "runs", command=("-m", "vgg_demo", "page"), folder=Path.cwd())
    with server, open_page(server) as viewer:
        viewer.load()

    assert viewer.session is not None
    theme = viewer.session.custom_theme
    assert theme.light.primary_color == settings["theme"]["light"]["primaryColor"]
    assert theme.dark.primary_color == settings["theme"]["dark"]["primaryColor"]
    assert list(Path.cwd().iterdir()) == []
    assert not (elsewhere / ".streamlit").exists()
