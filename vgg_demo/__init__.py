"""VGG Demo: train a VGG network on MNIST, evaluate it, and draw digits for it to read.

Nothing is imported before it is used: each name below loads its module on first access.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

# Read when torch is loaded. OpenMP's threads wait by spinning, which starves other processes on few cores; a 30th of
# the default costs nothing when alone, and makes two trainings side by side ten times faster.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

# The cores that this process may use, as it was started: once torch is loaded, its first thread may be kept on one.
CORES = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None

_HOMES = {
    "PRESETS": "config",
    "ModelConfig": "config",
    "RunConfig": "config",
    "TrainConfig": "config",
    "VGG": "model",
    "evaluate": "evaluation",
    "load_checkpoint": "checkpoint",
    "load_mnist": "data",
    "prepare_digit": "drawing",
    "save_checkpoint": "checkpoint",
    "story_transform": "transforms",
    "transform_batch": "transforms",
}

__all__ = [*_HOMES]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
