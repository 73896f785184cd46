"""The socket of the class: who is here, what the teacher changes, and the class's curves."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.benchmarks.server import make_run
from tests.benchmarks.watching import alive
from tests.helpers import TINY, python_calls, serving, wait_until
from vgg_demo.runs.class_settings import ClassSettings, Lead, change_class_settings, write_class_settings
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.store import create_run
from vgg_demo.ui.board import class_feed, class_runs
from vgg_demo.ui.board.class_feed import board_message, browsers, page_message, routes
from vgg_demo.ui.train.feed import TOKEN


@pytest.fixture
def address(home: Path) -> Iterator[str]:
    """The address of a class feed in this process."""
    with serving(routes("")) as address:
        yield f"{address}/class"


def ask(socket: ClientConnection, browser: str = "a", board: bool = False, token: str = TOKEN) -> dict[str, Any]:
    socket.send(json.dumps({"browser": browser, "board": board, "token": token}))
    return received(socket)


def received(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(socket.recv(timeout=10))
    return message


def test_page_is_told_what_the_teacher_changes_and_nothing_else(address: str) -> None:
    with connect(address) as page:
        before = ask(page)
        with pytest.raises(TimeoutError):
            page.recv(timeout=2.5)

        change_class_settings(lead=Lead("first", "the teacher", "Draw", "best"))
        led = received(page)
        change_class_settings(hidden=("settings",))
        locked = received(page)

    assert (before["lead"], before["place"]) == ("", "")
    assert (led["lead"], led["place"], led["rules"]) == ("first", "Draw/best", before["rules"])
    assert locked["rules"] != led["rules"]


def test_browsers_are_counted_once_each_while_their_pages_are_open(address: str) -> None:
    with ExitStack() as pages:
        for browser in ("a", "a", "b"):
            ask(pages.enter_context(connect(address)), browser)
        board = pages.enter_context(connect(address))
        assert ask(board, board=True)["browsers"] == 2
        last = pages.enter_context(connect(address))
        ask(last, "c")
        assert received(board)["browsers"] == 3
        last.close()
        assert received(board)["browsers"] == 2

    wait_until(lambda: browsers() == 0)


@pytest.mark.parametrize(
    "message",
    ["", "[]", "null", '{"browser": "a"}', '{"browser": 1, "board": false}', '{"browser": "a", "board": 1}',
     '{"browser": "a", "board": true, "wall": 1}', json.dumps({"browser": "x" * 5000, "board": True}), b"\x00"],
)  # fmt: skip
def test_class_feed_refuses_what_is_no_question(address: str, message: str | bytes) -> None:
    with connect(address) as page, pytest.raises(ConnectionClosedError) as refused:
        page.send(message)
        page.recv(timeout=10)

    assert refused.value.rcvd is not None
    assert refused.value.rcvd.code == 1008
    assert browsers() == 0


@pytest.mark.parametrize("token", ["", "x" * 32])
def test_class_feed_refuses_the_page_of_another_site(address: str, token: str) -> None:
    with connect(address, origin=Origin("http://elsewhere")) as page, pytest.raises(ConnectionClosedError):
        ask(page, token=token)


def test_board_shows_queue_and_thin_curves_of_what_was_trained(home: Path) -> None:
    make_run("over", 900)[0].update_status(state="finished")
    going, _config = make_run("going", 300, total_steps=600)
    for number in range(14):
        create_run(TINY, f"waits-{number:02}", owner="a")
    write_class_settings(ClassSettings(queue_paused=True))

    with alive(going):
        shown = json.loads(board_message())

    assert shown["training"] == [{"name": "going", "done": 0.5, "paused": False}]
    assert (len(shown["waiting"]), shown["more_waiting"], shown["finished"], shown["paused"]) == (12, 2, 1, True)
    curves = {run["name"]: run for run in shown["runs"]}
    assert set(curves) == {"over", "going"}
    whole = RunReader(class_runs.Run(home / "over")).refresh()
    thin = curves["over"]
    assert len(thin["steps"]) == len(thin["losses"]) <= 120
    assert thin["steps"][-1] == 900
    smoothed = dict(zip(whole.steps, whole.smoothed(0.9), strict=True))
    assert thin["losses"] == pytest.approx([smoothed[step] for step in thin["steps"]], rel=1e-3)
    assert thin["preset"] == "classroom"


def test_board_counts_all_that_have_finished_and_nothing_else(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = time.time() - 3600 * (class_runs.LESSON_HOURS + 1)
    for number, state in enumerate(("finished", "finished", "failed", "stopped")):
        create_run(TINY, f"over-{number}").update_status(state=state)
    create_run(TINY, "yesterday").update_status(state="finished", created=long_ago)
    monkeypatch.setattr(class_runs, "MOST_RUNS", 1)

    assert class_runs.overview(ClassSettings())["finished"] == 2


def test_class_feed_closes_a_socket_over_which_nothing_comes(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_feed, "FIRST_MESSAGE_SECONDS", 0.1)

    with connect(address) as page, pytest.raises(ConnectionClosedError) as refused:
        page.recv(timeout=10)

    assert refused.value.rcvd is not None
    assert refused.value.rcvd.code == 1008


def test_class_feed_answers_so_many_pages_and_keeps_places_for_boards(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(class_feed, "MOST_SOCKETS", 3)
    monkeypatch.setattr(class_feed, "KEPT_FOR_BOARDS", 1)

    with ExitStack() as pages:
        first, second = [pages.enter_context(connect(address)) for _ in range(2)]
        for page, browser in ((first, "a"), (second, "b")):
            ask(page, browser, False)
        pages.enter_context(connect(address))  # it says nothing, and takes nobody's place
        with connect(address) as more, pytest.raises(ConnectionClosedError) as refused:
            ask(more, "c")
        assert refused.value.rcvd is not None
        assert refused.value.rcvd.code == 1013  # Try Again Later
        assert refused.value.rcvd.reason == "too many pages are open already: close one, or try again later"
        assert browsers() == 2
        with connect(address) as board:
            assert "waiting" in ask(board, "teacher", True)
        first.close()
        wait_until(lambda: browsers() == 1)
        with connect(address) as later:
            assert "rules" in ask(later, "c")

    wait_until(lambda: browsers() == 0)
    wait_until(lambda: not class_feed._sockets)


def test_class_feed_answers_so_many_pages_of_one_browser(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_feed, "MOST_OF_A_BROWSER", 1)

    with connect(address) as page, connect(address) as more, connect(address) as other:
        ask(page, "a")
        with pytest.raises(ConnectionClosedError) as refused:
            ask(more, "a")
        assert refused.value.rcvd is not None
        assert refused.value.rcvd.code == 1013
        assert "rules" in ask(other, "b")


def test_class_feed_closes_the_first_of_many_silent_sockets(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_feed, "MOST_SILENT", 1)

    with connect(address) as silent:
        wait_until(lambda: class_feed._silent)
        with connect(address) as page:
            with pytest.raises(ConnectionClosedError):
                silent.recv(timeout=5)  # under the ten seconds that it has otherwise
            assert "rules" in ask(page, "a")


def test_board_message_is_made_once_for_all_boards(home: Path) -> None:
    make_run("over", 100)[0].update_status(state="finished")
    class_feed._board_message.cache_clear()

    def two_boards() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(class_feed.time, "monotonic", lambda: 5.0)
            board_message()
            board_message()

    assert python_calls(two_boards).count("overview") == 1


def test_page_message_reads_the_settings_only_when_they_have_changed(home: Path) -> None:
    write_class_settings(ClassSettings())
    page_message()

    assert "read_json" not in python_calls(page_message)
    write_class_settings(ClassSettings(preset="lesson"))
    assert "read_json" in python_calls(page_message)


def test_run_that_cannot_be_read_is_left_out_of_the_board(home: Path) -> None:
    good, bad = make_run("good", 50)[0], make_run("bad", 50)[0]
    for run in (good, bad):
        run.update_status(state="finished")
    bad.config_path.write_text("{")

    assert [run["name"] for run in class_runs.overview(ClassSettings())["runs"]] == ["good"]
