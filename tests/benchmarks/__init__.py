"""The README's figures, measured side by side on this machine: python -m tests.benchmarks.

Each part is a module with measure(effort) -> rows; nothing heavy is imported before a part is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.benchmarks.rows import Effort, Row

PARTS = {  # name: what it answers, in the order of the table
    "loops": "our training loop beside the same network in a bare PyTorch loop",
    "breakdown": "where the time of a step of classroom and of blog goes",
    "example": "time to 99.0 % of test digits: our classroom preset and PyTorch's MNIST example",
    "pipeline": "the batched transform and the story's PIL pipeline, images of 224×224",
    "story": "a step of our blog and vgg16-gpu presets and of the story's own loop",
    "watching": "what watching a run costs the server and the network",
    "sharing": "what a training keeps of its speed beside another program and another training",
    "loads": "memory of the server over many page loads",
    "lesson_hour": "a class of thirty on one page: what each waits for, and what a training keeps of its speed",
    "cluster": "many short runs on a Ray cluster of two nodes: is one lost, and what a run costs beside its training",
    "gpu": "one GPU: an epoch of blog and of the story's loop, vgg16-gpu, classroom and best",
    "startup": "the command line and the page from a fresh process; the files are in the system's cache",
}


def measure(effort: Effort, only: Iterable[str] = ()) -> Iterator[Row]:
    """The rows of all parts, or of those named, each as soon as it is known."""
    chosen = set(only) or set(PARTS)
    for part in PARTS:
        if part in chosen:
            yield from importlib.import_module(f"tests.benchmarks.{part}").measure(effort)
