"""The page behind a proxy that passes requests on under another name, as nginx does when nothing else is said."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, expect

from tests.benchmarks.server import Server, make_run
from tests.benchmarks.watching import alive
from tests.e2e.test_page import wait_for_step

pytestmark = pytest.mark.e2e

SILENCE = re.compile("The curve does not arrive: .* a proxy before it does not pass WebSocket connections on to http")


@dataclass
class Proxy:
    """Passes each connection on to a port of this machine. refused: a path that it does not pass on."""

    target: int
    refused: str | None = None
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def url(self) -> str:
        return f"http://localhost:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _address = self.listener.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, suppress(OSError):
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
