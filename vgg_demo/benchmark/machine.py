"""What the figures were measured on, and with what."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import Any

import psutil
import torch

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
