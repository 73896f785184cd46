"""The lines of metrics.jsonl: what each kind of event holds."""

from __future__ import annotations

from vgg_demo.schema import LONGEST, Kind, number, optional, whole

MOST_IMAGES = 1_000_000

STEP: dict[str, Kind] = {
    "step": whole(1),
    "loss": optional(number()),
    "learning_rate": number(0),
    "seconds": number(0, LONGEST),
    "images": whole(0, MOST_IMAGES),
}
EPOCH: dict[str, Kind] = {
    "step": whole(1),
    "epoch": whole(1),
    "average_loss": optional(number()),
    "val_loss": optional(number()),
    "val_accuracy": optional(number(0, 1)),
}
SCHEDULE: dict[str, Kind] = {"step": whole(), "total_steps": whole(1)}
LEARNING_RATE: dict[str, Kind] = {"step": whole(), "learning_rate": number(0)}
