"""The learning rate along a training: as torch's schedule has it, and when it is set by hand."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from vgg_demo.config import TrainConfig
from vgg_demo.recipe.schedule import LearningRateOverride, learning_rate_at

CLASSROOM_STEPS = 573


@pytest.mark.parametrize("steps", [1, 2, 10, 573])
def test_learning_rate_at_one_cycle_equals_torch(steps: int) -> None:
    config = TrainConfig(steps=steps, learning_rate=0.01, schedule="one-cycle")
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))])
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.01, total_steps=steps, anneal_strategy="cos", three_phase=False, cycle_momentum=False
    )
    expected = []
    for step in range(steps):
        expected.append(schedule.get_last_lr()[0])
        optimizer.step()
        if step < steps - 1:
            schedule.step()

    found = [learning_rate_at(step, config) for step in range(steps)]

    assert found == pytest.approx(expected, rel=1e-9, abs=0)


def test_learning_rate_at_constant_stays() -> None:
    config = TrainConfig(steps=100, learning_rate=0.001)

    assert {learning_rate_at(step, config) for step in range(100)} == {0.001}


def test_learning_rate_set_in_the_warm_up_holds_until_the_schedule_falls_and_falls_with_it() -> None:
    config = TrainConfig(steps=CLASSROOM_STEPS, learning_rate=0.015, schedule="one-cycle")

    rates = [learning_rate_at(step, config, LearningRateOverride(0.015, 5)) for step in range(5, CLASSROOM_STEPS)]

    until_peak = int(0.3 * CLASSROOM_STEPS - 1) - 5
    assert rates[: until_peak + 1] == [0.015] * (until_peak + 1)
    planned = [learning_rate_at(step, config) for step in range(until_peak + 7, CLASSROOM_STEPS)]
    assert rates[until_peak + 2 :] == pytest.approx(planned, rel=1e-12)


def test_learning_rate_set_while_the_schedule_falls_falls_in_proportion() -> None:
    config = TrainConfig(steps=100, learning_rate=0.01, schedule="one-cycle")
    override = LearningRateOverride(0.5, 60)

    for step in range(60, 100):
        share = learning_rate_at(step, config) / learning_rate_at(60, config)
        assert learning_rate_at(step, config, override) == pytest.approx(0.5 * share, rel=1e-12)


@given(
    schedule=st.sampled_from(["constant", "one-cycle"]),
    total=st.integers(1, 3000),
    longer=st.integers(0, 3000),
    at=st.floats(0, 1, exclude_max=True),
    value=st.floats(1e-9, 100),
    planned=st.floats(1e-6, 100),
)
def test_learning_rate_set_by_hand_holds_for_the_next_batch_and_never_rises_above(
    schedule: str, total: int, longer: int, at: float, value: float, planned: float
) -> None:
    override = LearningRateOverride(value, int(at * total))

    for steps in (total, total + longer):  # as planned, and trained longer afterwards
        config = TrainConfig(steps=steps, learning_rate=planned, schedule=schedule)  # type: ignore[arg-type]
        rates = [learning_rate_at(step, config, override) for step in range(override.step, steps)]

        assert rates[0] == value
        assert all(after <= before for before, after in itertools.pairwise(rates))
        assert all(0 < rate <= value for rate in rates)


@given(total=st.integers(1, 2000), more=st.integers(1, 2000), value=st.floats(1e-6, 100))
def test_learning_rate_set_after_the_last_batch_holds_when_the_training_is_made_longer(
    total: int, more: int, value: float
) -> None:
    config = TrainConfig(steps=total + more, learning_rate=0.01, schedule="one-cycle")

    assert learning_rate_at(total, config, LearningRateOverride(value, total)) == value
