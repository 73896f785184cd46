"""One run by several processes: torchrun --nproc-per-node=N -m vgg_demo train … starts this command N times.

Process 0 leads: it alone has the run folder, and does what a worker does. The others take part in every step and hear
from it after each whether to go on. Where one dies, all end.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import torch

from vgg_demo.config import RunConfig
from vgg_demo.data import load_train
from vgg_demo.device import make_fabric
from vgg_demo.errors import RunFailedError, VggDemoError, first_line
from vgg_demo.runs.manager import TRAINING_NICENESS
from vgg_demo.runs.processes import lower_priority
from vgg_demo.runs.store import Run
from vgg_demo.runs.worker import run_worker
from vgg_demo.together import Team, process_group
from vgg_demo.training import Training


def train_together(open_run: Callable[[], Run], on_open: Callable[[Run], None]) -> Run | None:
    """Train, in every process of the team. Returns the run in process 0 when it is over, and None in the others.

    open_run: makes or takes up the run, in process 0 alone, which then calls on_open. Raises what open_run raises
    there, and RunFailedError in the others when process 0 has gone.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # torchrun turns it into SIGTERM, which the leader obeys
    lower_priority(os.getpid(), TRAINING_NICENESS)
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    with process_group(backend) as team:
        if team.rank == 0:
            return lead(team, open_run, on_open)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        take_part(team)
        return None


def lead(team: Team, open_run: Callable[[], Run], on_open: Callable[[Run], None]) -> Run:
    """Work on the run as a worker does."""
    try:
        run = open_run()
        team.hand_out(run.config())
    except VggDemoError:
        team.hand_out(None)
        raise
    on_open(run)
    run_worker(run, load_train, own_output=False)
    return run


def take_part(team: Team) -> None:
    """Train as the leader says, to the end. Raises RunFailedError when it has gone."""
    config: RunConfig | None = team.hand_out(None)
    if config is None:
        return
    try:
        training = Training(config, load_train(), make_fabric(config.train.device, config.train.precision))
        if saved := team.hand_out(None):
            training.load_state_dict(saved["training"])
        for _event in training.run():
            go_on, training.learning_rate_override = team.hear()
            if not go_on:
                return
    except RuntimeError as error:
        raise RunFailedError(
            f"process {team.rank} failed: it has lost touch with the others ({first_line(error)})"
        ) from None
