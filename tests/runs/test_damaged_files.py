"""Whatever stands in the files of a run, it is that run's sentence, and nothing else's."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from tests.helpers import TINY
from vgg_demo.errors import RunError
from vgg_demo.export.run_files import curve_csv, run_script
from vgg_demo.runs.class_settings import ClassSettings, Lead, read_class_settings
from vgg_demo.runs.control import Control
from vgg_demo.runs.cost import estimate_seconds, record_speed
from vgg_demo.runs.pinned import PinnedDigit, pinned_digits
from vgg_demo.runs.processes import is_alive
from vgg_demo.runs.queue import readable, waiting
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.reveals import add_reveal, count_reveals
from vgg_demo.runs.store import Run, create_run, list_runs
from vgg_demo.ui.train.feed import _answer as answer
from vgg_demo.ui.train.feed_question import Question
from vgg_demo.ui.train.pinned_charts import story_in_words, ten_lines
from vgg_demo.ui.train.pinned_tiles import latest_rows
from vgg_demo.ui.train.queue_place import place_and_wait
from vgg_demo.ui.train.runs_list import describe

DEEP = "[" * 100_000
any_file = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([-1, 0, 2**31, 2**64, 10**400, 1e300, -1e300, 1e-300, float("nan"), float("inf"), "x", "\ud800"])
    | st.floats()
    | st.text(max_size=5)
)
anything = st.recursive(
    scalars, lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=5), parts, max_size=3)
)

LAYER = {"name": "conv 1", "signal": 1.0, "gradient": 0.1, "update": 0.01, "silent": 0.0}
PINNED = PinnedDigit(bytes(784), 7)
STATUS = {
    "id": "a", "state": "running", "created": 1.0, "started": 2.0, "ended": None, "pid": 2, "pid_started": 3.0,
    "reason": "why", "control_from": 0, "result": {"val_accuracy": 0.5, "average_loss": 1.0}, "owner": "me",
    "queued": 1.0,
}  # fmt: skip
EVENTS: list[dict[str, Any]] = [
    {"event": "schedule", "step": 0, "total_steps": 10},
    {"event": "diagnosis", "step": 0, "image_signal": 1.0, "layers": [LAYER, LAYER], "answers": [1] * 10,
     "shown": [1] * 10, "accuracy": 0.1, "loss": 2.3, "cost_seconds": 0.1, "training_seconds": 0.2},
    {"event": "step", "step": 1, "epoch": 1, "loss": 2.3, "learning_rate": 0.1, "images": 8, "seconds": 0.1},
    {"event": "step", "step": 2, "epoch": 1, "loss": 2.2, "learning_rate": 0.1, "images": 8, "seconds": 0.2},
    {"event": "learning_rate", "step": 2, "learning_rate": 0.2},
    {"event": "epoch", "step": 2, "epoch": 1, "average_loss": 2.2, "val_loss": 2.1, "val_accuracy": 0.3},
    {"event": "probabilities", "step": 2, "digits": [{"id": PINNED.id, "probabilities": [0.1] * 10}]},
]  # fmt: skip


def changed(table: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The table with one value of another kind, or without it."""

    def change(name: str, value: Any, is_gone: bool) -> dict[str, Any]:
        rest = {key: old for key, old in table.items() if key != name}
        return rest if is_gone else {**rest, name: value}

    return st.builds(change, st.sampled_from(sorted(table)), anything, st.booleans())


@pytest.fixture
def good(home: Path) -> Run:
    """A run that nothing is wrong with."""
    return create_run(TINY, "good")


def assert_the_others_go_on(good: Run) -> None:
    """The list, the queue, the feed and each run open, and the good run is in all of them."""
    runs = list_runs()
    assert good in runs
    rows = {run.name: describe(run) for run in runs}
    assert rows["good"]["state"] == "waiting"
    json.dumps(rows).encode()
    assert good in [run for run, _status in readable()]
    assert good in waiting()
    place_and_wait(good)
    question = Question(("bad", "good"), 0.9, turn=1, rates=True, followed=True)
    text, _tick = answer(question, set())
    text.encode()
    answers = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert answers["runs"][1]["last_step"] == 0


