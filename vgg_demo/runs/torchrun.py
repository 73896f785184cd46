"""One run by several processes: torchrun --nproc-per-node=N -m vgg_demo train … starts this command N times.

Process 0 leads: it alone has the run folder, and works as any worker does. The others follow: they take part in every
step, and receive after each event whether to stop. When one dies, all end.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from vgg_demo.config import RunConfig
from vgg_demo.data import load_train
from vgg_demo.device import make_fabric
from vgg_demo.errors import RunFailedError, VggDemoError, first_line
from vgg_demo.runs.processes import ignore, lower_priority
from vgg_demo.runs.spawning import TRAINING_NICENESS
from vgg_demo.runs.store import Run
from vgg_demo.runs.worker import run_worker
from vgg_demo.text import N_
from vgg_demo.training import Training

LONGEST_SILENCE = timedelta(days=7)  # a pause may be long; a process that dies is noticed at once


def train_together(
    open_run: Callable[[], Run], on_open: Callable[[Run], None], attempt: int | None = None
) -> Run | None:
    """Train, in every process. Returns the run in process 0 when it is over, and None in the others.

    open_run: creates or resumes the run, in process 0 alone, which then calls on_open. Raises what open_run raises
    there, and RunFailedError in the others when process 0 has ended. attempt: as in run_worker.
    """
    ignore("SIGINT")  # torchrun turns it into SIGTERM, which process 0 obeys
    lower_priority(os.getpid(), TRAINING_NICENESS)
    with process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"):
        if dist.get_rank() == 0:
            return lead(open_run, on_open, attempt)
        ignore("SIGTERM")
        follow()
        return None


def lead(open_run: Callable[[], Run], on_open: Callable[[Run], None], attempt: int | None) -> Run:
    """Work on the run as a worker does."""
    try:
        run = open_run()
    except VggDemoError:
        broadcast_object(None)
        raise
    broadcast_object(run.config())
    on_open(run)
    run_worker(run, attempt=attempt)
    return run


def follow() -> None:
    """Train with the config of process 0, to the end. Raises RunFailedError when that process has ended."""
    config: RunConfig | None = broadcast_object(None)
    if config is None:
        return
    try:
        training = Training(config, load_train(), make_fabric(config.train.device, config.train.precision))
        if saved := training.fabric.broadcast(None):
            training.load_state_dict(saved["training"])
        for _event in training.run():
            stop_asked, training.learning_rate_override = training.fabric.broadcast((False, None))
            if stop_asked:
                return
    except RuntimeError as error:
        raise RunFailedError(
            N_("process {rank} failed: it has lost touch with the others ({error})"),
            rank=dist.get_rank(),
            error=first_line(error),
        ) from None


@contextmanager
def process_group(backend: str) -> Iterator[None]:
    """Connect the processes that torchrun started.

    The group's threads must end with it: a process that ends before them can be aborted. torch.distributed.nn keeps
    them alive unless it is imported before the group is made.
    Source: https://github.com/pytorch/pytorch/issues/190489.
    """
    import torch.distributed.nn  # noqa: F401

    dist.init_process_group(backend, timeout=LONGEST_SILENCE)
    try:
        yield
    finally:
        dist.destroy_process_group()


def broadcast_object(value: Any) -> Any:
    """Process 0's value, in every process."""
    values = [value]
    dist.broadcast_object_list(values, 0, device=torch.device("cpu"))
    return values[0]
