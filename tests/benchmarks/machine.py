"""What the figures were measured on, and with what."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

PACKAGES = ("torch", "torchvision", "lightning-fabric", "pytorch-lightning", "streamlit", "numpy", "pillow")


def machine() -> dict[str, Any]:
    """The hardware and the versions. Only the part gpu uses a graphics card."""
    return {
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory": memory(),
        "graphics card": graphics_card(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{package: package_version(package) for package in PACKAGES},
    }


def memory() -> str:
    """All of the computer's."""
    try:
        import psutil  # not everywhere: the part gpu does without it
    except ImportError:
        return "unknown"
    return f"{psutil.virtual_memory().total / 1e9:.1f} GB"


def graphics_card() -> str:
    """The first that CUDA sees, with its memory and the versions of CUDA and cuDNN."""
    if not torch.cuda.is_available():
        return "none"
    card = torch.cuda.get_device_properties(0)
    libraries = f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"  # type: ignore[no-untyped-call]
    return f"{card.name}, {card.total_memory / 1e9:.0f} GB, {libraries}"


def package_version(package: str) -> str:
    """As it is installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def processor_name() -> str:
    """As the system calls it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
