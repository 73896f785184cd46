"""Diagnose outside the page: a preset by a few steps of training, a checkpoint as it is; three quick checks.

python -m vgg_demo.diagnosis.checks CONFIG makes the three checks of a config given as JSON, and prints them as JSON.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch.nn.functional as F

from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.config import RunConfig
from vgg_demo.data import Digits, load_train
from vgg_demo.device import make_fabric
from vgg_demo.diagnosis.measure import measure, probe_size, with_probe_gradients
from vgg_demo.diagnosis.monitor import watch
from vgg_demo.diagnosis.records import Diagnosis
from vgg_demo.diagnosis.verdict import Verdict, judge
from vgg_demo.errors import VggDemoError
from vgg_demo.text import N_, percent, short
from vgg_demo.training import StepEvent, Training
from vgg_demo.transforms import transform_batch

CHECK_IMAGES = 32
CHECK_STEPS = 100
CHECK_SECONDS = 30.0
FAR_FROM_LN_10 = 1.0


@dataclass(frozen=True)
class Check:
    """One quick check. passed: None when there was no time for it. reason: why; values: for its {names}.

    name and reason are marked with N_: the code that shows them puts them into words.
    """

    name: str
    passed: bool | None
    reason: str
    values: dict[str, float]


def diagnose_preset(config: RunConfig, steps: int) -> tuple[Verdict, Diagnosis]:
    """Train the network for the first steps of its whole run, here and without a run, and judge."""
    diagnoses, losses = _watch_steps(_training(config, load_train()), steps)
    verdict = judge(diagnoses, losses)
    assert verdict is not None  # there is a diagnosis
    return verdict, diagnoses[-1]


def diagnose_checkpoint(
    path: Path,
    steps: int = 0,
    diagnoses: Sequence[Diagnosis] = (),
    losses: Sequence[float] = (),
    epochs: Sequence[dict[str, Any]] = (),
) -> tuple[Verdict, Diagnosis]:
    """Look into a trained network and judge it, with what its run recorded, as judge takes it. Raises CheckpointError.

    steps: when given, it is trained on for as many, in memory, to see its updates too.
    """
    network, header = load_checkpoint(path)
    digits = load_train()
    probe = digits[: probe_size(header.config.model)]
    step = header.metrics.get("steps", 0)
    diagnoses = [*diagnoses, with_probe_gradients(measure(network, probe, step), network, probe)]
    if steps:
        training = _training(header.config.with_changes(device="auto"), digits)  # here, wherever it was trained before
        training.network.load_state_dict(network.state_dict())
        later, later_losses = _watch_steps(training, steps)
        diagnoses += [replace(diagnosis, step=step + diagnosis.step) for diagnosis in later]
        losses = [*losses, *later_losses]
    verdict = judge(diagnoses, losses, epochs)
    assert verdict is not None  # there is a diagnosis
    return verdict, diagnoses[-1]


def _watch_steps(training: Training, steps: int) -> tuple[list[Diagnosis], list[float]]:
    """What is measured and the losses in the next steps, or until a loss is not a number."""
    diagnoses: list[Diagnosis] = []
    losses: list[float] = []
    for event in watch(training, share=1.0, last_look=steps):
        if isinstance(event, Diagnosis):
            diagnoses.append(event)
            if event.step == steps:
                break
        elif isinstance(event, StepEvent):
            losses.append(event.loss)
            if not math.isfinite(event.loss):
                break
    return diagnoses, losses


def document(verdict: Verdict, diagnosis: Diagnosis) -> dict[str, Any]:
    """As diagnose --json gives it."""
    values = diagnosis.to_dict()
    measured = ("step", "image_signal", "layers", "answers", "shown")
    return {**verdict.to_dict(), **{name: values[name] for name in measured}}


def table(verdict: Verdict, diagnosis: Diagnosis) -> str:
    """The layers and the verdict, for people."""

    lines = [f"{'layer':<10} {'signal':>9} {'gradient':>9} {'update':>9} {'silent':>7}"]
    lines.append(f"{'image':<10} {short(diagnosis.image_signal):>9}")
    for layer in diagnosis.layers:
        figures = f"{short(layer.signal):>9} {short(layer.gradient):>9} {short(layer.update):>9}"
        silent = "–" if math.isnan(layer.silent) else percent(layer.silent, 0)
        lines.append(f"{layer.name:<10} {figures} {silent:>7}")
    return "\n".join([*lines, "", *(finding.sentence for finding in verdict.findings)])


def quick_checks(config: RunConfig) -> list[Check]:
    """What experts look at before a long run: the first loss, whether one batch can be learned, and by its images."""
    digits = load_train()
    # a batch of its own, the same at every step, at the highest learning rate that the run will have
    training = _training(config.with_changes(schedule="constant"), digits)
    batch = training.train_digits[:CHECK_IMAGES]
    images = transform_batch(batch.images, config.model)
    network, optimizer = training.model.train(), training.optimizer
    losses: list[float] = []
    started = time.monotonic()
    while len(losses) <= CHECK_STEPS and time.monotonic() - started < CHECK_SECONDS:
        optimizer.zero_grad()
        loss = F.cross_entropy(network(images), batch.labels)
        losses.append(loss.item())
        if not math.isfinite(losses[-1]) or losses[-1] < 0.1:
            break
        training.fabric.backward(loss)
        optimizer.step()
    shares = batch.labels.bincount(minlength=10) / len(batch)
    blank = -sum(float(share) * math.log(share) for share in shares if share > 0)
    return judge_checks(losses, blank)


def judge_checks(losses: list[float], blank_loss: float) -> list[Check]:
    """losses: of one batch, learned from again and again. blank_loss: the lowest that blank images allow for it."""
    first, last, steps = losses[0], losses[-1], len(losses) - 1
    begins = abs(first - math.log(10)) < FAR_FROM_LN_10
    values = {"first": first, "last": last, "steps": steps, "images": CHECK_IMAGES, "blank": blank_loss}
    start = N_("the first loss is {first:.2f}; knowing nothing of ten digits is ln 10 = 2.30")
    in_time = steps >= CHECK_STEPS or last < blank_loss / 4 or not math.isfinite(last)
    learned = N_("after {steps} steps on the same {images} digits the loss is {last:.2f}")
    if not in_time:
        learned = N_(
            "after {steps} steps on the same {images} digits the loss is {last:.2f}; there was no time for more steps"
        )
    blank = N_("the loss is {last:.2f}; with blank images it could not fall below {blank:.2f}")
    return [
        Check(N_("The loss at the start is about ln 10"), begins, start, values),
        Check(
            N_("It can learn one batch by heart"),
            last < blank_loss / 4 or (False if in_time else None),
            learned,
            values,
        ),
        Check(N_("It beats a blank image"), last < blank_loss - 0.2 or (False if in_time else None), blank, values),
    ]


def _training(config: RunConfig, digits: Digits) -> Training:
    return Training(config, digits, make_fabric(config.train.device, config.train.precision))


def main(arguments: list[str]) -> int:
    """Make the checks of one config."""
    try:
        checks = quick_checks(RunConfig.from_dict(json.loads(arguments[0])))
    except VggDemoError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps([asdict(check) for check in checks]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
