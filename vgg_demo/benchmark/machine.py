"""What the figures were measured on, and with what."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import psutil
import torch

from vgg_demo.benchmark.rows import Effort, Row
from vgg_demo.config import PRESETS

PACKAGES = ("torch", "torchvision", "lightning-fabric", "streamlit", "numpy", "pillow")


def machine() -> dict[str, Any]:
    """The hardware and the versions. No graphics card is used."""
    return {
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory": f"{psutil.virtual_memory().total / 1e9:.1f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }


def processor_name() -> str:
    """As the system calls it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def as_document(rows: list[Row], effort: Effort) -> dict[str, Any]:
    """Everything as plain JSON values."""
    from vgg_demo.benchmark.example import EXAMPLE_SEED, QUICK_SEEDS, SEEDS

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
