"""The benchmark's server, and the viewer that it has instead of a browser."""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path

import psutil
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.benchmarks import sharing, startup
from tests.benchmarks.loads import load_rows
from tests.benchmarks.rows import Effort
from tests.benchmarks.server import Server, Viewer, add_steps, make_run, open_page, own_home
from tests.benchmarks.watching import alive, first_answer_rows, tick_rows
from tests.collection.hands import DIGITS, sketch
from tests.forked import ForkedWorker
from tests.helpers import TINY, wait_until
from vgg_demo.collection.store import open_collection
from vgg_demo.presets import PRESETS
from vgg_demo.runs.cost import estimate_seconds
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.store import home as runs_home


def test_own_home_is_empty_knows_all_speeds_and_goes_again(home: Path) -> None:
    with own_home() as own:
        assert runs_home() == own.resolve() != home
        assert all(estimate_seconds(preset.config) for preset in PRESETS.values())

    assert os.environ["VGG_DEMO_HOME"] == str(home)
    assert not own.exists()


def test_add_steps_goes_on_where_the_run_stands(home: Path) -> None:
    run, config = make_run("mine", 20, total_steps=50)

    add_steps(run, config, 20, 10)

    curve = RunReader(run).refresh()
    assert curve.steps == list(range(1, 31))
    assert curve.schedules == [(0, 50)]
    assert curve.damaged_lines == 0
    assert curve.losses[0] > curve.losses[-1]


def test_viewer_draws_for_a_collection(home: Path) -> None:
    collection = open_collection("3b")
    drawn = WidgetState(json_value=json.dumps({"drawing": {"raw": sketch(4, random.Random(0)), "data": None}}))

    with Server(home) as server, open_page(server, f"tab=Draw&collect={collection.id}") as viewer:
        viewer.load()
        asked = list(viewer.widgets)
        viewer.enter("class-", drawn)  # the canvas: class-ID
        viewer.press("send_drawing")
        asked_next = list(viewer.widgets)

    (kept,) = collection.contents().drawings.values()
    assert f"class-{kept.id}" in asked and f"class-{kept.id}" not in asked_next
    assert len(asked_next) == len(asked)  # with another canvas, for the next digit
    assert len(kept.strokes) == len(DIGITS[4])


def test_viewer_sees_a_run_tick_and_the_server_counts(home: Path) -> None:
    run, config = make_run("mine", 30, total_steps=1000)
    curve = list(tick_rows(run, config, 30, ticks=2))

    with alive(run), Server(home) as server:
        ticks = list(first_answer_rows(server, run, config, 30 + 3 * 5, ticks=2))
        loads = list(load_rows(server, (1, 2), runs=1))

    assert RunReader(run).refresh().steps == list(range(1, 56))  # 3 and 2 times 5 more
    assert run.status().state == "stopped"
    assert [len(row.values) for row in curve] == [2, 2]
    assert [len(row.values) for row in ticks] == [2, 1, 2]
    assert ticks[2].values[0] > curve[1].values[0]  # there are more points by then
    assert [len(row.values) for row in loads] == [1, 1, 2, 2]
    assert all(value > 0 for row in loads for value in row.values)


@pytest.mark.skipif(sys.platform != "linux", reason="only there a thread can be kept on a core")
def test_sharing_measures_both_ways_in_each_situation_and_ends_all(
    quick_workers: list[ForkedWorker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("tests.benchmarks.sharing.SECONDS", 0.0)  # too little time for a step
    monkeypatch.setattr("tests.benchmarks.sharing.SETTLE_SECONDS", 0.0)

    speeds = sharing.in_turns(TINY.with_changes(steps=1_000_000), rounds=1)

    assert len(speeds) == 6
    assert all(len(values) == 1 and values[0] > 0 for values in speeds.values())
    assert "OMP_PROC_BIND" not in os.environ
    assert len(quick_workers) == 4
    wait_until(lambda: all(worker.poll() is not None for worker in quick_workers))
    children = [child.as_dict(["cmdline"])["cmdline"] or [] for child in psutil.Process().children()]
    assert not any("while True: pass" in command for command in children)  # the busy program


def test_sharing_says_where_there_is_nothing_to_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    rows = list(sharing.measure(Effort(quick=True)))

    assert [row.values for row in rows] == [()]


class Recording:
    """A connection that answers with these messages, and remembers what was asked."""

    def __init__(self, messages: list[ForwardMsg]) -> None:
        self.answers = [message.SerializeToString() for message in messages]
        self.asked: list[BackMsg] = []

    def send(self, data: bytes) -> None:
        self.asked.append(BackMsg.FromString(data))

    def recv(self, timeout: float, decode: bool) -> bytes:
        return self.answers.pop(0)


def test_viewer_reads_to_the_end_of_a_page_that_asks_to_be_drawn_anew() -> None:
    anew, drawn, later = (ForwardMsg() for _ in range(3))
    anew.script_finished = ForwardMsg.FINISHED_EARLY_FOR_RERUN
    drawn.script_finished = ForwardMsg.FINISHED_SUCCESSFULLY
    connection = Recording([anew, drawn, later])

    size = Viewer(connection, "run=mine").load()  # type: ignore[arg-type]

    assert size == anew.ByteSize() + drawn.ByteSize()
    assert len(connection.answers) == 1
    assert [message.rerun_script.query_string for message in connection.asked] == ["run=mine"]


def test_page_rows_without_a_browser_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "BROWSERS", ("no-such-browser",))

    rows = list(startup.page_rows(1))

    assert [row.values for row in rows] == [(), ()]
    assert all("no browser" in row.note for row in rows)
