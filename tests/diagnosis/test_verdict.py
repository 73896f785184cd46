"""The verdict, from figures made up by hand: the cause first, healthy runs silent."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from vgg_demo.diagnosis import verdict
from vgg_demo.diagnosis.records import Diagnosis, LayerFigures, median
from vgg_demo.diagnosis.verdict import HIGH_SENTENCES, SENTENCES, judge
from vgg_demo.runs.reader import Curve

SPREAD = (7, 7, 6, 6, 6, 6, 6, 7, 7, 6)
ONE = (0, 64, 0, 0, 0, 0, 0, 0, 0, 0)
STUCK = [2.30] * 50
FALLING = [2.3 - 0.04 * step for step in range(50)]


def looked(
    step: int = 0,
    signals: tuple[float, ...] = (0.3, 0.25, 0.2, 0.2),
    update: float = 0.01,
    silent: float = 0.3,
    answers: tuple[int, ...] = SPREAD,
    loss: float = 2.3,
) -> Diagnosis:
    layers = tuple(LayerFigures(f"conv {i}", signal, 0.01, update, silent) for i, signal in enumerate(signals, 1))
    return Diagnosis(step, 0.3, layers, answers, SPREAD, 0.1, loss)


def kinds(*arguments: Any) -> list[str]:
    result = judge(*arguments)
    assert result is not None
    for finding in result.findings:
        assert "{" not in finding.sentence
    return [finding.kind for finding in result.findings]


def test_nothing_measured_gives_no_verdict() -> None:
    assert judge([]) is None


def test_falling_loss_is_learning_and_healthy() -> None:
    result = judge([looked()], FALLING)

    assert result is not None
    assert (result.kind, result.is_healthy) == (verdict.LEARNING, True)
    assert result.to_dict()["causes"] == []


def test_sound_layers_and_few_steps_are_too_early_to_say() -> None:
    assert kinds([looked(answers=ONE)], STUCK) == [verdict.TOO_EARLY]


def test_sound_layers_and_many_steps_say_that_the_layers_do_not_tell() -> None:
    assert kinds([looked()], [2.3] * 500) == [verdict.UNEXPLAINED]


def test_vanishing_signal_comes_before_the_one_answer() -> None:
    fading = (0.1, 1e-3, 1e-5, 1e-7)

    found = kinds([looked(0, fading), looked(49, fading, answers=ONE)], STUCK)

    assert found == [verdict.NOT_REACHED, verdict.ONE_CLASS]


def test_vanishing_signal_is_said_before_the_first_step() -> None:
    assert kinds([looked(0, (0.1, 1e-3, 1e-5, 1e-7), answers=ONE)]) == [verdict.NOT_REACHED]


def test_vanishing_signal_of_a_network_that_learns_all_the_same_is_no_fault() -> None:
    assert kinds([looked(0, (0.1, 1e-3, 1e-5))], FALLING) == [verdict.LEARNING]


@pytest.mark.parametrize(
    ("losses", "update", "detail"),
    [
        ([2.3, 9.0, math.nan], 0.01, "nan"),
        ([2.4, 80.0, *STUCK], 0.01, "jump"),
        ([*FALLING, *[2.3] * 60], 0.01, "rise"),
        (STUCK, 0.9, "update"),
    ],
)
def test_learning_rate_too_high_is_seen_in_loss_and_update(losses: list[float], update: float, detail: str) -> None:
    result = judge([looked(update=update)], losses)

    assert result is not None
    assert (result.kind, result.findings[0].detail) == (verdict.TOO_HIGH, detail)


def test_one_leap_at_the_start_of_a_sound_training_is_no_alarm() -> None:
    # fixed-mini with seed 14: 2.41, 8.07, back to 2.3, and after 40 steps it learns
    result = judge([looked(update=0.012)], [2.41, 8.07, 2.42, *[2.31] * 30])

    assert result is not None
    assert result.is_healthy


def test_steps_that_kill_the_units_stand_before_their_death() -> None:
    dead = looked(49, (0.3, 0.2, 0.0, 0.0), silent=1.0, answers=ONE)

    found = kinds([looked(update=0.9), dead], [2.4, 1000.0, *STUCK])

    assert found == [verdict.TOO_HIGH, verdict.DIED, verdict.ONE_CLASS]


def test_units_silent_from_the_start_are_the_cause_themselves() -> None:
    dead = (0.3, 0.0, 0.0)

    found = kinds([looked(0, dead, silent=1.0), looked(49, dead, silent=1.0, answers=ONE)], STUCK)

    assert found == [verdict.DIED, verdict.ONE_CLASS]


def test_weights_that_hardly_move_are_a_low_learning_rate() -> None:
    assert kinds([looked(update=1e-5), looked(49, update=1e-5)], STUCK) == [verdict.TOO_LOW]


def test_weights_that_hardly_move_at_the_end_of_a_schedule_are_no_fault() -> None:
    assert kinds([looked(update=0.01), looked(49, update=1e-7)], FALLING) == [verdict.LEARNING]


def epoch(number: int, train: float, val: float | None) -> dict[str, Any]:
    return {"epoch": number, "average_loss": train, "val_loss": val}


def test_validation_loss_that_rises_while_training_loss_falls_is_memorising() -> None:
    epochs = [epoch(1, 0.9, 0.5), epoch(2, 0.4, 0.4), epoch(3, 0.2, 0.55), epoch(4, 0.1, 0.7)]

    assert kinds([looked()], FALLING, epochs) == [verdict.MEMORISES]


def test_curve_of_a_run_is_judged_anew_with_more_steps_and_with_its_last_epoch() -> None:
    curve = Curve(losses=FALLING * 20, steps=[*range(1, 1001)], diagnoses=[looked()], schedules=[(0, 2000)])
    assert curve.verdict and curve.verdict.kind == verdict.LEARNING

    curve.epochs += [epoch(1, 0.9, 0.5), epoch(2, 0.4, 0.4), epoch(3, 0.2, 0.55), epoch(4, 0.1, 0.7)]
    assert curve.verdict.kind == verdict.LEARNING  # it looks at all losses: not for each of many short epochs
    more = replace(curve, losses=FALLING * 21)
    assert more.verdict and more.verdict.kind == verdict.MEMORISES
    ended = replace(curve, steps=[*range(1001, 2001)])
    assert ended.verdict and ended.verdict.kind == verdict.MEMORISES


@pytest.mark.parametrize(
    "epochs",
    [
        [epoch(1, 0.4, 0.1)],
        [epoch(1, 0.4, None), epoch(2, 0.1, None)],
        [epoch(1, 0.4, 0.10), epoch(2, 0.1, 0.05), epoch(3, 0.05, 0.045)],
        [epoch(1, 0.1, 0.030), epoch(2, 0.03, 0.028), epoch(3, 0.01, 0.034)],
        [epoch(1, 0.4, 0.10), epoch(2, 0.2, 0.11), epoch(3, 0.1, 0.30)],
    ],
)
def test_usual_validation_losses_are_no_memorising(epochs: list[dict[str, Any]]) -> None:
    assert kinds([looked()], FALLING, epochs) == [verdict.LEARNING]


def test_checkpoint_alone_is_judged_by_its_own_loss() -> None:
    assert kinds([looked(500, loss=0.02)]) == [verdict.LEARNING]
    assert kinds([looked(500, loss=2.3, answers=ONE)]) == [verdict.ONE_CLASS]


def test_verdict_document_names_cause_and_figures() -> None:
    result = judge([looked(update=1e-5)], STUCK)

    assert result is not None
    document = result.to_dict()
    assert document["verdict"] == "the learning rate is too low"
    assert document["causes"] == ["the learning rate is too low"]
    assert document["evidence"]["the learning rate is too low"]["update"] == 1e-5


def test_every_kind_has_its_sentence() -> None:
    named = {value for name, value in vars(verdict).items() if name.isupper() and isinstance(value, str)}

    assert named == set(SENTENCES)
    assert all(HIGH_SENTENCES.values())


def test_median_passes_over_what_is_no_number() -> None:
    assert median([3.0, math.nan, 1.0, 2.0]) == 2.0
    assert math.isnan(median([]))
