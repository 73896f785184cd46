"""Start runs, queue them and go on with them. They go on when the process that calls this ends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import replace

from vgg_demo.config import RunConfig
from vgg_demo.errors import RunError
from vgg_demo.files import write_text
from vgg_demo.runs.class_settings import read_class_settings
from vgg_demo.runs.engines import engine
from vgg_demo.runs.engines.local import LocalEngine
from vgg_demo.runs.pinned import PinnedDigit, pin
from vgg_demo.runs.store import Prepare, Run, create_run, store_lock
from vgg_demo.text import N_


def start_run(
    config: RunConfig,
    name: str | None = None,
    here: bool = False,
    attached: bool = False,
    prepare: Prepare | None = None,
) -> Run:
    """Make a run folder and start a process that works in it, now. Raises RunError or StorageError.

    here: this very process is going to work in it. attached: the run is stopped when this process ends.
    """
    if not here:
        engine().require()
    with store_lock():  # held from the first moment: no other process may start it as a waiting run
        run = create_run(config, name, prepare=prepare)
        _launch(run, here, attached)
    return run


def queue_run(
    config: RunConfig,
    owner: str | None,
    pinned: Iterable[PinnedDigit] = (),
    prepare: Prepare | None = None,
) -> Run:
    """Make a run folder that waits for its turn, which may be at once; it watches the pinned digits.

    Raises RunError when no training can be started, StorageError, and what prepare raises.
    """

    def prepare_and_pin(run: Run) -> None:
        if prepare:
            prepare(run)
        for digit in pinned:
            pin(run, digit)

    engine().require()
    run = create_run(config, owner=owner, prepare=prepare_and_pin)
    dispatch()
    return run


def resume_run(run: Run, in_queue: bool = False, here: bool = False, attached: bool = False) -> None:
    """Go on from the last save with a run that has stopped, failed or died. Raises RunError when it has not.

    here and attached: as in start_run.
    """
    if run.status().state == "finished":
        raise RunError(N_("run {name!r} has finished; there is nothing to resume"), name=run.name)
    if not here:
        engine().require()
    with store_lock():
        if not run.status().is_over:
            raise RunError(N_("run {name!r} is still going; there is nothing to resume"), name=run.name)
        _wait_or_launch(run, in_queue, here, attached)
    dispatch()


def continue_run(run: Run, epochs: int, in_queue: bool = False) -> None:
    """Train a run that is over for more epochs. Raises RunError while it goes on, ConfigError for odd epochs."""
    engine().require()
    with store_lock():
        config = run.config()
        if not run.status().is_over:
            raise RunError(N_("run {name!r} is still going; it can be continued when it is over"), name=run.name)
        if config.train.steps is None:
            longer = replace(config.train, epochs=config.train.epochs + epochs)
        else:
            longer = replace(config.train, steps=config.train.steps + epochs * config.train.steps_per_epoch)
        write_text(run.config_path, json.dumps(replace(config, train=longer).to_dict(), indent=1))
        _wait_or_launch(run, in_queue)
    dispatch()


def withdraw_run(run: Run) -> None:
    """Take a waiting run out of the queue. Raises RunError when it has started already."""
    with store_lock():
        if run.status().state != "queued":
            raise RunError(N_("run {name!r} does not wait any more"), name=run.name)
        run.update_status(state="stopped", ended=time.time(), reason=N_("withdrawn before it started"))


def dispatch() -> None:
    """Start waiting runs as long as there is room, unless the teacher has paused the queue."""
    if not read_class_settings().queue_paused:
        engine().dispatch()


def _wait_or_launch(run: Run, in_queue: bool, here: bool = False, attached: bool = False) -> None:
    """Put a run that is over into the queue, or start it now; the store's lock is held."""
    changes = {"attempt": run.stored_status().attempt + 1, "control_from": run.commands_size()}
    run.update_status(state="queued", queued=time.time(), reason=None, ended=None, engine=None, deaths=0, **changes)
    if not in_queue:
        _launch(run, here, attached)


def _launch(run: Run, here: bool = False, attached: bool = False) -> None:
    """Start the process for a run that none works on; the store's lock is held. here and attached: as in start_run.

    Raises RunError when one works on it.
    """
    if run.status().is_active:
        raise RunError(N_("run {name!r} is still going; two processes cannot work on one run"), name=run.name)
    if here:
        LocalEngine().work_here(run)
    else:
        engine().launch(run, attached)
