"""Start-up from fresh processes. The files that they read are in the system's cache, as after a first start."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.rows import Effort, Row
from tests.benchmarks.server import Server, own_home
from vgg_demo.data import load_test
from vgg_demo.places import PROJECT

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


def measure(effort: Effort) -> Iterator[Row]:
    """The command line, the server, the page."""
    helps, predictions, pages = (5, 3, 1) if effort.quick else (15, 7, 5)
    yield Row("startup", "python -m vgg_demo --help", "s", command_seconds(["--help"], helps))
    with tempfile.TemporaryDirectory() as folder:
        path = write_digit(Path(folder) / "digit.png")
        seconds = command_seconds(["predict", str(path)], predictions)
    yield Row("startup", "predict of one image", "s", seconds)
    yield from page_rows(pages)


def command_seconds(arguments: list[str], count: int) -> tuple[float, ...]:
    """How long a command takes, start and end of its process included; one run goes before, for the cache."""
    seconds = []
    for _ in range(count + 1):
        started = time.perf_counter()
        command = [sys.executable, "-m", "vgg_demo", *arguments]
        subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - started)
    return tuple(seconds[1:])


def write_digit(path: Path) -> Path:
    """The first test digit as a picture of 280×280."""
    from PIL import Image

    Image.fromarray(load_test().images[0, 0].numpy()).resize((280, 280)).save(path)
    return path


def page_rows(count: int) -> Iterator[Row]:
    """A fresh server each time: when it answers, when a browser first paints, and when the page's heading is there."""
    paint, heading = "the page: first paint in a fresh server", "the page: its heading in a fresh server"
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        browser_path = None
    if browser_path is None:
        for what in (paint, heading):
            yield Row("startup", what, "s", (), "no browser; it takes playwright and chromium")
        return
    starts, paints, headings = [], [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=BROWSER_FLAGS)
        for _ in range(count):
            with own_home() as home, Server(home) as server:
                starts.append(server.seconds_to_start)
                painted, headed = first_paint(browser, server.url)
                paints.append(painted)
                headings.append(headed)
        browser.close()
    yield Row("startup", "streamlit run: until the server answers", "s", tuple(starts))
    yield Row("startup", paint, "s", tuple(paints), "the frame of the page; from opening its address")
    yield Row("startup", heading, "s", tuple(headings), "the page's own first words; from opening its address")


def first_paint(browser: Any, url: str) -> tuple[float, float]:
    """Seconds from opening the address to the first paint, and to the page's heading, in a new browser context."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    started = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.get_by_role("heading", name="VGG Demo").wait_for(timeout=60_000)
    headed = time.perf_counter() - started
    painted = page.wait_for_function(PAINT, timeout=60_000).json_value() / 1000
    context.close()
    return painted, headed
