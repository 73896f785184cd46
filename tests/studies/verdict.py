"""How often the verdict is right: networks broken on purpose, and healthy ones, with many seeds.

python -m tests.studies.verdict SEEDS FILE [NAME…] appends one line a training to FILE: all that was measured.
python -m tests.studies.verdict FILE               judges what lies there, after every few steps.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vgg_demo import config as settings
from vgg_demo.config import RunConfig
from vgg_demo.diagnosis import verdict
from vgg_demo.diagnosis.records import Diagnosis
from vgg_demo.diagnosis.verdict import judge
from vgg_demo.presets import get_preset


@dataclass(frozen=True)
class Case:
    """A training whose verdict is known. images: how many it has, of the first of MNIST; all of them without."""

    name: str
    expected: str
    config: RunConfig
    prepare: Callable[[Any], None] | None = None
    images: int | None = None


def cases() -> list[Case]:
    """The broken ones, several a kind, and the healthy ones."""
    blog, fixed, bn, classroom = (
        get_preset(name).config.with_changes(steps=50) for name in ("blog-mini", "fixed-mini", "bn-mini", "classroom")
    )
    bare = classroom.with_changes(batch_norm=False, init="he", schedule="constant", learning_rate=0.001)
    few = replace(
        bare, train=replace(bare.train, steps=None, epochs=40, batch_size=50, validation_images=200)
    ).with_changes(learning_rate=0.003)
    return [
        Case("blog-mini", verdict.NOT_REACHED, blog),
        Case("blog-mini, SGD 0.01", verdict.NOT_REACHED, blog.with_changes(optimizer="sgd", learning_rate=0.01)),
        Case("VGG-19, width 1/8", verdict.NOT_REACHED, blog.with_changes(plan="vgg19", width=0.125)),
        Case("fixed-mini, Adam 0.1", verdict.TOO_HIGH, fixed.with_changes(learning_rate=0.1)),
        Case("fixed-mini, Adam 0.01", verdict.TOO_HIGH, fixed.with_changes(learning_rate=0.01)),
        Case("small VGG, Adam 1", verdict.TOO_HIGH, bare.with_changes(learning_rate=1.0)),
        Case("small VGG, SGD 1", verdict.TOO_HIGH, bare.with_changes(optimizer="sgd", learning_rate=1.0)),
        Case("fixed-mini, Adam 1e-6", verdict.TOO_LOW, fixed.with_changes(learning_rate=1e-6)),
        Case("small VGG, SGD 1e-6", verdict.TOO_LOW, bare.with_changes(optimizer="sgd", learning_rate=1e-6)),
        Case("classroom, AdamW 1e-6", verdict.TOO_LOW, classroom.with_changes(learning_rate=1e-6)),
        Case("fixed-mini, bias -20", verdict.DIED, fixed, _kill_layer(6)),
        Case("small VGG, bias -50", verdict.DIED, bare, _kill_layer(2, -50.0)),
        Case("half the labels wrong", verdict.MEMORISES, few, _wrong_labels(0.5), images=700),
        Case("random labels", verdict.MEMORISES, few, _wrong_labels(1.0), images=500),
        Case("classroom", verdict.LEARNING, classroom.with_changes(steps=100)),
        Case("fixed-mini", verdict.LEARNING, fixed.with_changes(steps=150)),
        Case("bn-mini", verdict.LEARNING, bn),
        Case("best", verdict.LEARNING, get_preset("best").config.with_changes(steps=30)),
    ]


def _kill_layer(index: int, value: float = -20.0) -> Callable[[Any], None]:
    def kill(training: Any) -> None:
        from vgg_demo.diagnosis.measure import weight_layers

        bias = weight_layers(training.network)[index][1].bias
        assert bias is not None
        bias.data.fill_(value)

    return kill


def _wrong_labels(share: float) -> Callable[[Any], None]:
    def shuffle(training: Any) -> None:
        import torch

        labels = training.train_digits.labels
        generator = torch.Generator().manual_seed(training.config.train.seed)
        chosen = torch.randperm(len(labels), generator=generator)[: round(share * len(labels))]
        labels[chosen] = labels[chosen[torch.randperm(len(chosen), generator=generator)]]

    return shuffle


def train(case: Case, seed: int, fabric: Any, digits: Any) -> dict[str, Any]:
    """One training, watched without a limit on what looking costs; everything that was measured."""
    from vgg_demo.diagnosis.monitor import watch
    from vgg_demo.training import Training

    whole = settings.MNIST_TRAIN_IMAGES
    settings.MNIST_TRAIN_IMAGES = case.images or whole
    try:
        training = Training(case.config.with_changes(seed=seed), digits[: case.images or whole], fabric)
        if case.prepare:
            case.prepare(training)
        events = []
        for event in watch(training, share=100.0):
            events.append(event.to_dict())
            loss = events[-1].get("loss")
            if loss is not None and loss != loss:  # NaN: a run would end here
                break
    finally:
        settings.MNIST_TRAIN_IMAGES = whole
    return {"case": case.name, "expected": case.expected, "seed": seed, "events": events}


def verdicts(events: list[dict[str, Any]]) -> Iterator[tuple[int, verdict.Verdict]]:
    """The verdict whenever something new was measured, with the step: each from what was known by then alone."""
    diagnoses: list[Diagnosis] = []
    losses: list[float] = []
    epochs: list[dict[str, Any]] = []
    for event in events:
        if event["event"] == "diagnosis":
            diagnoses.append(Diagnosis.from_dict(event))
        elif event["event"] == "step":
            losses.append(event["loss"])
        else:
            epochs.append(event)
        if event["event"] != "step" or len(losses) % 5 == 0 or losses[-1] != losses[-1]:
            result = judge(diagnoses, losses, epochs)
            if result is not None:
                yield len(losses), result


def table(lines: list[str]) -> str:
    """For each case: seeds, how often the last verdict's cause was right, and how many runs had any false alarm."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        training = json.loads(line)
        all_verdicts = list(verdicts(training["events"]))
        final = all_verdicts[-1][1]
        others = {v.kind for _, v in all_verdicts if not v.is_healthy and v.kind != training["expected"]}
        right = final.kind == training["expected"]
        rows.setdefault(training["case"], []).append({"right": right, "final": final, "others": others, **training})
    text = []
    for name, trainings in rows.items():
        right = sum(row["right"] for row in trainings)
        alarms = sum(bool(row["others"]) for row in trainings)
        wrong = sorted({row["final"].kind for row in trainings if not row["right"]})
        text.append(
            f"{name:<24} {trainings[0]['expected']:<38} {right:>2}/{len(trainings):<2} right, "
            f"another verdict meanwhile in {alarms:>2}  {'; '.join(wrong)}"
        )
    return "\n".join(text)


def main(arguments: list[str]) -> int:
    """Train and measure, or judge."""
    if len(arguments) == 1:
        print(table(Path(arguments[0]).read_text("utf-8").splitlines()))
        return 0
    from vgg_demo.data import load_train
    from vgg_demo.device import make_fabric

    fabric = make_fabric()
    digits = load_train()
    with Path(arguments[1]).open("a", encoding="utf-8") as file:
        for seed in range(int(arguments[0])):
            for case in cases():
                if not arguments[2:] or case.name in arguments[2:]:
                    file.write(json.dumps(train(case, seed, fabric, digits)) + "\n")
                    file.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
