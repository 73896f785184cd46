"""A training that is looked into now and then, while it runs, for at most 3 % of its time.

The loop in training.py knows nothing of it: the caller that iterates looks between two events.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from vgg_demo.diagnosis.measure import Snapshot, measure, probe_size, snapshot, with_gradients, with_update
from vgg_demo.diagnosis.records import Diagnosis
from vgg_demo.training import Event, StepEvent, Training

SHARE = 0.03
FREE_SECONDS = 0.3  # of a run of a few seconds it may be more
EARLY_SHARE = 0.25  # of what the whole run may cost can be spent before it is earned


def watch(training: Training, share: float = SHARE, last_look: int | None = None) -> Iterator[Event | Diagnosis]:
    """What training.run() yields, and a Diagnosis before the first step and after 5, 10, 20, 50, 100 … steps.

    A Diagnosis stands before the StepEvent of the step whose update it measured; training.step is already that
    step's, so save nothing in between. share: of the training's time, at most, that looking may cost. last_look: one
    more step after which to look; the last but one of the whole training without it.
    """
    looking = Looking(training, share, last_look)
    events = training.run()
    while True:
        looking.look_before_step()
        started = time.perf_counter()
        event = next(events, None)
        looking.training_seconds += time.perf_counter() - started
        if event is None:
            return
        if isinstance(event, StepEvent) and (diagnosis := looking.look_after_step()):
            yield diagnosis
        yield event


def is_round(step: int) -> bool:
    """Whether it is 0 or in the series 5, 10, 20, 50, 100 …"""
    return step == 0 or (step >= 5 and str(step).rstrip("0") in ("1", "2", "5"))


class Looking:
    """Looks at a training before and after a step, and counts what that costs."""

    def __init__(self, training: Training, share: float, last_look: int | None) -> None:
        self.training, self.share = training, share
        self.probe = training.train_digits[: probe_size(training.config.model)]
        self.first_step = training.step
        self.last_look = training.config.train.total_steps - 1 if last_look is None else last_look
        self.training_seconds, self.cost_seconds, self.last_cost = 0.0, 0.0, 0.0
        self.pending: tuple[Diagnosis, Snapshot] | None = None  # what was measured before a step

    def look_before_step(self) -> None:
        """Measure the signal and remember the weights, if it is time for it."""
        if self.pending is not None or not self.is_due:
            return
        started = time.perf_counter()
        network = self.training.network
        self.pending = measure(network, self.probe, self.training.step), snapshot(network)
        self.last_cost = time.perf_counter() - started

    def look_after_step(self) -> Diagnosis | None:
        """Add what the step did: its gradient and its update."""
        if self.pending is None:
            return None
        started = time.perf_counter()
        network, (diagnosis, before), self.pending = self.training.network, self.pending, None
        diagnosis = with_update(with_gradients(diagnosis, network), network, before)
        self.last_cost += time.perf_counter() - started
        self.cost_seconds += self.last_cost
        seconds = round(self.cost_seconds, 4), round(self.training_seconds, 4)
        return replace(diagnosis, cost_seconds=seconds[0], training_seconds=seconds[1])

    @property
    def is_due(self) -> bool:
        """At a round step, or before the last one, when there is time for it."""
        step, total = self.training.step, self.training.config.train.total_steps
        if step >= total or not (is_round(step) or step == self.last_look):
            return False
        taken = step - self.first_step
        if not taken:
            return True
        whole = self.training_seconds / taken * (total - self.first_step)
        allowed = max(self.share * max(self.training_seconds, EARLY_SHARE * whole), FREE_SECONDS)
        return self.cost_seconds + self.last_cost <= allowed
