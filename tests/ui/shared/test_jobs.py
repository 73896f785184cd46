"""Jobs: who may stop one, what ends one, and who waits for whom."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.benchmarks.server import Viewer
from tests.helpers import PROJECT, wait_until
from vgg_demo.ui.shared import jobs
from vgg_demo.ui.shared.jobs import Job, Page


def endless(progress: jobs.Progress) -> None:
    while True:
        progress(1, 10)
        time.sleep(0.01)


@pytest.fixture
def started() -> Iterator[Callable[..., Job]]:
    """Starts jobs, which are ended after the test."""
    made: list[Job] = []

    def start(*args: object, **options: bool) -> Job:
        made.append(Job(f"job {len(made)}", endless, *args, **options))  # type: ignore[arg-type]
        return made[-1]

    yield start
    for job in made:
        job.stop()
        job.wait(10)


def test_job_ends_when_the_last_of_its_pages_is_closed(
    started: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LEFT_SECONDS", 0.2)
    job, first, second = started(), Page(), Page()
    job.pages.add(first)
    job.pages.add(second)

    first.close()
    assert not job.wait(0.5)
    second.close()

    assert job.wait(10)
    assert job.is_stopped


def test_job_goes_on_for_a_page_that_is_soon_back(started: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LEFT_SECONDS", 1.0)
    job, before, after = started(), Page(), Page()
    job.pages.add(before)

    before.close()
    job.pages.add(after)

    assert not job.wait(1.5)


def test_job_that_waits_for_its_turn_ends_with_its_page(
    started: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LEFT_SECONDS", 0.2)
    first = started()
    wait_until(lambda: first.started)
    waiting, page = started(), Page()
    waiting.pages.add(page)

    page.close()

    assert waiting.wait(10)
    assert waiting.started is None


def test_upload_is_read_while_another_is_read_and_while_a_network_is_evaluated(started: Callable[..., Job]) -> None:
    evaluation = started()
    wait_until(lambda: evaluation.started)

    uploads = [started(takes_turns=False) for _student in range(3)]
    wait_until(lambda: all(job.started for job in uploads))
    next_evaluation = started()

    assert not next_evaluation.wait(0.3)
    assert next_evaluation.started is None  # networks are evaluated one at a time
    assert not any(job.is_over for job in [evaluation, *uploads])


SHOWS_A_JOB = """
import streamlit as st
from tests.ui.shared.test_jobs import endless
from vgg_demo.ui.shared import identity, jobs

st.session_state.setdefault("browser", "mine")
identity.take_role(st.session_state.get("is_teacher", False))
jobs.PATIENCE_SECONDS = 0.1
jobs.ask("shared", endless, "Go", "shared", at_once=True)
"""


def test_job_is_stopped_by_who_started_it_and_by_the_teacher() -> None:
    def page(browser: str, is_teacher: bool = False) -> AppTest:
        app = AppTest.from_string(SHOWS_A_JOB)
        app.session_state["browser"], app.session_state["is_teacher"] = browser, is_teacher
        return app.run()

    def stops(app: AppTest) -> bool:
        return any(button.label == "Stop" for button in app.button)

    jobs.memory.clear()
    owner, other, teacher = page("a"), page("b"), page("c", is_teacher=True)
    job = jobs.memory().job("shared")
    assert job is not None

    assert (stops(owner), stops(other), stops(teacher)) == (True, False, True)
    teacher.button(key="shared-stop").click().run()
    assert job.wait(10)
    assert job.is_stopped


COUNTS = """
import os, time
import streamlit as st
from pathlib import Path
from vgg_demo.ui.shared import jobs

jobs.LEFT_SECONDS, jobs.PATIENCE_SECONDS = 0.5, 0.1
st.session_state.setdefault("browser", "mine")
counted = Path(os.environ["COUNTED"])

def count(progress):
    while True:
        progress(1, 10)
        with counted.open("a") as file:
            file.write("x")
        time.sleep(0.05)

jobs.ask("count", count, "Go", "count", at_once=True)
"""


@contextmanager
def served(script: str, folder: Path) -> Iterator[int]:
    """A server of that script; yields its port."""
    (folder / "app.py").write_text(script, "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--server.headless=true", "--server.address=127.0.0.1", f"--server.port={port}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(folder / "app.py"), *options],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "COUNTED": str(folder / "counted")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        process.kill()
        process.wait()


@contextmanager
def opened(port: int) -> Iterator[None]:
    """The page, drawn in a browser that is there until the end, once the server is up."""
    sockets = []

    def is_up() -> bool:
        try:
            address = f"ws://127.0.0.1:{port}/_stcore/stream"
            sockets.append(connect(address, subprotocols=[Subprotocol("streamlit")], max_size=None))
        except (OSError, InvalidHandshake):
            return False
        return True

    wait_until(is_up)
    with sockets[0] as browser:
        threading.Thread(target=draw, args=(browser,), daemon=True).start()
        yield


def draw(browser: ClientConnection) -> None:
    """Ask for the page, and take what comes until the browser is closed."""
    with suppress(ConnectionClosed):
        Viewer(browser, "").load()


def test_job_of_a_page_that_is_closed_ends_on_the_server(tmp_path: Path) -> None:
    counted = tmp_path / "counted"

    def size() -> int:
        return counted.stat().st_size if counted.exists() else 0

    def stands_still() -> bool:
        before = size()
        time.sleep(1)
        return size() == before

    with served(COUNTS, tmp_path) as port:
        with opened(port):
            wait_until(lambda: size() > 40)  # for longer than it goes on without a page
        wait_until(stands_still)
