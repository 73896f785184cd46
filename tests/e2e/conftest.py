"""One real server for all browser tests, and Debian's chromium in front of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from tests.benchmarks.server import Server
from tests.helpers import kill, processes, run_of_shipped_network, wait_until
from vgg_demo.presets import PRESETS
from vgg_demo.runs.cost import record_speed
from vgg_demo.runs.store import Run

CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
LONGEST_WAIT = 30_000  # milliseconds that a page may take on a slow and busy machine
WIDE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
expect.set_options(timeout=LONGEST_WAIT)


@pytest.fixture(scope="session")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VGG_DEMO_HOME", str(home))
        for preset in PRESETS.values():  # known speeds: nothing is measured beside the tests
            record_speed(preset.config, 0.02)
    with Server(home) as server:
        yield server
    for process in processes(home):
        process.kill()


@pytest.fixture(autouse=True)
def server(running_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The server, whose store has no runs; the tests' own process works in that store, too."""
    if running_server.process.poll() is not None:
        running_server.start()  # the test before has ended it
    monkeypatch.setenv("VGG_DEMO_HOME", str(running_server.home))
    yield running_server
    empty(running_server)


def empty(server: Server) -> None:
    """End what a test has left, so that the next one's training does not wait for it; take away its runs and locks."""
    runs = [Run(path.parent) for path in server.home.glob("*/config.json")]
    for run in runs:
        if run.status().state == "queued":
            run.update_status(state="stopped")
    for run in runs:
        if run.is_active and run.status().pid != os.getpid():
            kill(run)
    wait_until(lambda: not processes(server.home))
    for run in runs:
        shutil.rmtree(run.path, ignore_errors=True)
    shutil.rmtree(server.home / ".collections", ignore_errors=True)
    (server.home / ".class.json").unlink(missing_ok=True)


@pytest.fixture
def trained_run(server: Server) -> Run:
    """A finished run with the shipped network's weights."""
    return run_of_shipped_network()


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


@pytest.fixture(scope="session")
def contexts(browser: Browser, running_server: Server) -> list[BrowserContext]:
    """Two browsers on a desk and one on a phone, which keep the page's own files from one test to the next. The first
    page of each stays: with none left, a browser ends what it has loaded, and the next page takes twice as long.
    """
    wide = [browser.new_context(viewport=WIDE) for _ in range(2)]
    found = [*wide, browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)]
    for context in found:
        context.set_default_timeout(LONGEST_WAIT)
        context.new_page().goto(f"{running_server.url}/_stcore/health")
    return found


def opened(context: BrowserContext) -> Iterator[Page]:
    """An empty page of somebody who has never been here."""
    context.clear_cookies()
    yield context.new_page()
    for page in context.pages[1:]:
        page.close()


@pytest.fixture
def page(contexts: list[BrowserContext], server: Server) -> Iterator[Page]:
    errors: list[str] = []
    for page in opened(contexts[0]):
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
    assert not errors


@pytest.fixture
def other(contexts: list[BrowserContext], server: Server) -> Iterator[Page]:
    """A second person's browser."""
    yield from opened(contexts[1])


@pytest.fixture
def phone(contexts: list[BrowserContext], server: Server) -> Iterator[Page]:
    yield from opened(contexts[2])
