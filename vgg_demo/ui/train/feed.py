"""What a page that shows a run gets once a second: its figures and its whole curve, as JSON, without a script run.

For 30 viewers of one run the feed takes 0.08 of a core of the server, where a script run for each, of 25 ms, would take
0.8. Sending only the points that are new, 1 kB instead of 11, took 0.06: not worth the state that it needs. Measured
as the server's CPU seconds beside 30 sockets without browsers, on two cores of an AMD EPYC, for runs of 1,000 and 6,000
steps that grow by 40 steps a second.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import math
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from vgg_demo.config import RunConfig
from vgg_demo.errors import QuestionError, RunError, RunNotFoundError
from vgg_demo.language import of_environment, speaking
from vgg_demo.runs.pinned import PinnedDigit, pinned_digits
from vgg_demo.runs.reader import Curve, images_per_second
from vgg_demo.runs.status import Status
from vgg_demo.runs.store import Run, get_run
from vgg_demo.text import _, format_duration
from vgg_demo.ui.shared import resources
from vgg_demo.ui.train import pinned_tiles
from vgg_demo.ui.train.feed_question import Question, read_question

UPLOT = Path(__file__).with_name("vendor") / "uplot-1.6.32.min.js"
UPLOT_URL = f"assets/{UPLOT.name}"
FEED_URL = "feed"
MOST_EPOCH_MARKS = 60
TICK_SECONDS = 0.97  # from an answer to the next: with the time that it takes, a second
FIRST_TICK_SECONDS = 0.1  # until there is a first point
POLICY_VIOLATION = 1008  # of RFC 6455
TOKEN = secrets.token_urlsafe(24)  # of this server; the page gets it, and no other site can read it there

logger = logging.getLogger(__name__)


def snapshot(run: Run, smoothing: float = 0.9, with_rates: bool = False, is_followed: bool = False) -> dict[str, Any]:
    """Everything that a tick shows. Raises RunError when the run cannot be read.

    smoothing: of the bold line, 0 to below 1. with_rates: the learning rate, too. is_followed: as of page_key. The
    curve has at most about a thousand points, as many as a chart is wide.
    """
    config, status = run.config(), run.status()
    curve = resources.run_reader(str(run.path)).refresh()
    total = config.train.total_steps
    places = curve.places()
    smoothed = curve.smoothed(smoothing)
    return {
        "key": page_key(status, curve, is_followed, pinned_digits(run)),
        "is_over": status.is_over,
        "progress": min(1.0, curve.last_step / total),
        "figures": figures(status, config, curve),
        "words": loss_in_words(curve, total),
        "total": max(total, curve.last_step),
        "last_step": curve.last_step,
        "ceiling": ceiling(curve),
        "steps": [curve.steps[place] for place in places],
        "losses": _short(curve.losses, places),
        "smoothed": _short(smoothed, places),
        "rates": _short(curve.learning_rates, places) if with_rates else None,
        "accuracy_steps": [step for step, _accuracy in curve.val_accuracies],
        "accuracies": [round(100 * accuracy, 3) for _step, accuracy in curve.val_accuracies],
        "epoch_marks": epoch_marks(total, config.train.steps_per_epoch),
        "rate_changes": [(step, f"{rate:g}") for step, rate in curve.learning_rate_changes],
        "pinned": pinned_tiles.latest_rows(run, curve),
    }


def page_key(status: Status, curve: Curve, is_followed: bool, pinned: tuple[PinnedDigit, ...] = ()) -> str:
    """Changes when the page around the curve has to be drawn again.

    is_followed: figures of the run are shown below the curve, so that the page changes with each diagnosis.
    """
    verdict = curve.verdict
    findings = [finding.kind for finding in verdict.findings] if verdict else None
    parts: list[object] = [status.identity, status.state, bool(curve.steps), bool(curve.damaged_lines), findings]
    if is_followed or not (verdict is None or verdict.is_healthy):  # what is wrong is said with its figures
        parts.append(len(curve.diagnoses))
    parts.extend((digit.id, digit.label) for digit in pinned)
    if pinned and status.state == "paused":  # their steps are played back, also those that were added one by one
        parts.append(curve.last_step)
    return "|".join(str(part) for part in parts)


def figures(status: Status, config: RunConfig, curve: Curve) -> list[tuple[str, str]]:
    """Step, loss, speed, time: what each is called, and how it stands."""
    step, total, speed = curve.last_step, config.train.total_steps, images_per_second(curve)
    time = _("Time taken"), format_duration(curve.seconds[-1]) if curve.seconds else "–"
    if status.is_active:
        left = seconds_left(config, curve)
        label = _("Left, after {elapsed}").format(elapsed=time[1]) if curve.seconds else _("Left")
        time = label, "–" if left is None else _("about {left}").format(left=format_duration(left))
    return [
        (_("Step"), f"{step:,} / {total:,}"),
        (_("Loss"), f"{curve.smoothed_loss:.3f}" if step else "–"),
        (_("Images per second"), f"{speed:,.0f}" if speed else "–"),
        time,
    ]


def seconds_left(config: RunConfig, curve: Curve) -> float | None:
    """How long the run still takes at the speed of its last seconds; None before it has one."""
    speed = images_per_second(curve)
    return (config.train.total_steps - curve.last_step) * config.train.batch_size / speed if speed else None


def loss_in_words(curve: Curve, total_steps: int) -> str:
    """The loss curve for someone who cannot see it."""
    if not curve.steps:
        return _("Loss curve: no batch has been learned from yet.")
    text = _("Loss curve: step {step} of {total}. The loss began at {first:.2f} and is now {last:.2f}, smoothed.")
    return text.format(step=curve.steps[-1], total=total_steps, first=curve.losses[0], last=curve.smoothed_loss)


def ceiling(curve: Curve) -> float:
    """The top of the loss axis: a little above ln 10, or higher when much of the curve lies there."""
    first = max(0, len(curve.losses) - 5000)
    every = 1 + (len(curve.losses) - first) // 1000  # a thousand are enough, and always the same ones
    losses = np.asarray(curve.losses[first - first % every :: every])
    finite = losses[np.isfinite(losses)]
    high = float(np.quantile(finite, 0.95, method="lower")) if len(finite) else 0.0
    return max(2.5, min(math.ceil(high * 2.2) / 2, 20.0))


def epoch_marks(total_steps: int, steps_per_epoch: int) -> list[tuple[int, str]]:
    """The step after which each epoch but the last ends, with its number; none when there are very many."""
    if total_steps > MOST_EPOCH_MARKS * steps_per_epoch:
        return []
    return [(step, str(step // steps_per_epoch)) for step in range(steps_per_epoch, total_steps, steps_per_epoch)]


def _short(values: list[float], places: list[int]) -> list[float | None]:
    """The values at these places, with the digits that can be seen; None for what is no number."""
    return [float(f"{values[place]:.5g}") if math.isfinite(values[place]) else None for place in places]


async def _answer_feed(socket: WebSocket) -> None:
    await answer_over(socket, _answer_questions)


async def answer_over(socket: WebSocket, answer: Callable[[WebSocket], Awaitable[None]]) -> None:
    """Answer over a socket that stays open; it is closed after a QuestionError, with a line in the log."""
    await socket.accept()
    try:
        await answer(socket)
    except WebSocketDisconnect:
        return
    except QuestionError as error:
        logger.warning("The feed closed a connection: %s", error)
        await socket.close(POLICY_VIOLATION, str(error))


async def _answer_questions(socket: WebSocket) -> None:
    """Answer a question, and again with each tick, until the next question. Raises QuestionError, WebSocketDisconnect.

    The answer is {"turn", "runs"}: a snapshot of each run, or None where it cannot be read. There is no further answer
    once all runs are over or gone, and a run that is gone is not looked for again until the next question.
    """
    question, gone, tick = Question((), 0.0), set[str](), None  # gone: runs that were not there since the question
    asked = asyncio.create_task(_receive(socket))
    try:
        while True:
            await asyncio.wait([asked], timeout=tick)
            if asked.done():
                question, gone = asked.result(), set()
                asked = asyncio.create_task(_receive(socket))
            answer, tick = await run_in_threadpool(_answer, question, gone)
            await socket.send_text(answer)
    finally:
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)  # else the log shows an exception that was not retrieved


async def _receive(socket: WebSocket) -> Question:
    """The next question. Raises QuestionError, and WebSocketDisconnect."""
    question = read_question(await receive_text(socket))
    require_token(socket, question.token)
    return question


async def receive_text(socket: WebSocket) -> str | None:
    """The next message, None for a binary one. Raises WebSocketDisconnect."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    text: str | None = message.get("text")
    return text


