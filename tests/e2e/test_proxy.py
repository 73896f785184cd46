"""The page behind a proxy that passes requests on under another name, as nginx does when nothing else is said; with a
network that goes away; and in a frame of another site. `python -m tests.proxies` tries more, with a real nginx."""

from __future__ import annotations

import re
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.benchmarks.server import Server, make_run
from tests.benchmarks.watching import alive
from tests.e2e.test_page import FOUR, LONG_TRAINING, canvas_box, draw, expect_answer, wait_for_step, wait_idle

pytestmark = pytest.mark.e2e

SILENCE = re.compile("The curve does not arrive: .* a proxy before it does not pass WebSocket connections on to http")

NO_COOKIE = "does not keep this page's cookie"


@dataclass
class Proxy:
    """Passes each connection on to a port of this machine. refused: a path that it does not pass on. is_away: it passes
    nothing on at all.
    """

    target: int
    refused: str | None = None
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    is_away: bool = False
    clients: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _address = self.listener.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def cut(self) -> None:
        """End all connections, and refuse others until is_away is set back."""
        self.is_away = True
        for client in self.clients:
            with suppress(OSError):  # it has ended by itself
                client.shutdown(socket.SHUT_RDWR)

    def _pass_on(self, client: socket.socket) -> None:
        self.clients.append(client)
        with client, suppress(OSError):
            if self.is_away:
                return
            head = b""
            while b"\r\n\r\n" not in head:
                if not (received := client.recv(65536)):
                    return
                head += received
            if self.refused and head.startswith(f"GET {self.refused} ".encode()):
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            head = re.sub(rb"(?mi)^Host: .*?\r$", b"Host: 127.0.0.1:%d\r" % self.target, head)
            head = re.sub(rb"(?mi)^Connection: keep-alive\r$", b"Connection: close\r", head)
            with closing(socket.create_connection(("127.0.0.1", self.target))) as server:
                server.sendall(head)
                threading.Thread(target=pump, args=(client, server), daemon=True).start()
                pump(server, client)


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes until the source ends."""
    with suppress(OSError):
        while received := source.recv(65536):
            sink.sendall(received)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def proxy_to(server: Server, refused: str | None = None) -> Iterator[Proxy]:
    proxy = Proxy(server.port, refused)
    threading.Thread(target=proxy.serve, daemon=True).start()
    yield proxy
    proxy.listener.shutdown(socket.SHUT_RDWR)
    proxy.listener.close()


def test_curve_works_behind_a_proxy_with_another_host(page: Page, server: Server) -> None:
    run, _config = make_run("proxied", 300, total_steps=1000)
    with alive(run), proxy_to(server) as proxy:
        page.goto(f"{proxy.url}/?tab=Train&run=proxied")

        assert wait_for_step(page, 300) == 300
        expect(page.get_by_text(SILENCE)).to_be_hidden()
        page.goto("about:blank")


def test_page_says_when_its_curve_is_refused_and_takes_it_when_it_is_not(page: Page, server: Server) -> None:
    run, _config = make_run("refused", 300, total_steps=1000)
    with alive(run), proxy_to(server, refused="/feed") as proxy:
        page.goto(f"{proxy.url}/?tab=Train&run=refused")
        expect(page.get_by_text(SILENCE)).to_be_visible()

        proxy.refused = None

        assert wait_for_step(page, 300) == 300
        expect(page.get_by_text(SILENCE)).to_be_hidden()
        page.goto("about:blank")


def test_strokes_drawn_while_the_network_is_away_are_read_when_it_is_back(page: Page, server: Server) -> None:
    with proxy_to(server) as proxy:
        page.goto(f"{proxy.url}/?tab=Draw")
        canvas_box(page)
        wait_idle(page)
        proxy.cut()
        page.locator('[data-testid="stApp"]:not([data-test-connection-state="CONNECTED"])').wait_for()

        draw(page, FOUR)
        proxy.is_away = False

        expect_answer(page, 4)
        page.goto("about:blank")


@pytest.fixture
def platform(server: Server, tmp_path: Path) -> Iterator[str]:
    """The address of a page that frames the page; for a browser localhost is another site than 127.0.0.1."""
    frame = f'<iframe src="{server.url}/?tab=Train&{LONG_TRAINING}" width="1200" height="850"></iframe>'
    (tmp_path / "platform.html").write_text(frame, "utf-8")
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield f"http://localhost:{listener.server_port}/platform.html"
        listener.shutdown()


def test_run_is_steered_after_a_reload_in_a_frame_of_another_site(
    page: Page, other: Page, server: Server, platform: str
) -> None:
    page.goto(platform)
    framed = page.frame_locator("iframe")
    framed.get_by_role("button", name="Start training").click()
    framed.get_by_role("button", name="Stop").wait_for()

    page.reload()
    framed.get_by_role("button", name="Stop").click()

    expect(framed.get_by_text(" · stopped")).to_be_visible()
    expect(framed.get_by_text(NO_COOKIE)).to_be_hidden()

    other.context.new_cdp_session(other).send("Emulation.setDocumentCookieDisabled", {"disabled": True})
    other.goto(server.url)
    expect(other.get_by_text(NO_COOKIE)).to_be_visible()  # as in a frame without https


def test_page_of_another_site_can_upload_nothing(server: Server) -> None:
    address = f"{server.url}/_stcore/upload_file/a-guess/a-file"
    foreign = {"Origin": "http://foreign.example", "Access-Control-Request-Method": "PUT"}

    asked = urllib.request.Request(address, method="OPTIONS", headers=foreign)
    with urllib.request.urlopen(asked) as answer:  # a browser asks this before, and sends nothing without a yes
        assert answer.headers.get("Access-Control-Allow-Origin") not in ("*", foreign["Origin"])
    with pytest.raises(urllib.error.HTTPError, match="400"):  # no page has this session
        urllib.request.urlopen(urllib.request.Request(address, method="PUT", data=b"", headers=foreign))
