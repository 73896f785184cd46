"""A real server on a free port and Debian's chromium in front of it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.helpers import PROJECT
from vgg_demo.presets import PRESETS
from vgg_demo.runs.cost import record_speed

CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
LONGEST_WAIT = 30_000  # milliseconds that a page may take on a slow and busy machine
expect.set_options(timeout=LONGEST_WAIT)


@dataclass
class Server:
    """A running page, with a store of its own."""

    home: Path
    port: int
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> float:
        """Start the server and wait until it answers; return how long that took, in seconds."""
        started = time.monotonic()
        command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless=true"]
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, f"--server.port={self.port}"],
                cwd=PROJECT,
                env={**os.environ, "VGG_DEMO_HOME": str(self.home)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while time.monotonic() - started < 60:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1):
                    return time.monotonic() - started
            except OSError:
                time.sleep(0.05)
        raise TimeoutError((self.home / "server.log").read_text())

    def kill(self) -> None:
        """End the server at once, as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def workers(home: Path) -> list[psutil.Process]:
    """The processes that work in this store."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(str(home) in part for part in process.info["cmdline"] or []):
            found.append(process)
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VGG_DEMO_HOME", str(home))
        for preset in PRESETS.values():  # known speeds: nothing is measured beside the tests
            record_speed(preset.config, 0.02)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = Server(home, free.getsockname()[1])
    server.start()
    yield server
    server.kill()
    for process in workers(home):
        process.kill()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("VGG_DEMO_REQUIRE_BROWSER"):
            pytest.fail("chromium is missing: apt-get install chromium")
        pytest.skip("chromium is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(LONGEST_WAIT)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors


@pytest.fixture
def phone(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    context.set_default_timeout(LONGEST_WAIT)
    yield context.new_page()
    context.close()
