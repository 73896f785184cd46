"""The container recipe, each step in a plain folder: what it copies is enough, its page starts, its check answers."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.benchmarks.server import Server, open_page
from tests.helpers import PROJECT, processes, wait_until
from vgg_demo.runs.checkpoints import find_checkpoint

STUBS = ("pip", "useradd", "chown")  # what would download, or needs an administrator: only asked for is written down


@dataclass
class Recipe:
    """The instructions of the Dockerfile, carried out below a folder."""

    folder: Path
    values: dict[str, str] = field(default_factory=dict)  # of ARG and ENV
    commands: dict[str, str] = field(default_factory=dict)  # of CMD and HEALTHCHECK
    asked: list[str] = field(default_factory=list)  # of the programs that are not run
    user: str = "0"

    @property
    def app(self) -> Path:
        return self.folder / "app"

    def follow(self) -> None:
        """Carry out all of it; an instruction that is not known is an error."""
        text = re.sub(r"(?m)^#.*\n", "", (PROJECT / "Dockerfile").read_text("utf-8")).replace("\\\n", " ")
        for line in filter(str.strip, text.splitlines()):
            kind, rest = line.split(maxsplit=1)
            getattr(self, f"do_{kind.lower()}")(rest.strip())

    def filled(self, text: str) -> str:
        """With the values of ARG and ENV, and with its absolute folders below the test's."""
        text = re.sub(r"\$\{(\w+)\}", lambda match: self.values[match[1]], text)
        return re.sub(r"(?<![\w.:/])/(data|app)\b", rf"{self.folder}/\1", text)

    def do_from(self, image: str) -> None:
        assert re.fullmatch(r"python:3\.1[1-3]-slim", image)

    def do_arg(self, text: str) -> None:
        self.values.update([text.split("=", 1)])

    def do_env(self, text: str) -> None:
        self.values.update(part.split("=", 1) for part in self.filled(text).split())

    def do_workdir(self, path: str) -> None:
        Path(self.filled(path)).mkdir()

    def do_copy(self, text: str) -> None:
        source, target = text.split()
        if (PROJECT / source).is_dir():
            shutil.copytree(PROJECT / source, self.app / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(PROJECT / source, self.app / target)

    def do_run(self, text: str) -> None:
        stubs, log = self.folder / "stubs", self.folder / "asked"
        stubs.mkdir(exist_ok=True)
        for name in STUBS:
            (stubs / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {log}\n', "utf-8")
            (stubs / name).chmod(0o755)
        path = f"{stubs}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(["sh", "-ec", self.filled(text)], cwd=self.app, check=True, env={**os.environ, "PATH": path})
        self.asked = log.read_text("utf-8").splitlines()

    def do_user(self, text: str) -> None:
        self.user = self.filled(text)

    def do_volume(self, text: str) -> None:
        assert Path(self.filled(text)) in Path(self.values["VGG_DEMO_HOME"]).parents

    def do_expose(self, text: str) -> None:
        assert self.filled(text) == self.values["STREAMLIT_SERVER_PORT"]

    def do_healthcheck(self, text: str) -> None:
        self.commands["check"] = text.partition(" CMD ")[2].strip()

    def do_cmd(self, text: str) -> None:
        self.commands["start"] = text


@pytest.fixture
def recipe(tmp_path: Path) -> Iterator[Recipe]:
    recipe = Recipe(tmp_path)
    recipe.follow()
    yield recipe
    for process in processes(tmp_path):
        process.kill()


def test_dockerfile_installs_the_cpu_build_of_the_tested_torch_first(recipe: Recipe) -> None:
    first, second, *_others = recipe.asked

    assert first == "pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu -r torch.txt"
    assert second == "pip install --no-cache-dir -r requirements.txt"
    wanted = [line.split()[0].split("==")[0] for line in (recipe.app / "torch.txt").read_text("utf-8").splitlines()]
    assert wanted == ["torch", "torchvision"]


def test_dockerfile_runs_as_a_user_who_may_write_its_volume_alone(recipe: Recipe) -> None:
    assert recipe.user == "1000"
    assert recipe.asked[2:] == ["useradd --uid 1000 --create-home vgg", f"chown 1000 {recipe.folder}/data"]
    assert recipe.values["VGG_DEMO_DATA"].startswith(f"{recipe.folder}/data/")


def test_dockerfile_starts_the_page_from_what_it_copied_and_its_check_answers(recipe: Recipe) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # as docker run --env would: another port, and an address that no other machine can reach
    values = {**recipe.values, "STREAMLIT_SERVER_PORT": str(port), "STREAMLIT_SERVER_ADDRESS": "127.0.0.1"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, **values, "PATH": path}
    env.pop("PYTHONPATH", None)

    def is_healthy() -> bool:
        check = ["sh", "-c", recipe.commands["check"]]
        return subprocess.run(check, env=env, capture_output=True, check=False).returncode == 0

    assert not is_healthy()
    log = recipe.folder / "log"
    with log.open("wb") as output:
        start = ["sh", "-c", recipe.commands["start"]]
        page = subprocess.Popen(start, cwd=recipe.app, env=env, stdout=output, stderr=output)
    try:
        wait_until(lambda: page.poll() is not None or is_healthy())
        with open_page(Server(recipe.folder, port), "tab=Draw") as viewer:
            assert viewer.load() > 10_000
        assert "Traceback" not in log.read_text("utf-8")
        assert (recipe.app / find_checkpoint("best").relative_to(PROJECT)).is_file()
    finally:
        page.terminate()
        page.wait(30)
