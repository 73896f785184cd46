"""A socket that every page holds open: what the teacher changes reaches it within a second, and sockets are counted.

A page's script runs again only when something has changed for it (class_link.js). The board gets, besides, all that
moves on it: who is here, the queue, and the curves of the class, which are read and thinned once for all boards.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from vgg_demo.errors import QuestionError
from vgg_demo.runs.class_settings import ClassSettings, class_version, read_class_settings
from vgg_demo.schema import Kind, flag, optional, text
from vgg_demo.ui.board import class_runs
from vgg_demo.ui.train.feed import answer_over, base_of, receive_text, require_token
from vgg_demo.ui.train.feed_question import read_fields

CLASS_URL = "class"
TICK_SECONDS = 1.0
FIRST_MESSAGE_SECONDS = 10.0  # a page sends it at once
MOST_SOCKETS = 500  # at a time; each costs the server's processor half a thousandth of its time
KEPT_FOR_BOARDS = 20  # of these
MOST_OF_A_BROWSER = 20
MOST_SILENT = 100  # that have not said yet who they are
TRY_AGAIN_LATER = 1013  # a close code that IANA lists; a page does so by itself
KINDS: dict[str, Kind] = {"browser": text, "board": flag, "token": optional(str)}
REQUIRED = {"browser", "board"}

_sockets: Counter[str] = Counter()  # pages and boards by browser; only the event loop changes these three
_open: Counter[str] = Counter()  # pages by browser
_silent: dict[WebSocket, asyncio.Timeout] = {}  # sockets over which nothing has come, in the order of their coming
_lock = threading.Lock()


def browsers() -> int:
    """How many browsers have the page open now; boards do not count."""
    return len(_open)


def state_of(settings: ClassSettings) -> dict[str, str]:
    """What tells a page that it has to be drawn again.

    rules: changes with what holds for all. lead: the lead's id, "" for none. place: changes with what the teacher
    shows.
    """
    lead = settings.lead
    rules = json.dumps([settings.queue_paused, settings.hidden, settings.preset])
    return {"rules": rules, "lead": lead.id if lead else "", "place": f"{lead.tab}/{lead.name}" if lead else ""}


@lru_cache(maxsize=1)
def _page_message(_version: tuple[int, int]) -> str:
    return json.dumps(state_of(read_class_settings()))


def page_message() -> str:
    """What a page gets: read again only when the file has changed."""
    return _page_message(class_version())


@lru_cache(maxsize=1)
def _board_message(_tick: int) -> str:
    settings = read_class_settings()
    return json.dumps({**state_of(settings), "browsers": browsers(), **class_runs.overview(settings)})


def board_message() -> str:
    """What a board gets: made once a tick, for all of them."""
    with _lock:
        return _board_message(int(time.monotonic() / TICK_SECONDS))


@contextmanager
def _counted(browser: str, counters: list[Counter[str]]) -> Iterator[None]:
    """Count a page or a board while it is open."""
    for counter in counters:
        counter[browser] += 1
    try:
        yield
    finally:
        for counter in counters:
            counter[browser] -= 1
            if not counter[browser]:
                del counter[browser]


async def _push(socket: WebSocket) -> None:
    """Send what changes until the page is closed, unless so many are open that the others would wait for it.

    Raises QuestionError, WebSocketDisconnect.
    """
    question: dict[str, Any] = read_fields(await _first_message(socket), KINDS, REQUIRED)
    require_token(socket, question.get("token"))
    browser, is_board = question["browser"][:64], question["board"]
    most = MOST_SOCKETS - (0 if is_board else KEPT_FOR_BOARDS)
    if _sockets.total() >= most or _sockets[browser] >= MOST_OF_A_BROWSER:
        await socket.close(TRY_AGAIN_LATER, "too many pages are open already: close one, or try again later")
        return
    with _counted(browser, [_sockets] if is_board else [_sockets, _open]):
        await _send_changes(socket, board_message if is_board else page_message)


async def _first_message(socket: WebSocket) -> str | None:
    """What a page sends at once. Of many sockets that say nothing, the first to come is closed.

    Raises QuestionError, WebSocketDisconnect.
    """
    if len(_silent) >= MOST_SILENT:
        _silent.pop(next(iter(_silent))).reschedule(0)
    try:
        async with asyncio.timeout(FIRST_MESSAGE_SECONDS) as _silent[socket]:
            return await receive_text(socket)
    except TimeoutError:
        raise QuestionError("nothing came over it") from None
    finally:
        _silent.pop(socket, None)


async def _send_changes(socket: WebSocket, message_of: Callable[[], str]) -> None:
    """Send a message each time that it is another one."""
    ended, sent = asyncio.create_task(receive_text(socket)), None
    try:
        while not ended.done():
            message = await run_in_threadpool(message_of)
            if message != sent:
                await socket.send_text(message)
                sent = message
            await asyncio.wait([ended], timeout=TICK_SECONDS)
    finally:
        ended.cancel()
        await asyncio.gather(ended, return_exceptions=True)  # else the log shows an exception that was not retrieved


async def _answer_class(socket: WebSocket) -> None:
    """Answer a page or a board."""
    await answer_over(socket, _push)


def routes(base_path: str) -> list[BaseRoute]:
    """What the server answers for the class. base_path: as of feed.routes."""
    return [WebSocketRoute(f"{base_of(base_path)}/{CLASS_URL}", _answer_class)]
