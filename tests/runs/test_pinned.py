"""Digits pinned to a run: measured while it trains, recorded, kept through a kill, and no trace in the losses."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from tests.helpers import (
    SHORT_EPOCHS,
    TINY,
    RunsHere,
    kill,
    losses,
    pause,
    plain_losses,
    steps,
    stop,
    wait_for_state,
    wait_for_step,
    wait_until,
)
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.data import Digits
from vgg_demo.errors import RunError
from vgg_demo.evaluation import predict_probabilities
from vgg_demo.runs import probabilities
from vgg_demo.runs.manager import start_run
from vgg_demo.runs.pinned import MOST_PINNED, Answers, PinnedDigit, pin, pinned_digits, unpin
from vgg_demo.runs.probabilities import ProbabilityMeter
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.store import Run, create_run
from vgg_demo.training import Training


@pytest.fixture
def digits(mnist: tuple[Digits, Digits]) -> list[PinnedDigit]:
    """The first nine test digits with their labels: 7, 2, 1, 0, 4, 1, 4, 9, 5."""
    images, labels = mnist[1].images[:9], mnist[1].labels[:9]
    return [
        PinnedDigit(bytes(image.flatten().tolist()), int(label)) for image, label in zip(images, labels, strict=True)
    ]


def answers(run: Run, digit: PinnedDigit) -> Answers:
    return RunReader(run).refresh().probabilities.get(digit.id, Answers())


def test_pinned_digits_are_what_all_commands_add_up_to(home: Path, digits: list[PinnedDigit]) -> None:
    run = create_run(TINY)
    assert pinned_digits(run) == ()
    for digit in digits[:3]:
        pin(run, digit)

    unpin(run, digits[0])
    pin(run, PinnedDigit(digits[1].pixels, 3))  # another label
    run.send("pin", digit="AAAA", label=1)
    run.send("pin", digit=digits[5].to_dict()["digit"], label=10)
    run.send("unpin", id=7)

    assert pinned_digits(run) == (PinnedDigit(digits[1].pixels, 3), digits[2])


def test_ninth_digit_pinned_is_refused_and_left_out(home: Path, digits: list[PinnedDigit]) -> None:
    run = create_run(TINY)
    for digit in digits[:8]:
        pin(run, digit)

    with pytest.raises(RunError, match="at most 8 digits"):
        pin(run, digits[8])
    pin(run, PinnedDigit(digits[0].pixels, None))  # one of them again: another label
    run.send("pin", **digits[8].to_dict())

    assert [digit.id for digit in pinned_digits(run)] == [digit.id for digit in digits[:MOST_PINNED]]


def test_run_with_pinned_digits_has_the_losses_of_one_without(
    runs_here: RunsHere, digits: list[PinnedDigit], mnist: tuple[Digits, Digits], fabric: Fabric,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(probabilities, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(probabilities, "SHARE", 1.0)
    config = TINY.with_changes(steps=60, augment=0.3, dropout=0.3, average_weights=0.9, classifier="mlp", image_size=32)
    run = runs_here.start(config.with_changes(steps=60), "watched")
    for digit in digits[:8]:
        pin(run, digit)

    wait_for_state(run, "finished")

    assert losses(run) == plain_losses(config, mnist[0], fabric)
    assert len(answers(run, digits[0]).steps) > 10


def test_digit_pinned_while_a_run_waits_is_measured_from_before_the_first_step_to_the_end(
    runs_here: RunsHere, digits: list[PinnedDigit], mnist: tuple[Digits, Digits]
) -> None:
    run = create_run(SHORT_EPOCHS)
    for digit in digits[:2]:
        pin(run, digit)

    run.update_status(state="stopped")
    runs_here.resume(run)
    wait_for_state(run, "finished")

    seen = answers(run, digits[1])
    assert (seen.steps[0], seen.steps[-1]) == (0, 18)
    assert all(sum(ten) == pytest.approx(1, abs=1e-3) for ten in seen.probabilities)
    network, _header = load_checkpoint(run.checkpoint_path)
    expected = predict_probabilities(network, mnist[1].images[1:2])[0]
    torch.testing.assert_close(torch.tensor(seen.probabilities[-1]), expected, atol=2e-3, rtol=0)


def test_digit_pinned_while_a_run_is_paused_is_measured_at_once_and_when_it_goes_on(
    runs_here: RunsHere, digits: list[PinnedDigit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probabilities, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(probabilities, "SHARE", 1.0)
    run = runs_here.start(TINY)
    wait_for_step(run, 5)
    at = pause(run)

    time.sleep(2)  # a pause is no training: it delays nothing
    pin(run, digits[0])
    pin(run, digits[1])

    wait_until(lambda: answers(run, digits[0]).steps == answers(run, digits[1]).steps == [at])
    unpin(run, digits[0])
    run.send("resume")
    wait_for_step(run, at + 20)
    assert answers(run, digits[0]).steps[-1] <= at + 2
    assert answers(run, digits[1]).steps[1] <= at + 20
    stop(run)


@pytest.mark.usefixtures("quick_workers")
def test_run_killed_and_resumed_goes_on_watching(runs_here: RunsHere, digits: list[PinnedDigit]) -> None:
    run = start_run(TINY.with_changes(steps=150))
    pin(run, digits[0])
    wait_for_step(run, 5)
    at = pause(run)
    wait_until(lambda: answers(run, digits[0]).steps)

    kill(run)
    runs_here.resume(run)
    wait_for_state(run, "finished")

    seen = answers(run, digits[0])
    assert RunReader(run).refresh().damaged_lines == 0
    assert seen.steps == sorted(set(seen.steps))
    assert at in seen.steps  # measured again where it went on
    assert seen.steps[-1] == 150
    assert steps(run) == list(range(1, 151))


def test_meter_spends_a_hundredth_of_the_time_however_slow_an_inference_is(
    home: Path, digits: list[PinnedDigit], mnist: tuple[Digits, Digits], fabric: Fabric, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run(TINY)
    for digit in digits[:8]:
        pin(run, digit)
    for price, fewest, most in [
        (0.002, 110, 121),
        (0.01, 30, 36),
        (0.1, 2, 4),
    ]:  # seconds of an inference; times in half a minute
        clock = [0.0]
        monkeypatch.setattr(probabilities.time, "perf_counter", lambda clock=clock: clock[0])

        def infer(_network: object, images: torch.Tensor, clock: list[float] = clock, price: float = price) -> object:
            clock[0] += price
            return [[0.1] * 10] * len(images)

        monkeypatch.setattr(probabilities, "probabilities_in_training", infer)
        training = Training(TINY, mnist[0], fabric)
        meter = ProbabilityMeter(run, training)
        meter.refresh(0.0)
        count = 0
        for training.step in range(3_000):  # of 0.01 seconds
            count += bool(meter.measure(training.step * 0.01))

        assert fewest <= count <= most
        assert meter.cost_seconds <= 0.01 * 0.5 * 68.75  # half of what the whole run of 68.75 s may cost


def test_answers_say_when_a_digit_was_first_read_right_and_when_for_good() -> None:
    def said(*digits: int) -> Answers:
        seen = Answers()
        for step, digit in enumerate(digits):
            seen.add(10 * step, [0.91 if place == digit else 0.01 for place in range(10)])
        return seen

    assert (said(1, 7, 2, 7, 7).first_right(7), said(1, 7, 2, 7, 7).right_for_good(7)) == (10, 30)
    assert (said(7, 7).first_right(7), said(7, 7).right_for_good(7)) == (0, 0)
    assert (said(7, 1).first_right(7), said(7, 1).right_for_good(7)) == (0, None)
    assert (said(1, 1).first_right(7), said(1, 1).right_for_good(7)) == (None, None)
    assert Answers().right_for_good(7) is None


def test_reader_leaves_out_probabilities_that_are_damaged(home: Path, digits: list[PinnedDigit]) -> None:
    run, one = create_run(TINY), digits[0].id

    def line(step: object, *rows: object) -> str:
        return json.dumps({"event": "probabilities", "step": step, "digits": rows}) + "\n"

    good = {"id": one, "probabilities": [0.1] * 10}
    bad: list[object] = [7, {}, {**good, "id": "../x"}, {**good, "probabilities": [0.1] * 9},
                         {**good, "probabilities": [1.1] * 10}, {**good, "probabilities": [None] * 10}]  # fmt: skip
    lines = [line(5, good), line(4, good), line(-1, good), line("6", good), line(6), line(6, *[good] * 9)]
    run.metrics_path.write_text("".join([*lines, *(line(6, part) for part in bad), line(7, good), line(7, good)]))

    curve = RunReader(run).refresh()

    assert curve.probabilities[one].steps == [5, 7]
    assert curve.damaged_lines == 5 + len(bad)
