"""The server ends when it is asked to."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.benchmarks.server import Server, make_run, open_page

LONGEST_END = 5.0  # seconds, on a busy machine


def test_ctrl_c_ends_the_server_while_a_page_is_open(home: Path) -> None:
    run, _config = make_run("mine", 30)

    with Server(home) as server, open_page(server, f"run={run.name}") as viewer, server.open_feed() as ask:
        viewer.load()
        ask([run.name])
        server.process.send_signal(signal.SIGINT)
        server.process.wait(LONGEST_END)
