"""What a page that shows a run asks for once a second."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.benchmarks.server import ANSWER_SECONDS, Server
from tests.helpers import serving, wait_until
from tests.runs.test_reader import line
from tests.ui.train.test_diagnosis_view import SPREAD, STEADY, looked
from vgg_demo.config import RunConfig, TrainConfig
from vgg_demo.errors import QuestionError, RunError
from vgg_demo.runs.pinned import PinnedDigit, pin
from vgg_demo.runs.reader import Curve
from vgg_demo.runs.status import Status
from vgg_demo.runs.store import Run, create_run, get_run
from vgg_demo.ui.train import feed
from vgg_demo.ui.train.feed import TICK_SECONDS, TOKEN, UPLOT, UPLOT_URL, ceiling, page_key, routes, snapshot
from vgg_demo.ui.train.feed_question import Question, read_question

JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
KEYS = st.sampled_from(["runs", "smoothing", "turn", "rates", "followed", "token"]) | st.text(max_size=5)


@pytest.fixture
def run(home: Path) -> Run:
    """A run of 4 epochs of 250 steps that goes on: this process counts as its worker."""
    run = create_run(RunConfig(train=TrainConfig(epochs=4, batch_size=220, validation_images=5000)))
    run.update_status(state="running", pid=os.getpid())
    return run


def record(run: Run, *lines: str) -> None:
    with run.metrics_path.open("a") as file:
        file.writelines(lines)


def event(kind: str, **values: Any) -> str:
    return json.dumps({"event": kind, **values}) + "\n"


def test_snapshot_before_the_first_step_has_figures_and_no_points(run: Run) -> None:
    seen = snapshot(run)

    assert dict(seen["figures"]) == {
        "Step": "0 / 1,000", "Loss": "–", "Images per second": "–", "Left": "–"
    }  # fmt: skip
    assert seen["words"] == "Loss curve: no batch has been learned from yet."
    assert seen["steps"] == seen["losses"] == seen["smoothed"] == seen["accuracies"] == []
    assert (seen["total"], seen["progress"], seen["is_over"]) == (1000, 0, False)
    assert seen["epoch_marks"] == [(250, "1"), (500, "2"), (750, "3")]


def test_snapshot_of_a_run_with_pinned_digits_has_their_bars_and_answers(run: Run) -> None:
    assert snapshot(run)["pinned"] == []
    key = snapshot(run)["key"]
    seven, other = PinnedDigit(bytes(784), 7), PinnedDigit(bytes([9] * 784))
    pin(run, seven)
    pin(run, other)  # not measured yet
    assert snapshot(run)["key"] != key
    ten = [0.0] * 7 + [0.25, 0.75, 0.0]
    record(run, event("probabilities", step=3, digits=[{"id": seven.id, "probabilities": ten}]))

    (seen,) = snapshot(run)["pinned"]

    assert seen == {
        "id": seven.id,
        "bars": [0, 0, 0, 0, 0, 0, 0, 14, 42, 0],
        "answer": 8,
        "short": "8, 75.0 %",
        "words": "Your 7: read as 8, 75.0 %",
    }


def test_snapshot_holds_the_points_their_average_and_what_was_marked(run: Run) -> None:
    record(run, line(1, 2.0), line(2, 1.0), line(3, None), event("learning_rate", step=2, learning_rate=0.002))
    record(run, event("epoch", epoch=1, step=3, average_loss=1.5, val_accuracy=0.98765))

    seen = snapshot(run, smoothing=0.5, with_rates=True)

    assert (seen["steps"], seen["losses"]) == ([1, 2, 3], [2.0, 1.0, None])
    assert seen["smoothed"][:2] == pytest.approx([2.0, (0.5 * 2 + 1) / 1.5], rel=1e-4)  # weights 0.5 and 1
    assert seen["rates"] == [0.1, 0.1, 0.1]
    assert (seen["accuracy_steps"], seen["accuracies"]) == ([3], [98.765])
    assert seen["rate_changes"] == [(2, "0.002")]
    assert seen["progress"] == 0.003
    assert dict(seen["figures"])["Images per second"] == "1,000"  # 10 images each hundredth of a second
    assert snapshot(run)["rates"] is None
    json.dumps(seen, allow_nan=False)


def test_snapshot_says_about_how_long_is_left_and_corrects_it_while_it_trains(run: Run) -> None:
    step = {"epoch": 1, "loss": 1.0, "learning_rate": 0.1, "images": 220}
    for number, seconds, left in ((1, 3.0, None), (2, 6.0, "50 min"), (400, 45.8, None)):
        record(run, event("step", step=number, seconds=seconds, **step))
        if number == 400:  # the last ones took a tenth of a second each
            record(run, *(event("step", step=400 + n, seconds=45.8 + n / 10, **step) for n in range(1, 61)))
            left = "54 s"

        label, text = snapshot(run)["figures"][-1]

        assert label == f"Left, after {'52' if number == 400 else f'{seconds:.0f}'} s"
        assert text == (f"about {left}" if left else "–")


def test_snapshot_of_a_long_run_stays_small(run: Run) -> None:
    record(run, *(line(step, 2.3 / step) for step in range(1, 20_001)))

    size = len(json.dumps(snapshot(run, with_rates=True)))

    assert size < 60_000
    assert snapshot(run)["total"] == 20_000  # it went on past its end


def test_snapshot_after_steps_were_dropped_is_without_them(run: Run) -> None:
    record(run, line(1, 2.0), line(2, 1.0), line(3, 0.5))
    snapshot(run)
    run.metrics_path.write_text("")
    record(run, line(1, 2.0), line(2, 1.5))  # as after a death and a resumption

    seen = snapshot(run)

    assert seen["losses"] == [2.0, 1.5]


def test_snapshot_of_a_run_that_cannot_be_read_says_so(run: Run) -> None:
    run.config_path.write_text("{")

    with pytest.raises(RunError, match=r"config\.json cannot be read"):
        snapshot(run)


def test_page_key_changes_when_the_page_has_to_and_not_with_each_step(run: Run) -> None:
    status, curve = run.status(), Curve(steps=[1], losses=[2.3], seconds=[1.0])
    later = Curve(steps=[1, 2], losses=[2.3, 2.2], seconds=[1.0, 9.0])
    seen = replace(later, diagnoses=[looked(1, STEADY, SPREAD), looked(2, STEADY, SPREAD)])
    more = replace(seen, diagnoses=[*seen.diagnoses, looked(5, STEADY, SPREAD)])
    key = page_key(status, curve, is_followed=False)

    assert page_key(status, later, is_followed=False) == key
    assert page_key(status, later, is_followed=True) == page_key(status, curve, is_followed=True)
    assert page_key(status, seen, is_followed=False) != key  # it can be said that it learns
    assert page_key(status, more, is_followed=False) == page_key(status, seen, is_followed=False)
    assert page_key(status, more, is_followed=True) != page_key(status, seen, is_followed=True)
    assert page_key(status, Curve(), is_followed=False) != key
    assert page_key(status, Curve(steps=[1], losses=[2.3], damaged_lines=1), is_followed=False) != key
    assert page_key(Status("paused"), curve, is_followed=False) != key
    assert page_key(Status("paused"), curve, is_followed=False) == page_key(Status("paused"), later, is_followed=False)


def test_page_key_of_a_paused_run_changes_with_each_step_when_it_has_digits() -> None:
    curve, later = (
        Curve(steps=steps, losses=[2.3] * len(steps), seconds=[1.0] * len(steps)) for steps in ([1], [1, 2])
    )
    digits = (PinnedDigit(bytes(784), 7),)

    is_same = {
        state: page_key(Status(state), curve, False, digits) == page_key(Status(state), later, False, digits)
        for state in ("running", "paused")
    }

    assert is_same == {"running": True, "paused": False}


def test_ceiling_is_above_ln_10_and_follows_most_of_a_curve_that_lies_higher() -> None:
    assert ceiling(Curve(losses=[2.3] * 99 + [900.0])) == 3.0  # 2.3 × 1.1, to the next half; one peak does not count
    assert ceiling(Curve(losses=[0.1] * 10)) == 2.5
    assert ceiling(Curve(losses=[float("nan"), 8.0])) == 9.0
    assert ceiling(Curve()) == 2.5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VGG_DEMO_HOME", str(tmp_path_factory.mktemp("home")))
        with Server(Path(os.environ["VGG_DEMO_HOME"])) as server:
            yield server


@pytest.fixture
def served_run(server: Server, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("VGG_DEMO_HOME", str(server.home))
    run = create_run(RunConfig())
    record(run, line(1, 2.0), line(2, 1.0))
    return run


def test_feed_answers_with_the_snapshots_of_the_runs(server: Server, served_run: Run) -> None:
    with server.open_feed() as ask:
        names = [served_run.name, "no-such-run", "../../etc"]
        first = json.loads(ask(names, turn=7, smoothing=0.5, rates=True, followed=True))
        second = json.loads(ask([served_run.name], turn=8, smoothing=0.5))

    expected = json.loads(json.dumps(snapshot(served_run, 0.5, with_rates=True, is_followed=True)))
    assert first == {"turn": 7, "runs": [expected, None, None]}  # the others cannot be read
    assert second == {"turn": 8, "runs": [json.loads(json.dumps(snapshot(served_run, 0.5)))]}


def test_feed_answers_again_without_a_question_while_a_run_goes_on(server: Server, served_run: Run) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/feed") as feed:
        feed.send(json.dumps({"turn": 3, "runs": [served_run.name], "smoothing": 0}))
        first = json.loads(feed.recv(timeout=ANSWER_SECONDS))
        record(served_run, line(3, 0.5))
        while (again := json.loads(feed.recv(timeout=ANSWER_SECONDS))) == first:
            pass  # it was on its way before

        assert first["runs"][0]["steps"] == [1, 2]
        assert (again["runs"][0]["steps"], again["runs"][0]["losses"][-1]) == ([1, 2, 3], 0.5)
        assert again["turn"] == 3


def test_feed_of_a_run_that_stands_still_answers_once_a_second(server: Server, served_run: Run) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/feed") as feed:
        started = time.monotonic()
        feed.send(json.dumps({"runs": [served_run.name], "smoothing": 0}))
        answers = [json.loads(feed.recv(timeout=ANSWER_SECONDS)) for _ in range(4)]

        assert time.monotonic() - started > 2.9 * TICK_SECONDS
        assert [answer["runs"][0]["steps"] for answer in answers] == [[1, 2]] * 4  # as while it is paused


def test_feed_falls_silent_when_all_runs_are_over_or_none_is_asked_for(server: Server, served_run: Run) -> None:
    served_run.update_status(state="finished")
    for runs in ([served_run.name], []):
        with connect(f"ws://127.0.0.1:{server.port}/feed") as feed:
            feed.send(json.dumps({"runs": runs, "smoothing": 0}))
            assert len(json.loads(feed.recv(timeout=ANSWER_SECONDS))["runs"]) == len(runs)

            with pytest.raises(TimeoutError):
                feed.recv(timeout=2 * TICK_SECONDS)


def test_feed_says_once_that_a_run_is_gone_and_again_when_it_is_asked(
    server: Server, served_run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VGG_DEMO_HOME", str(server.home))
    served_run.update_status(state="running", pid=os.getpid())
    question = json.dumps({"runs": [served_run.name], "smoothing": 0})
    with connect(f"ws://127.0.0.1:{server.port}/feed") as feed:
        feed.send(question)
        assert json.loads(feed.recv(timeout=ANSWER_SECONDS))["runs"][0]["last_step"] == 2

        moved = served_run.path.rename(home / "elsewhere")
        while json.loads(feed.recv(timeout=ANSWER_SECONDS))["runs"] != [None]:
            pass  # what was said of it before
        moved.rename(served_run.path)
        with pytest.raises(TimeoutError):
            feed.recv(timeout=2 * TICK_SECONDS)  # it is back, and there was no question
        feed.send(question)

        assert json.loads(feed.recv(timeout=ANSWER_SECONDS))["runs"][0]["last_step"] == 2


def test_feed_looks_once_for_a_run_that_is_gone_beside_one_that_goes_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_for: list[str] = []
    monkeypatch.setattr(feed, "get_run", lambda name: (looked_for.append(name), get_run(name))[1])
    question, gone = Question((run.name, "no-such-run"), 0.9), set[str]()

    ticks = [feed._answer(question, gone)[1] for _tick in range(5)]

    assert looked_for.count("no-such-run") == 1
    assert looked_for.count(run.name) == 5
    assert None not in ticks


NONSENSE: dict[str, str | bytes] = {
    "empty": "",
    "a list": "[1]",
    "without runs": "{}",
    "runs are a number": '{"runs": 1, "smoothing": 0}',
    "runs are text": '{"runs": "classroom-1", "smoothing": 0}',
    "a name is a number": '{"runs": [1], "smoothing": 0}',
    "too many runs": '{"runs": ["a", "b", "c", "d", "e", "f", "g"], "smoothing": 0}',
    "smoothing is text": '{"runs": [], "smoothing": "much"}',
    "smoothing is true": '{"runs": [], "smoothing": true}',
    "smoothing is not a number": '{"runs": [], "smoothing": NaN}',
    "smoothing is infinite": '{"runs": [], "smoothing": 1e400}',
    "smoothing is too large": '{"runs": [], "smoothing": 1}',
    "smoothing has 5,000 digits": '{"runs": [], "smoothing": ' + 5_000 * "1" + "}",
    "turn has 4,000 digits": '{"runs": [], "smoothing": 0, "turn": ' + 4_000 * "1" + "}",
    "turn is an object": '{"runs": [], "smoothing": 0, "turn": {}}',
    "rates is a word": '{"runs": [], "smoothing": 0, "rates": "yes"}',
    "an unknown field": '{"runs": [], "smoothing": 0, "more": 1}',
    "deep": "[" * 100_000,
    "less deep": "[" * 4_000,
    "too long": '{"runs": [], "smoothing": 0}' + " " * 4_096,
    "20 MB": '{"runs": [], "smoothing": 0, "turn": "' + 20_000_000 * "x" + '"}',
    "binary": b'{"runs": [], "smoothing": 0}',
}


@pytest.mark.parametrize("question", NONSENSE.values(), ids=NONSENSE.keys())
def test_feed_asked_nonsense_closes_with_one_line_in_the_log(server: Server, question: str | bytes) -> None:
    log = server.home / "server.log"
    before = len(log.read_text("utf-8").splitlines())

    with connect(f"ws://127.0.0.1:{server.port}/feed") as feed, contextlib.suppress(ConnectionClosedError):
        feed.send(question)
        feed.recv(timeout=ANSWER_SECONDS)
        pytest.fail("it was answered")

    wait_until(lambda: len(log.read_text("utf-8").splitlines()) > before)
    (line,) = log.read_text("utf-8").splitlines()[before:]
    assert line.startswith("The feed closed a connection: ")
    assert len(line) < 200  # it does not say the question again
    assert feed.close_code in (1008, 1009)  # 1009: larger than any message to this server may be


@given(
    st.text(max_size=200)
    | st.recursive(JSON, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)).map(json.dumps)
)
def test_question_is_read_or_refused_with_its_own_error(text: str) -> None:
    try:
        question = read_question(text)
    except QuestionError as error:
        assert len(str(error)) < 120  # it has to fit into the frame that closes the socket
        return
    assert json.loads(json.dumps(asdict(question), allow_nan=False))
    assert 0 <= question.smoothing <= 0.99


@pytest.fixture
def feed_here(home: Path) -> Iterator[str]:
    """The address of a feed in this process."""
    with serving(routes("")) as address:
        yield f"{address}/feed"


@pytest.mark.parametrize("origin", ["http://school.example", "https://127.0.0.1:1234", "null"])
def test_feed_answers_a_page_of_this_server_under_any_name(feed_here: str, run: Run, origin: str) -> None:
    with connect(feed_here, origin=Origin(origin)) as feed:
        feed.send(json.dumps({"runs": [run.name], "smoothing": 0, "token": TOKEN}))

        assert json.loads(feed.recv(timeout=ANSWER_SECONDS))["runs"][0]["last_step"] == 0


@pytest.mark.parametrize("token", [None, "", "x" * 32, "\ud800", "ü"])
def test_feed_refuses_the_page_of_another_site(feed_here: str, run: Run, token: str | None) -> None:
    address = feed_here.replace("ws:", "http:").removesuffix("/feed")

    with connect(feed_here, origin=Origin(address)) as feed, pytest.raises(ConnectionClosedError) as refused:
        feed.send(json.dumps({"runs": [run.name], "smoothing": 0, "token": token}))
        feed.recv(timeout=ANSWER_SECONDS)

    assert refused.value.rcvd is not None
    assert (refused.value.rcvd.code, refused.value.rcvd.reason) == (
        1008, "it comes from another site, or from before the server started: load the page again"
    )  # fmt: skip


def test_feed_refuses_another_site_at_each_question(feed_here: str, run: Run) -> None:
    with connect(feed_here, origin=Origin("http://elsewhere")) as feed:
        feed.send(json.dumps({"runs": [run.name], "smoothing": 0, "token": TOKEN}))
        feed.recv(timeout=ANSWER_SECONDS)
        with pytest.raises(ConnectionClosedError):
            feed.send(json.dumps({"runs": [run.name], "smoothing": 0}))
            while True:
                feed.recv(timeout=ANSWER_SECONDS)


def test_server_gives_the_library_as_a_module(server: Server) -> None:
    library = server.read(UPLOT_URL).decode()

    assert library.startswith(UPLOT.read_text("utf-8")[:50])
    assert library.endswith("export default uPlot;\n")


@pytest.mark.parametrize(("base_path", "paths"), [
    ("", ["/feed", f"/{UPLOT_URL}"]),
    ("/class/", ["/class/feed", f"/class/{UPLOT_URL}"]),
])  # fmt: skip
def test_routes_lie_where_the_page_does(base_path: str, paths: list[str]) -> None:
    assert [route.path for route in routes(base_path)] == paths
