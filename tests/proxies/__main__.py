"""Try every case with nginx in front of real servers, and compare with what is expected: python -m tests.proxies

It takes about a quarter of an hour, needs Debian's nginx and chromium, and listens on this machine alone. The exit code
is 1 when a case differs from what tests/proxies/cases.py expects. With words, only cases whose names hold one of them.
"""

from __future__ import annotations

import itertools
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import BrowserContext, sync_playwright

from tests.benchmarks.server import Server, make_run, own_home
from tests.e2e.conftest import CHROMIUM_FLAGS, WIDE, empty
from tests.e2e.test_page import SEVEN
from tests.helpers import processes
from tests.proxies import nginx
from tests.proxies.away import absences
from tests.proxies.cases import ALLOWED, CASES, OPEN, Case
from tests.proxies.nginx import Nginx
from tests.proxies.origins import feed_answers, token_of_page
from tests.proxies.visit import frame_around, visit

NAMES = "--host-resolver-rules=MAP *.example 127.0.0.1"
WITHOUT_THIRD_PARTY_COOKIES = {"profile": {"block_third_party_cookies": True, "cookie_controls_mode": 1}}
OWN, SCHOOL, FOREIGN = "http://127.0.0.1:{port}", "http://school.example", "http://foreign.example"
ORIGINS = {  # by the server's options: which origins get the page
    (): [OWN],
    ALLOWED: [OWN, SCHOOL],
    OPEN: [OWN, SCHOOL, FOREIGN],
}
Row = tuple[str, dict[str, str], dict[str, str]]  # a case, what came of it, what was expected


def case_rows(context: BrowserContext, folder: Path, picture: Path, wanted: list[str]) -> Iterator[Row]:
    """The cases of one server after the other's."""
    chosen = [case for case in CASES if not wanted or any(word in case.name for word in wanted)]
    for options, cases in itertools.groupby(sorted(chosen, key=lambda case: case.options), lambda case: case.options):
        with own_home() as home, Server(home, options=options) as server:
            for case in cases:
                yield case.name, case_outcome(context, case, server, folder, picture), case.expected
                empty(server)


def case_outcome(context: BrowserContext, case: Case, server: Server, folder: Path, picture: Path) -> dict[str, str]:
    frame = partial(frame_around, case) if case.is_framed else lambda _port: ""
    upstream = f"127.0.0.1:{server.port}"
    with Nginx(folder / "case", upstream, case.locations, case.host, case.is_https, frame) as here:
        return visit(context, case, here.port, picture)


def away_rows(context: BrowserContext, folder: Path, picture: Path) -> Iterator[Row]:
    """What a network that goes away leaves."""
    with own_home() as home, Server(home) as server:
        for name, outcome in absences(context, server, folder, picture):
            yield name, {"after it": outcome}, {"after it": "works"}


def origin_rows() -> Iterator[Row]:
    """Who gets the feed: who gets the page, and nobody else."""
    for options, allowed in ORIGINS.items():
        with own_home() as home, Server(home, options=options) as server:
            run, _config = make_run("seen", 20)
            run.update_status(state="finished")
            for origin in (OWN, SCHOOL, FOREIGN):
                address = origin.format(port=server.port)
                token = token_of_page(server, run, address)
                says = {True: "works", False: "fails"}
                came = {
                    "page": says[token is not None],
                    "feed": says[feed_answers(server, run, address, token)],
                    "feed without the page": says[feed_answers(server, run, address, None)],
                }
                right = says[origin in allowed]
                expected = {"page": right, "feed": right, "feed without the page": "fails"}
                yield f"origin {origin.format(port='PORT')}, {' '.join(options) or 'no options'}", came, expected
            for process in processes(home):
                process.kill()


def rows(folder: Path, wanted: list[str]) -> Iterator[Row]:
    """All that is tried. wanted: words of names, "away" and "origin" among them; empty for all."""
    picture = folder / "seven.png"
    image = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(image).line(SEVEN[0], fill=0, width=22)
    image.save(picture)
    profile = folder / "profile" / "Default"
    profile.mkdir(parents=True)
    (profile / "Preferences").write_text(json.dumps(WITHOUT_THIRD_PARTY_COOKIES), "utf-8")
    if not wanted or "origin" in wanted:
        yield from origin_rows()
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile.parent,
            executable_path=shutil.which("chromium"),
            args=[*CHROMIUM_FLAGS, NAMES],
            ignore_https_errors=True,
            viewport=WIDE,
        )
        context.set_default_timeout(20_000)
        yield from case_rows(context, folder, picture, wanted)
        if not wanted or "away" in wanted:
            yield from away_rows(context, folder, picture)
        context.close()


def main(wanted: list[str]) -> int:
    """Print what came of each case; 1 when one is not as expected."""
    if nginx.PROGRAM is None or shutil.which("chromium") is None:
        print("Skipped: nginx or chromium is missing (apt-get install nginx-light chromium).")
        return 0
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="vgg-demo-proxies-") as folder:
        for name, came, expected in rows(Path(folder), wanted):
            wrong += came != expected
            parts = ", ".join(f"{step}: {said}" for step, said in came.items())
            print(f"{'as expected' if came == expected else 'DIFFERENT  '}  {name}: {parts}", flush=True)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