def write(run: Run, file: str, content: str | bytes) -> None:
    path = run.path / file
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))


def open_run(run: Run) -> None:
    """All that is read of one run: a damaged file may only be a RunError."""
    for read in (run.config, run.status, lambda: count_reveals(run)):
        try:
            read()
        except RunError as error:
            assert len(str(error)) < 1000
    pinned_digits(run)
    curve = RunReader(run).refresh()
    latest_rows(run, curve)
    for seen in curve.probabilities.values():
        ten_lines(seen, 7), story_in_words(seen, 7), story_in_words(seen, None)
    curve.places(), curve.smoothed(0.5), curve.verdict, curve_csv(curve)
    compile(run_script(TINY, curve), "script", "exec")


@any_file
@given(st.one_of(changed(STATUS), anything).map(json.dumps) | st.binary(max_size=20) | st.just(DEEP))
def test_status_that_is_anything_spoils_itself_alone(good: Run, content: str | bytes) -> None:
    bad = Run(good.path.with_name("bad"))
    bad.path.mkdir(exist_ok=True)
    write(bad, "config.json", json.dumps(TINY.to_dict()))

    write(bad, "status.json", content)

    open_run(bad)
    assert_the_others_go_on(good)


@any_file
@given(
    st.one_of(
        changed(TINY.to_dict()),
        changed(TINY.to_dict()["model"]).map(lambda model: {**TINY.to_dict(), "model": model}),
        changed(TINY.to_dict()["train"]).map(lambda train: {**TINY.to_dict(), "train": train}),
        anything,
    ).map(json.dumps)
    | st.just(DEEP)
)
def test_config_that_is_anything_spoils_itself_alone(good: Run, content: str) -> None:
    bad = Run(good.path.with_name("bad"))
    bad.path.mkdir(exist_ok=True)
    write(bad, "status.json", json.dumps(STATUS))

    write(bad, "config.json", content)

    open_run(bad)
    assert_the_others_go_on(good)


@any_file
@given(st.lists(st.one_of([st.just(event) for event in EVENTS] + [changed(event) for event in EVENTS] + [anything])))
def test_events_that_are_anything_spoil_themselves_alone(good: Run, events: list[Any]) -> None:
    bad = Run(good.path.with_name("bad"))
    bad.path.mkdir(exist_ok=True)
    write(bad, "config.json", json.dumps(TINY.to_dict()))
    write(bad, "status.json", json.dumps({**STATUS, "state": "stopped"}))

    write(bad, "metrics.jsonl", "".join(json.dumps(event) + "\n" for event in events))

    open_run(bad)
    assert_the_others_go_on(good)


@any_file
@given(
    st.lists(
        changed({"command": "pin", **PINNED.to_dict()}) | changed({"command": "unpin", "id": PINNED.id}) | anything
    )
)
def test_commands_that_are_anything_pin_only_what_is_a_digit(good: Run, commands: list[Any]) -> None:
    bad = Run(good.path.with_name("bad"))
    bad.path.mkdir(exist_ok=True)
    write(bad, "config.json", json.dumps(TINY.to_dict()))
    write(bad, "status.json", json.dumps(STATUS))

    write(bad, "control.jsonl", "".join(json.dumps(command) + "\n" for command in commands))

    assert all(len(digit.pixels) == 784 and digit.label in (None, *range(10)) for digit in pinned_digits(bad))
    open_run(bad)
    assert_the_others_go_on(good)


@pytest.mark.parametrize("file", ["status.json", "config.json", "metrics.jsonl", "control.jsonl", "test_reveals.json"])
@pytest.mark.parametrize("what", ["folder", "deep", "large", "no text"])
def test_file_that_is_none_of_its_kind_spoils_itself_alone(good: Run, file: str, what: str) -> None:
    bad = create_run(TINY, "bad")
    (bad.path / file).unlink(missing_ok=True)
    if what == "folder":
        (bad.path / file).mkdir()
    else:
        write(
            bad, file, {"deep": DEEP + "\n", "large": "[" + "0," * 600_000 + "0]\n", "no text": b"\xff\xfe\x00\n"}[what]
        )

    open_run(bad)

    if file != "config.json" or what != "folder":  # a folder without config.json is no run
        assert "bad" in [run.name for run in list_runs()]
    assert_the_others_go_on(good)


