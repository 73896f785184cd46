"""What several test modules share: the digits, a launched Fabric, a home of its own for runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from filelock import FileLock
from lightning_fabric import Fabric

from tests.helpers import PAGE, PROJECT, RunsHere, processes, wait_until
from vgg_demo.data import Digits, load_mnist
from vgg_demo.presets import PRESETS
from vgg_demo.runs.cost import record_speed
from vgg_demo.runs.spawning import reap_children
from vgg_demo.runs.store import Run

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from tests.forked import ForkedWorker


def pytest_configure() -> None:
    """Several test processes train at a time: with one thread each, none waits for a core that another has. Words are
    English."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the processes that tests start
    os.environ["LANGUAGE"] = "en"  # whatever the machine's language is
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of several test processes, one has a whole file, which shares fixtures, and two have the tests with a browser,
    each with a server of its own: one those that train, which say so, and one all others. What takes longest begins
    first, so that all end at about the same time; what is trained once for all begins where no browser waits for it.
    """
    browser = PROJECT / "tests" / "e2e"
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    trained = {item.path for item in items if "story_run" in getattr(item, "fixturenames", ())}

    def place(item: pytest.Item) -> tuple[bool, bool, bool]:
        is_browser = item.path.is_relative_to(browser)
        return not is_browser, (item.path in trained) == is_browser, item.path not in slow

    items.sort(key=place)
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            is_browser = item.path.is_relative_to(browser)
            item.add_marker(pytest.mark.xdist_group("browser" if is_browser else str(item.path.relative_to(PROJECT))))


@pytest.fixture(scope="session")
def project() -> Path:
    """The folder of the repository."""
    return PROJECT


@pytest.fixture(scope="session")
def mnist() -> tuple[Digits, Digits]:
    """The 60,000 training and the 10,000 test digits."""
    return load_mnist()


@pytest.fixture(scope="session")
def fabric() -> Fabric:
    """One CPU, launched."""
    fabric = Fabric(accelerator="cpu", devices=1)
    fabric.launch()
    return fabric


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder that holds the runs of one test; what a test has left running in it is ended."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("VGG_DEMO_HOME", str(folder))
    yield folder
    for process in processes(folder):
        process.kill()
    wait_until(lambda: not processes(folder))
    reap_children()


@pytest.fixture(scope="session")
def fork_source() -> None:
    """Before a test changes the environment, such as how many threads there are: sums depend on it in the last bits."""
    from tests.forked import start_source

    start_source()


@pytest.fixture
def quick_workers(fork_source: None, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[ForkedWorker]]:
    """Workers that this process starts are forked from one that has loaded torch; those that were started so far."""
    from tests.forked import ForkedWorker

    workers: list[ForkedWorker] = []

    def spawn(_module: str, run_folder: str, *_attached: str, **_options: object) -> ForkedWorker:
        workers.append(ForkedWorker(run_folder))
        return workers[-1]

    monkeypatch.setattr("vgg_demo.runs.engines.local.spawn", spawn)
    yield workers
    for worker in workers:
        worker.end()


@pytest.fixture
def runs_here(home: Path, mnist: tuple[Digits, Digits], monkeypatch: pytest.MonkeyPatch) -> Iterator[RunsHere]:
    """Runs that need no process of their own, which would load torch for seconds."""
    monkeypatch.setattr("signal.signal", lambda *_: None)  # works in the main thread alone
    here = RunsHere(mnist[0])
    yield here
    here.end()


@pytest.fixture
def app(home: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page on an empty store, without a browser. It starts nothing in the background that would outlive a test:
    no measurement, as all presets' speeds are known, and no warm worker."""
    from streamlit.testing.v1 import AppTest

    from vgg_demo.ui.shared import jobs, resources
    from vgg_demo.ui.shared.code_attempts import code_attempts

    for preset in PRESETS.values():
        record_speed(preset.config, 0.02)
    monkeypatch.setattr(resources.Measuring, "ask", lambda self, config: None)
    monkeypatch.setattr(resources, "warm_up", lambda: None)
    jobs.memory.clear()  # what the test before has computed
    code_attempts.clear()  # and the wrong codes that it has tried
    return AppTest.from_file(PAGE, default_timeout=60)


# What makes torch compute as a processor with AVX2 only: its own kernels and oneDNN's. Each rounds in its own way, and
# a network that fails by a hair fails on one processor and learns on another.
AVX2_ONLY = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def story_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The preset blog-mini, trained to its end as on another processor, once for all test processes."""
    temporary = tmp_path_factory.getbasetemp()
    store = (temporary.parent if "PYTEST_XDIST_WORKER" in os.environ else temporary) / "story"
    run = Run(store / "blog-mini-1")
    with FileLock(f"{store}.lock"):  # whoever comes second waits for it
        if not run.path.exists():
            command = [sys.executable, "-m", "vgg_demo", "train", "--preset", "blog-mini"]
            environment = {**os.environ, **AVX2_ONLY, "VGG_DEMO_HOME": str(store)}
            subprocess.run(command, cwd=PROJECT, env=environment, check=True, capture_output=True)
    return run


@pytest.fixture(scope="session")
def checksums() -> dict[str, str]:
    """The md5 of MNIST's four raw files, typed from the project's design, not read from the code."""
    return {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    }
