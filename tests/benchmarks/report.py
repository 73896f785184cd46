"""The table of the benchmark, a line as soon as it is known, and the document of all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from tests.benchmarks import PARTS, measure
from tests.benchmarks.example import EXAMPLE_SEED, QUICK_SEEDS, SEEDS
from tests.benchmarks.machine import machine
from tests.benchmarks.rows import Effort, Row
from vgg_demo.presets import PRESETS


def run_benchmark(effort: Effort, only: Iterable[str], say: Callable[[str], None]) -> dict[str, Any]:
    """Measure, say each line of the table, and return everything as plain JSON values."""
    for name, value in machine().items():
        say(f"{name:<18} {value}")
    say("\nmedian, then lowest to highest of n values")
    rows: list[Row] = []
    for row in measure(effort, only):
        if not rows or rows[-1].part != row.part:
            say(f"\n{PARTS[row.part]}")
        say(row.as_line())
        rows.append(row)
    return as_document(rows, effort)


def as_document(rows: list[Row], effort: Effort) -> dict[str, Any]:
    """Everything as plain JSON values."""
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "machine": machine(),
        "effort": asdict(effort),
        "seeds": {
            "presets": {name: preset.config.train.seed for name, preset in PRESETS.items()},
            "classroom, time to 99.0 %": QUICK_SEEDS if effort.quick else SEEDS,
            "PyTorch's example": EXAMPLE_SEED,
        },
        "rows": [row.to_dict() for row in rows],
    }