def test_reader_counts_what_is_no_event_and_keeps_the_rest(good: Run) -> None:
    step = EVENTS[2]
    lines = [step, {**step, "step": float("inf")}, {**step, "step": 2, "seconds": float("nan")}, {"event": "epoch"},
             {**step, "step": 1}, {**step, "step": 2}, DEEP]  # fmt: skip
    good.metrics_path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines))

    curve = RunReader(good).refresh()

    assert (curve.steps, curve.damaged_lines) == ([1, 2], 5)


CLASS = ClassSettings(True, ("draw",), lead=Lead("1", "a"))


@any_file
@given(st.one_of(changed(asdict(CLASS)), anything).map(json.dumps) | st.just(DEEP))
def test_class_settings_that_are_anything_are_settings_all_the_same(good: Run, content: str) -> None:
    (good.path.parent / ".class.json").write_text(content)

    assert isinstance(read_class_settings(), ClassSettings)
    assert type(read_class_settings().queue_paused) is bool


@any_file
@given(anything.map(json.dumps) | anything.map(lambda value: json.dumps({"abc": value})) | st.just(DEEP))
def test_stored_speeds_that_are_anything_are_measured_again(good: Run, content: str) -> None:
    (good.path.parent / ".speed.json").write_text(content)

    assert estimate_seconds(TINY) is None
    record_speed(TINY, 0.5)
    assert estimate_seconds(TINY) == pytest.approx(0.5 * TINY.train.total_steps)


def test_one_stored_speed_that_is_no_number_spoils_no_other(good: Run) -> None:
    record_speed(TINY, 0.5)
    path = good.path.parent / ".speed.json"
    speeds = json.loads(path.read_text())
    path.write_text(json.dumps({**speeds, "other": "x", "another": [1], "nan": float("nan")}))

    assert estimate_seconds(TINY) == pytest.approx(0.5 * TINY.train.total_steps)


@any_file
@given(st.one_of(changed({"reveals": []}), anything).map(json.dumps) | st.just(DEEP))
def test_reveals_that_are_anything_are_counted_from_there(good: Run, content: str) -> None:
    write(good, "test_reveals.json", content)

    before = count_reveals(good)

    assert add_reveal(good, "abc") == before + 1


@pytest.mark.parametrize("line", [DEEP, '{"command": "learning_rate", "value": 1e999}', '{"command": []}', "7", "\x00"])
def test_command_that_is_anything_is_passed_over(good: Run, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    control = Control(good)
    write(good, "control.jsonl", line + "\n" + '{"command": "stop"}\n')

    control.poll()

    assert (control.stop_asked, control.learning_rate) == (True, None)


@pytest.mark.parametrize("pid", [-1, 0, -77])
def test_number_that_is_no_process_is_never_asked_for(pid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "Process", lambda pid: pytest.fail(f"process {pid} was looked up"))

    assert not is_alive(pid, None)


@pytest.mark.parametrize("pid", [-1, 0, "x", 1.5, [], True, 2**40])
def test_status_with_a_number_that_is_no_process_says_so(good: Run, pid: object) -> None:
    write(good, "status.json", json.dumps({**STATUS, "pid": pid}))

    with pytest.raises(RunError, match=r"good.*status\.json.*pid"):
        good.status()


@pytest.mark.parametrize("file", ["status.json", "config.json", "metrics.jsonl"])
@pytest.mark.parametrize("content", [DEEP, '{"pid": "x"}', '{"event": "step", "step": Infinity}\n{"event": "epoch"}\n'])
def test_page_with_a_damaged_run_shows_its_list_and_the_others(
    app: AppTest, good: Run, file: str, content: str
) -> None:
    good.update_status(state="stopped")
    bad = create_run(TINY, "bad")
    bad.update_status(state="stopped")
    write(bad, file, content)
    app.session_state["runs_list"] = True

    for shown in ("good", "bad"):
        app.query_params["run"] = shown
        app.run()

        assert not app.exception
        assert set(app.dataframe[0].value["run"]) == {"good", "bad"}
