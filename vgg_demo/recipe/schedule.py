"""How far each step goes: the learning rate along a training, and what becomes of one that is set by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vgg_demo.config import TrainConfig


@dataclass(frozen=True)
class LearningRateOverride:
    """A learning rate set by hand. step: the first that it holds for, counted from 0."""

    value: float
    step: int


def learning_rate_at(step: int, config: TrainConfig, override: LearningRateOverride | None = None) -> float:
    """The learning rate of a step, counted from 0.

    One that was set by hand holds from its step on and falls in the proportion in which the schedule still falls. It
    never rises above what was set: not in a warm-up, and not when the training is made longer.
    """
    if config.schedule == "constant":
        return override.value if override else config.learning_rate
    if override is None:
        return one_cycle(step, config.total_steps, config.learning_rate)
    ahead, ahead_when_set = (
        one_cycle_ahead(at, config.total_steps, config.learning_rate) for at in (step, override.step)
    )
    return override.value * (ahead / ahead_when_set)


def one_cycle(step: float, total_steps: int, peak: float) -> float:
    """Along a cosine from 1/25 of the peak up to it, over the first 30 % of the steps, then down to 1/250,000 of it.

    Source: Smith and Topin 2018, with the constants of torch.optim.lr_scheduler.OneCycleLR.
    """

    def cosine(start: float, end: float, share: float) -> float:
        return end + (start - end) * (1 + math.cos(math.pi * share)) / 2

    peak_step, last_step = 0.3 * total_steps - 1, total_steps - 1
    if step <= peak_step:
        return cosine(peak / 25, peak, step / peak_step if peak_step > 0 else 1.0)
    return cosine(peak, peak / 250_000, (step - peak_step) / max(last_step - peak_step, 1e-9))


def one_cycle_ahead(step: int, total_steps: int, peak: float) -> float:
    """The highest learning rate that one_cycle has from a step on: its peak until that is reached, then its own."""
    return one_cycle(max(step, 0.3 * total_steps - 1), total_steps, peak)
