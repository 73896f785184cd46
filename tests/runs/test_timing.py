"""How long a step takes: only warm and undisturbed steps count, and only their median."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import TINY, wait_until
from vgg_demo.data import Digits
from vgg_demo.runs import cost, worker
from vgg_demo.runs.cost import estimate_seconds, measure_step
from vgg_demo.runs.store import create_run
from vgg_demo.runs.timing import DISTURBING_CORES, CoresTaken, StepTimes
from vgg_demo.runs.worker import run_worker

QUIET, SHARED_BY_THREE = 0.1, 4 / 3  # cores that others take of two


def times_of(*durations: float, others: float = QUIET) -> StepTimes:
    times = StepTimes(lambda: others)
    for seconds in durations:
        times.add(seconds)
    return times


def test_first_steps_and_a_single_slow_one_do_not_count() -> None:
    times = times_of(30.0, 9.0, *[0.5] * 10, 7.0, *[0.5] * 9)

    assert times.median(enough=20) == 0.5


def test_too_few_steps_say_nothing() -> None:
    assert times_of(30.0, 0.5, 1.2).median(enough=20) is None


def test_steps_on_a_shared_machine_do_not_count() -> None:
    times = times_of(*[1.5] * 100, others=SHARED_BY_THREE)

    assert times.median(enough=1) is None
    assert times.disturbed == [1.5] * 98


def test_steps_before_and_after_others_were_there_count() -> None:
    load = [QUIET]
    times = StepTimes(lambda: load[0])
    for cores, seconds in ((QUIET, 0.5), (SHARED_BY_THREE, 1.5), (QUIET, 0.5)):
        load[0] = cores
        for _ in range(50):
            times.add(seconds)

    assert times.undisturbed == [0.5] * 98
    assert times.disturbed == [1.5] * 50


def test_program_that_keeps_a_core_busy_is_noticed_and_this_process_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = CoresTaken()
    cores.spare = 0
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as program:
        try:
            wait_until(lambda: cores.read() > DISTURBING_CORES)
        finally:
            program.kill()
    monkeypatch.setattr(CoresTaken, "_times", staticmethod(iter([(0.0, 0.0, 0.0), (2.0, 4.0, 3.8)]).__next__))
    alone = CoresTaken()
    alone.spare = 0

    assert alone.read() == pytest.approx(0.1)


def run_here(mnist: tuple[Digits, Digits], monkeypatch: pytest.MonkeyPatch, steps: int, others: float) -> float | None:
    """The estimate for a step after a run of so many steps, beside others that take so many cores.

    It is known for what was asked, also where that is computed in another precision.
    """
    config = TINY.with_changes(steps=steps, precision="bf16-mixed", device="cpu")
    monkeypatch.setattr(worker, "StepTimes", lambda: StepTimes(lambda: others))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("vgg_demo.runs.timing.WINDOW_SECONDS", 0.0)
    assert run_worker(create_run(config), lambda: mnist[0]) == 0
    return estimate_seconds(config.with_changes(steps=1))


@pytest.mark.parametrize(("steps", "others"), [(1, QUIET), (15, QUIET), (60, SHARED_BY_THREE)])
def test_run_of_few_or_disturbed_steps_changes_no_estimate(
    home: Path, mnist: tuple[Digits, Digits], monkeypatch: pytest.MonkeyPatch, steps: int, others: float
) -> None:
    assert run_here(mnist, monkeypatch, steps, others) is None


def test_run_of_enough_undisturbed_steps_gives_their_median(
    home: Path, mnist: tuple[Digits, Digits], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = run_here(mnist, monkeypatch, 60, QUIET)

    assert seconds is not None
    assert 0 < seconds < 1


def test_measurement_that_is_disturbed_all_the_time_comes_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "StepTimes", lambda: StepTimes(lambda: SHARED_BY_THREE))
    monkeypatch.setattr(cost, "PROBE_PATIENCE_SECONDS", 0.5)

    assert 0 < measure_step(TINY) < 10