def require_token(socket: WebSocket, token: str | None) -> None:
    """Raise QuestionError when a browser's page is another site's.

    The browser's Origin cannot be compared with this server's name, which differs behind a proxy. So a page proves with
    TOKEN that it is from this server.
    """
    is_browser = "origin" in socket.headers
    if is_browser and not hmac.compare_digest((token or "").encode("utf-8", "replace"), TOKEN.encode()):
        raise QuestionError("it comes from another site, or from before the server started: load the page again")


def _answer(question: Question, gone: set[str]) -> tuple[str, float | None]:
    """The answer, and the seconds until the next one, None for never. gone: runs not to look for; it grows."""
    with speaking(question.language or of_environment()):
        runs = [_snapshot_of(name, question, gone) for name in question.runs]
    answer = json.dumps({"turn": question.turn, "runs": runs})
    if all(run["is_over"] if run else name in gone for name, run in zip(question.runs, runs, strict=True)):
        return answer, None
    return answer, FIRST_TICK_SECONDS if runs[0] and not runs[0]["last_step"] else TICK_SECONDS


def _snapshot_of(name: str, question: Question, gone: set[str]) -> dict[str, Any] | None:
    if name in gone:
        return None
    try:
        return snapshot(get_run(name), question.smoothing, question.rates, question.followed)
    except RunNotFoundError:
        gone.add(name)
    except RunError:
        pass  # it is there, and may become readable
    return None


def _get_uplot(_request: Request) -> Response:
    script = UPLOT.read_text("utf-8") + "\nexport default uPlot;\n"  # as a module, which a component can import
    return Response(script, media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})


def base_of(base_path: str) -> str:
    """The beginning of all paths: "" for a page at the top of the address."""
    return f"/{base_path.strip('/')}" if base_path.strip("/") else ""


def routes(base_path: str) -> list[BaseRoute]:
    """What the server answers beside the page. base_path: where the page lies, "" for the top of the address."""
    base = base_of(base_path)
    return [WebSocketRoute(f"{base}/{FEED_URL}", _answer_feed), Route(f"{base}/{UPLOT_URL}", _get_uplot)]
