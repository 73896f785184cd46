"""How long a training takes on this machine: measured by taking a few steps of it, and remembered.

python -m vgg_demo.runs.cost [PRESET or JSON…] measures in a process of its own, so that nothing else has to wait.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import platform
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from vgg_demo.architecture import count_parameters, features, forward_flops
from vgg_demo.config import RunConfig
from vgg_demo.errors import FormatError, VggDemoError
from vgg_demo.files import write_text
from vgg_demo.presets import PRESETS, get_preset
from vgg_demo.runs.store import home, store_lock
from vgg_demo.runs.timing import StepTimes
from vgg_demo.schema import LONGEST, number, read_json

PROBE_FLOPS = 5e11  # about five seconds on a slow laptop: larger batches are measured in part and scaled up
PROBE_SECONDS = 0.5
PROBE_STEPS = 3  # at least
PROBE_PATIENCE_SECONDS = 5.0  # for a moment in which nothing disturbs
PROCESS_BYTES = 900_000_000  # Python, torch and MNIST, before there is a network


def estimate_seconds(config: RunConfig) -> float | None:
    """About how long the whole run takes here, or None when nothing has been measured yet."""
    per_step = _read_speeds().get(_key(config))
    return None if per_step is None else per_step * config.train.total_steps


def record_speed(config: RunConfig, seconds_per_step: float) -> None:
    """Remember what a step took. A place that cannot be written is no reason to fail: it is measured again."""
    with contextlib.suppress(OSError, VggDemoError), store_lock():
        write_text(_speeds_path(), json.dumps({**_read_speeds(), _key(config): seconds_per_step}))


def measure_step(config: RunConfig) -> float:
    """Seconds that one step of this training takes, from a few real ones. Large batches are measured in part."""
    from vgg_demo.data import load_train
    from vgg_demo.device import make_fabric
    from vgg_demo.training import Training

    training = Training(config, load_train(), make_fabric(config.train.device, config.train.precision))
    part = max(1, min(config.train.batch_size, int(PROBE_FLOPS / (3 * forward_flops(config.model)))))

    def seconds_for(batch_size: int) -> float:
        training.config = replace(config, train=replace(config.train, batch_size=batch_size, steps=None, epochs=1000))
        events, times = training.run(), StepTimes()
        started = before = time.perf_counter()
        while True:
            next(events)  # it holds the loss, which a GPU has computed then
            now = time.perf_counter()
            times.add(now - before)
            before, taken = now, now - started
            if taken > PROBE_SECONDS and (median := times.median(PROBE_STEPS)) is not None:
                return median
            if taken > PROBE_PATIENCE_SECONDS and len(times.disturbed) >= PROBE_STEPS:
                return statistics.median([*times.disturbed, *times.undisturbed])  # a first guess, until one is trained

    whole = seconds_for(part)
    if part == config.train.batch_size:
        return whole
    # a fixed share (the optimiser's) and one that grows with the batch: two sizes separate them
    half = seconds_for(max(1, part // 2)) if part > 1 else 0.0
    per_image = (whole - half) / (part - part // 2) if part > 1 else whole
    return whole + max(per_image, 0.0) * (config.train.batch_size - part)


def estimate_memory(config: RunConfig) -> int:
    """About how many bytes of memory the training needs: the process, the weights with what the optimiser keeps, and
    what the forward pass leaves for the backward pass. Checked against measured peaks (README)."""
    model, train = config.model, config.train
    copies = {"adam": 4, "adamw": 4, "sgd": 3}[train.optimizer] + (1 if train.average_weights else 0)
    values, kept, largest = 0, 0, model.channels * model.image_size**2
    for layer in features(model):
        if layer.kind == "conv":
            values = math.prod(layer.outputs)
            kept += values * (2 if model.batch_norm else 1)
            largest = max(largest, values)
        elif layer.kind == "pool":
            kept += values // 4 * 3  # values and, twice as wide, the places that they came from
    per_image = 4 * (kept + 2 * largest)
    return PROCESS_BYTES + 4 * copies * count_parameters(model) + train.batch_size * per_image


def _key(config: RunConfig) -> str:
    """What decides the time of a step: the network, the batch, and this machine."""
    train = config.train
    extras = [train.augment > 0, train.handwriting_styles > 0, train.average_weights > 0, train.self_distillation > 0]
    training = [train.batch_size, train.optimizer, *extras, train.precision]
    machine = [train.device, platform.node(), os.cpu_count()]
    parts: list[Any] = [config.to_dict()["model"], *training, *machine]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _speeds_path() -> Path:
    return home() / ".speed.json"


def _read_speeds() -> dict[str, float]:
    """Seconds a step, by the key of a config; what is no number of seconds is left out."""
    try:
        values = read_json(_speeds_path())
    except (OSError, FormatError):
        return {}
    speeds = {}
    for key, seconds in values.items() if isinstance(values, dict) else ():
        with contextlib.suppress(FormatError):
            speeds[key] = number(0, LONGEST)(seconds)
    return speeds


def main(arguments: list[str], seconds: float = math.inf) -> int:
    """Measure what has not been measured yet: presets by name or whole configs as JSON; all presets without any.

    seconds: after which no further measurement begins; the cheap ones come first.
    """
    deadline = time.monotonic() + seconds
    try:
        configs = [
            RunConfig.from_dict(json.loads(text)) if text.startswith("{") else get_preset(text).config
            for text in arguments or PRESETS
        ]
        for config in sorted(configs, key=cost):
            if estimate_seconds(config) is None and time.monotonic() < deadline:
                record_speed(config, measure_step(config))
    except VggDemoError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def cost(config: RunConfig) -> float:
    """What a step costs, for putting the cheap ones first."""
    return forward_flops(config.model) * config.train.batch_size


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
