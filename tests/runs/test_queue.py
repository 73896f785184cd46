"""Which run trains next, and that it starts automatically."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forked import ForkedWorker
from tests.helpers import (
    PROJECT,
    TINY,
    RunsHere,
    kill,
    processes,
    steps,
    stop,
    wait_for_state,
    wait_for_step,
    wait_until,
)
from vgg_demo.errors import RunError
from vgg_demo.runs.class_settings import (
    ClassSettings,
    Lead,
    change_class_settings,
    read_class_settings,
    write_class_settings,
)
from vgg_demo.runs.cost import record_speed
from vgg_demo.runs.manager import dispatch, queue_run, withdraw_run
from vgg_demo.runs.queue import others_wait, slots, waiting
from vgg_demo.runs.status import Status
from vgg_demo.runs.store import Run, create_run, delete_run
from vgg_demo.runs.timing import StepTimes
from vgg_demo.ui.train.queue_place import place_and_wait

pytestmark = pytest.mark.usefixtures("home")


def entry(name: str, owner: str | None, queued: float = 0.0, state: str = "queued") -> tuple[Run, Status]:
    return Run(Path(name)), Status(state, owner=owner, queued=queued)


def order(*entries: tuple[Run, Status]) -> list[str]:
    return [run.name for run in waiting(list(entries))]


def test_waiting_runs_of_one_owner_start_in_the_order_they_came() -> None:
    assert order(entry("late", "a", 2), entry("early", "a", 1)) == ["early", "late"]


def test_owner_who_queues_once_comes_second_after_one_who_queues_three() -> None:
    entries = [entry("a1", "a", 1), entry("a2", "a", 2), entry("a3", "a", 3), entry("b1", "b", 4)]

    assert order(*entries) == ["a1", "b1", "a2", "a3"]


def test_owners_take_turns() -> None:
    entries = [entry(f"{owner}{n}", owner, n + offset) for n in (1, 2) for owner, offset in (("a", 0), ("b", 10))]

    assert order(*entries) == ["a1", "b1", "a2", "b2"]


@pytest.mark.parametrize("state", ["running", "paused"])
def test_owner_whose_run_goes_on_comes_after_one_who_came_later(state: str) -> None:
    entries = [entry("a0", "a", 0, state), entry("a1", "a", 1), entry("b1", "b", 2)]

    assert order(*entries) == ["b1", "a1"]


def test_runs_that_are_over_take_no_turn() -> None:
    over = [entry(state, "a", 0, state) for state in ("finished", "stopped", "failed")]

    assert order(*over, entry("a1", "a", 1), entry("b1", "b", 2)) == ["a1", "b1"]


def test_run_from_an_older_version_without_owner_and_time_waits_like_any_other() -> None:
    entries = [(Run(Path("old")), Status("queued")), entry("a1", "a", 1)]

    assert order(*entries) == ["old", "a1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, 1), ("1", 1), ("2", 2), ("16", 16), ("0", 1), ("-3", 1), ("two", 1), ("1.5", 1), ("", 1), ("²", 1)],
)
def test_slots_are_what_the_environment_says_and_one_for_nonsense(
    monkeypatch: pytest.MonkeyPatch, text: str | None, expected: int
) -> None:
    monkeypatch.delenv("VGG_DEMO_TRAININGS", raising=False)
    if text is not None:
        monkeypatch.setenv("VGG_DEMO_TRAININGS", text)

    assert slots() == expected


@pytest.mark.parametrize(("gpus", "expected"), [(0, 1), (1, 1), (4, 4)])
def test_slots_auto_is_one_for_each_gpu(monkeypatch: pytest.MonkeyPatch, gpus: int, expected: int) -> None:
    monkeypatch.setenv("VGG_DEMO_TRAININGS", "auto")
    monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)

    assert slots() == expected


@pytest.mark.parametrize("content", [None, "", "{", "[]", "null", '{"queue_paused": 1}'])
def test_class_settings_that_cannot_be_read_are_the_defaults(home: Path, content: str | None) -> None:
    if content is not None:
        (home / ".class.json").write_text(content)

    assert read_class_settings() == ClassSettings()


LEAD = Lead("1f", "a browser", "Train", "lesson-1")


def test_class_settings_written_are_read_back(home: Path) -> None:
    write_class_settings(ClassSettings(queue_paused=True, hidden=("settings", "draw"), preset="lesson", lead=LEAD))

    assert read_class_settings() == ClassSettings(
        queue_paused=True, hidden=("settings", "draw"), preset="lesson", lead=LEAD
    )


def test_class_settings_changed_keep_what_was_set_before(home: Path) -> None:
    write_class_settings(ClassSettings(queue_paused=True, preset="lesson"))

    change_class_settings(lead=LEAD)

    assert read_class_settings() == ClassSettings(queue_paused=True, preset="lesson", lead=LEAD)


@pytest.mark.parametrize(
    "wrong",
    [{"hidden": ["wall"]}, {"hidden": "draw"}, {"preset": "unheard-of"}, {"lead": {"id": "1f"}},
     {"lead": {"id": "1f", "leader": "a", "tab": "Board", "name": ""}}],
)  # fmt: skip
def test_class_settings_of_another_kind_are_the_defaults(home: Path, wrong: dict[str, object]) -> None:
    (home / ".class.json").write_text(json.dumps({"queue_paused": True, **wrong}))

    assert read_class_settings() == ClassSettings()


def test_paused_queue_starts_nothing_until_it_goes_on(quick_workers: list[ForkedWorker]) -> None:
    write_class_settings(ClassSettings(queue_paused=True))
    run = queue_run(TINY.with_changes(steps=5), "a")
    dispatch()
    assert run.status().state == "queued"
    assert quick_workers == []

    write_class_settings(ClassSettings())
    dispatch()

    wait_for_state(run, "finished")


def test_place_and_wait_adds_up_what_is_ahead(home: Path) -> None:
    config = TINY.with_changes(steps=100)
    record_speed(config, 0.5)  # 50 s a run
    first, second = create_run(config, owner="a"), create_run(config, owner="b")
    assert (place_and_wait(first), place_and_wait(second)) == ((1, 0.0), (2, 50.0))


def test_place_and_wait_with_two_slots_takes_half_as_long(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = TINY.with_changes(steps=100)
    record_speed(config, 0.5)
    monkeypatch.setenv("VGG_DEMO_TRAININGS", "2")
    runs = [create_run(config, owner=owner) for owner in "abc"]

    assert place_and_wait(runs[2]) == (3, 50.0)


def test_place_and_wait_of_what_was_never_measured_gives_the_place_alone(home: Path) -> None:
    create_run(TINY, owner="a")

    assert place_and_wait(create_run(TINY, owner="b")) == (2, None)


def test_waiting_time_is_known_as_soon_as_what_trains_has_recorded_its_speed(
    runs_here: RunsHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    cores_taken = [2.0]
    monkeypatch.setattr("vgg_demo.runs.worker.SAVE_EVERY_SECONDS", 0.2)
    monkeypatch.setattr("vgg_demo.runs.worker.StepTimes", lambda: StepTimes(lambda: cores_taken[0]))
    runs_here.start(TINY.with_changes(steps=1_000_000))
    second = queue_run(TINY, "b")
    assert place_and_wait(second) == (1, None)  # nothing has been measured undisturbed

    cores_taken[0] = 0.0

    wait_until(lambda: place_and_wait(second)[1] is not None)
    withdraw_run(second)


def test_withdrawn_run_never_starts(home: Path) -> None:
    write_class_settings(ClassSettings(queue_paused=True))
    run = queue_run(TINY, "a")
    assert waiting()

    withdraw_run(run)

    write_class_settings(ClassSettings())
    dispatch()
    assert run.status().state == "stopped"
    assert "withdrawn" in (run.status().reason or "")
    assert not waiting()
    assert processes(home) == []
    with pytest.raises(RunError, match="does not wait"):
        withdraw_run(run)


def test_waiting_run_cannot_be_deleted_before_it_is_withdrawn(home: Path) -> None:
    run = create_run(TINY)
    with pytest.raises(RunError):
        delete_run(run)

    withdraw_run(run)
    delete_run(run)

    assert not run.path.exists()


def test_second_run_waits_and_starts_by_itself_when_all_who_queued_are_gone(home: Path) -> None:
    configs = [TINY.to_dict(), TINY.with_changes(steps=5).to_dict()]
    code = (
        "from vgg_demo.config import RunConfig; from vgg_demo.runs.manager import queue_run\n"
        f"for config in {configs!r}: queue_run(RunConfig.from_dict(config), 'a')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True)
    first, second = Run(home / "classroom-1"), Run(home / "classroom-2")
    wait_for_step(first, 1)
    assert second.status().state == "queued"
    assert processes(second.path) == []

    stop(first)

    wait_for_state(second, "finished")
    assert (second.status().started or 0) >= (first.status().ended or 0)
    wait_until(lambda: not processes(home))


@pytest.mark.usefixtures("quick_workers")
@pytest.mark.parametrize("end", [stop, kill])
def test_run_that_ends_early_makes_room_for_the_next(runs_here: RunsHere, end: object) -> None:
    first = runs_here.start(TINY) if end is stop else queue_run(TINY, "a")
    second = queue_run(TINY.with_changes(steps=5), "b")
    wait_for_step(first, 3)
    assert second.status().state == "queued"

    stop(first) if end is stop else kill(first)

    if end is kill:
        dispatch()  # as the page does at each look at a waiting run
    wait_for_state(second, "finished")


@pytest.mark.parametrize("engine", [None, "ray"])
def test_others_wait_only_for_the_same_engine(engine: str | None) -> None:
    mine = create_run(TINY)
    mine.update_status(state="paused", engine=engine)
    assert not others_wait(mine)

    other = create_run(TINY)

    assert others_wait(mine) is (engine is None)
    other.update_status(engine="ray")
    assert others_wait(mine) is (engine == "ray")


def test_two_slots_train_two_at_a_time(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VGG_DEMO_TRAININGS", "2")
    runs = [queue_run(TINY.with_changes(steps=1_000_000), owner) for owner in "abc"]

    assert [run.status().state for run in runs] == ["running", "running", "queued"]
    for run in runs[:2]:
        wait_for_step(run, 1)
    assert len(processes(home)) == 2
    stop(runs[0])
    wait_until(lambda: len(steps(runs[2])) > 0)
    assert runs[1].status().state == "running"
