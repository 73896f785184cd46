"""Why a network does not learn, said from what was measured and from nothing else: no setting is looked at.

Several findings can hold at once; a cause stands before the symptoms that it brings about.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vgg_demo.diagnosis.records import NAN, Diagnosis
from vgg_demo.text import N_, fill, translate

LEARNING = N_("learning")
TOO_EARLY = N_("too early to say")
NOT_REACHED = N_("the input does not reach the output")
TOO_HIGH = N_("the learning rate is too high")
DIED = N_("units have died")
TOO_LOW = N_("the learning rate is too low")
ONE_CLASS = N_("it answers one class whatever it sees")
MEMORISES = N_("it memorises")
UNEXPLAINED = N_("it does not learn, and its layers do not say why")

KNOWS_NOTHING = math.log(10)
KNOWS_FREQUENCIES = 2.3010  # the entropy of the training labels, in nats
ESCAPED = 0.05  # nats below knowing the frequencies alone: such a network was seen to dip 0.02 below and come back
ESCAPE_STEPS = 20  # over which the loss is averaged for that
LEARNED = 0.15  # nats below knowing nothing: more than noise, and more than knowing how common each digit is
REACHES = 1e-3  # of the images' signal that arrives: from here on, Adam learns soon
MANY_SILENT = 0.95
SILENT_AT_START = 0.75  # before the first step, more than any usual initialisation leaves silent
LARGE_UPDATE = 0.25  # of the weights in one step: more than a step should change
SMALL_UPDATE = 2.5e-4
JUMP = 4.0  # times the loss of knowing nothing, or the first: healthy runs were seen to leap to 3.5 times it once
PATIENCE_STEPS = 500
LATE = 20  # steps before which a loss says little

SENTENCES = {
    LEARNING: N_("It learns: the loss is {loss:.2f}, and knowing nothing is 2.30."),
    TOO_EARLY: N_("Too early to say: nothing is wrong in its layers so far, but the loss has not moved much yet."),
    NOT_REACHED: N_(
        "The input does not reach the output: what differs between two images is about {factor:short} times smaller "
        "at the logits ({output_signal:short}) than in the images ({image_signal:short}), and was so from the start."
    ),
    TOO_HIGH: N_("The learning rate is too high: {what}."),
    DIED: N_(
        "Units have died: in {layer}, {silent:0 %} of the ReLU units fire for none of {images} digits, so they pass "
        "no signal on and receive no gradient; {before:0 %} were silent at the first look."
    ),
    TOO_LOW: N_(
        "The learning rate is too low: after {steps} steps the weights hardly move, by {update:short} of what "
        "they are at each step, and the loss is still {loss:.2f}."
    ),
    ONE_CLASS: N_(
        "It answers one class whatever it sees: it says {digit} to {share:0 %} of {images} different digits."
    ),
    MEMORISES: N_(
        "It memorises: since epoch {epoch} the training loss fell from {train_then:.3f} to {train_now:.3f}, "
        "while the loss on validation digits rose from {val_then:.3f} to {val_now:.3f}."
    ),
    UNEXPLAINED: N_(
        "It does not learn after {steps} steps (loss {loss:.2f}), and its layers do not say why: signal, "
        "gradients and updates are as they should be. Look at the images and their labels."
    ),
}
HIGH_SENTENCES = {
    "nan": N_("the loss stopped being a number at step {step}"),
    "jump": N_("the loss jumped to {peak:.1f} at step {step}; knowing nothing is 2.30"),
    "rise": N_("the loss had come down to {low:.2f} by step {step} and rose again to {loss:.2f}"),
    "collapse": N_(
        "its steps have destroyed what the network passed on: the signal at the logits fell from "
        "{before:short} to {now:short}"
    ),
    "update": N_("a step changes the weights by {update:0 %} of what they are"),
}


@dataclass(frozen=True)
class Finding:
    """One thing that holds, with the figures that show it. detail: which sentence of several says it."""

    kind: str
    evidence: dict[str, Any]
    detail: str | None = None

    @property
    def sentence(self) -> str:
        """It in plain words. The page fills SENTENCES and HIGH_SENTENCES itself, as it draws Markdown."""
        what = fill(translate(HIGH_SENTENCES[self.detail]), **self.evidence) if self.detail else ""
        return fill(translate(SENTENCES[self.kind]), **self.evidence, what=what)


@dataclass(frozen=True)
class Verdict:
    """What holds, the cause first. is_healthy: there is nothing to repair."""

    findings: tuple[Finding, ...]

    @property
    def kind(self) -> str:
        """The first cause, or that it learns."""
        return self.findings[0].kind

    @property
    def is_healthy(self) -> bool:
        """Whether it learns, or may still begin to."""
        return self.kind in (LEARNING, TOO_EARLY)

    def to_dict(self) -> dict[str, Any]:
        """As the command line gives it."""
        return {
            "verdict": self.kind,
            "causes": [] if self.is_healthy else [finding.kind for finding in self.findings],
            "evidence": {f.kind: {"sentence": f.sentence, **f.evidence} for f in self.findings},
        }


def judge(
    diagnoses: Sequence[Diagnosis], losses: Sequence[float] = (), epochs: Sequence[dict[str, Any]] = ()
) -> Verdict | None:
    """What the measurements of a run so far add up to; None before there are any.

    losses: of every batch so far, NaN where one was no number. epochs: average_loss and val_loss at each epoch's end.
    Without losses the last diagnosis decides, as for a checkpoint that stands alone.
    """
    if not diagnoses:
        return None
    facts = Facts(diagnoses, losses)
    if facts.is_learning:
        learning = Finding(LEARNING, {"first_loss": facts.first_loss, "loss": facts.loss})
        return Verdict((_too_low(facts) or _memorises(epochs) or learning,))
    steps_or_units = (_died, _too_high) if facts.is_silent_at_start else (_too_high, _died)
    causes = [f for f in (find(facts) for find in (_not_reached, *steps_or_units)) if f]
    if not causes and (slow := _too_low(facts)):
        causes = [slow]
    if (symptom := _one_class(facts)) and (causes or facts.steps >= PATIENCE_STEPS):
        causes.append(symptom)
    if causes:
        return Verdict(tuple(causes))
    evidence = {"steps": facts.steps, "loss": facts.loss}
    return Verdict((Finding(UNEXPLAINED if facts.steps >= PATIENCE_STEPS else TOO_EARLY, evidence),))


class Facts:
    """The figures that several findings are made of."""

    def __init__(self, diagnoses: Sequence[Diagnosis], losses: Sequence[float]) -> None:
        self.first, self.last, self.diagnoses = diagnoses[0], diagnoses[-1], diagnoses
        series = np.asarray(losses if len(losses) else [self.last.loss], np.float64)
        is_number = np.isfinite(series)
        finite = series[is_number]
        self.steps = len(losses) or self.last.step
        self.nan_step = None if is_number.all() else int(is_number.argmin()) + 1
        tail = finite[-max(1, min(LATE, len(finite) // 3)) :]
        self.loss = float(tail.mean()) if len(tail) else NAN
        self.first_loss = float(series[0])
        self.peak = float(finite.max()) if len(finite) else NAN
        self.peak_step = int((series == self.peak).argmax()) + 1 if len(finite) else 0
        averages = finite[: len(finite) // LATE * LATE].reshape(-1, LATE).mean(1)
        self.low = float(averages.min()) if len(averages) else NAN
        self.low_step = (int(averages.argmin()) + 1) * LATE if len(averages) else 0
        updates = [d.typical_update for d in diagnoses]
        self.largest_update = max((update for update in updates if not math.isnan(update)), default=NAN)

    @property
    def is_learning(self) -> bool:
        """The loss is below that of knowing nothing by more than chance, and not on its way up again."""
        return self.nan_step is None and self.loss < KNOWS_NOTHING - LEARNED and not self.has_risen

    @property
    def is_silent_at_start(self) -> bool:
        """Most ReLU units of a layer were dead before the first step: the initialisation, not a step, is the cause."""
        return self.first.most_silent.silent >= SILENT_AT_START

    @property
    def has_risen(self) -> bool:
        """It had learned and lost most of it again."""
        return self.low < KNOWS_NOTHING - 0.5 and self.loss > (self.low + KNOWS_NOTHING) / 2 + 0.2


def escape_step(losses: Sequence[float]) -> int | None:
    """The step by which a network that knew only how common each digit is has begun to learn; None when it has not.

    losses: of every batch so far, from step 1 on. A network that has fallen back since has not.
    """
    if len(losses) < ESCAPE_STEPS:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(losses, np.float64), ESCAPE_STEPS)
    is_below = windows.mean(1) < KNOWS_FREQUENCIES - ESCAPED
    return int(is_below.argmax()) + ESCAPE_STEPS if is_below[-1] else None


def reaches(diagnosis: Diagnosis) -> bool:
    """Whether the differences between images arrive at the logits."""
    return diagnosis.output_signal >= REACHES * diagnosis.image_signal


def _not_reached(facts: Facts) -> Finding | None:
    last = facts.last
    if reaches(facts.first) or reaches(last) or facts.is_silent_at_start:
        return None
    signals = {"output_signal": last.output_signal, "image_signal": last.image_signal}
    factor = last.image_signal / max(last.output_signal, 1e-30)
    return Finding(NOT_REACHED, {**signals, "factor": factor, "gradient": last.typical_gradient})


def _too_high(facts: Facts) -> Finding | None:
    evidence = {"update": facts.largest_update, "loss": facts.loss}
    if facts.nan_step:
        return Finding(TOO_HIGH, {**evidence, "step": facts.nan_step}, "nan")
    if facts.peak > JUMP * max(KNOWS_NOTHING, facts.first_loss):
        return Finding(TOO_HIGH, {**evidence, "peak": facts.peak, "step": facts.peak_step}, "jump")
    if facts.has_risen:
        return Finding(TOO_HIGH, {**evidence, "low": facts.low, "step": facts.low_step}, "rise")
    if facts.largest_update > LARGE_UPDATE:
        return Finding(TOO_HIGH, evidence, "update")
    if facts.steps >= LATE and not facts.is_silent_at_start and reaches(facts.first) and not reaches(facts.last):
        signals = {"before": facts.first.output_signal, "now": facts.last.output_signal}
        return Finding(TOO_HIGH, {**evidence, **signals}, "collapse")
    return None


def _died(facts: Facts) -> Finding | None:
    worst = facts.last.most_silent
    if not worst.silent >= MANY_SILENT:
        return None
    before = next(layer.silent for layer in facts.first.layers if layer.name == worst.name)
    images = sum(facts.last.shown)
    return Finding(DIED, {"layer": worst.name, "silent": worst.silent, "before": before, "images": images})


def _too_low(facts: Facts) -> Finding | None:
    if facts.steps < LATE or facts.loss < 1.0 or not facts.largest_update < SMALL_UPDATE:
        return None
    return Finding(TOO_LOW, {"update": facts.largest_update, "steps": facts.steps, "loss": facts.loss})


def _one_class(facts: Facts) -> Finding | None:
    digit, share = facts.last.commonest_answer
    images = sum(facts.last.shown)
    if share < MANY_SILENT or max(facts.last.shown) / images > 0.5 or facts.steps < LATE:
        return None
    return Finding(ONE_CLASS, {"digit": digit, "share": share, "images": images})


def _memorises(epochs: Sequence[dict[str, Any]]) -> Finding | None:
    """Validation loss well above its lowest and the training loss well below where it was then."""
    known = [e for e in epochs if e.get("val_loss") is not None and e.get("average_loss") is not None]
    if len(known) < 2:
        return None
    best, last = min(known, key=lambda e: e["val_loss"]), known[-1]
    if len(known) > 2 and known[-2]["val_loss"] < 1.15 * best["val_loss"] and known[-2] is not best:
        return None  # a single bad epoch
    rose = last["val_loss"] > 1.25 * best["val_loss"] and last["val_loss"] > best["val_loss"] + 0.02
    fell = last["average_loss"] < 0.7 * best["average_loss"]
    if not (rose and fell and last["val_loss"] > 1.5 * last["average_loss"]):
        return None
    evidence = {"epoch": best["epoch"], "train_then": best["average_loss"], "train_now": last["average_loss"]}
    return Finding(MEMORISES, {**evidence, "val_then": best["val_loss"], "val_now": last["val_loss"]})
