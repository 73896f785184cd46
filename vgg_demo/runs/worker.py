"""The process that trains.

python -m vgg_demo.runs.worker RUN_FOLDER [attached]

It alone writes the run's events, log and checkpoints, and its status while it lives. It obeys control.jsonl.
attached: it stops when its parent ends, which holds a pipe to its standard input.
"""

from __future__ import annotations

import contextlib
import copy
import math
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from vgg_demo.architecture import count_parameters
from vgg_demo.checkpoint import save_checkpoint
from vgg_demo.data import Digits, load_train
from vgg_demo.device import make_fabric, precision_here, typed_memory_errors
from vgg_demo.diagnosis.monitor import watch
from vgg_demo.diagnosis.records import Diagnosis
from vgg_demo.errors import RunError, VggDemoError
from vgg_demo.language import ENGLISH, speaking
from vgg_demo.recipe.schedule import LearningRateOverride
from vgg_demo.runs.claims import Claim, take
from vgg_demo.runs.class_digits import go_on_from_start, with_class_digits
from vgg_demo.runs.control import Control
from vgg_demo.runs.cost import record_speed
from vgg_demo.runs.manager import dispatch
from vgg_demo.runs.probabilities import ProbabilityMeter
from vgg_demo.runs.processes import when_parent_ends
from vgg_demo.runs.queue import others_wait
from vgg_demo.runs.reasons import explain
from vgg_demo.runs.recorder import Recorder
from vgg_demo.runs.resume import read_resume, write_resume
from vgg_demo.runs.store import Run
from vgg_demo.runs.timing import Pacer, StepTimes
from vgg_demo.text import N_, Message
from vgg_demo.training import StepEvent, Training

SAVE_EVERY_SECONDS = 15.0
SAVE_SHARE = 0.05  # of the time at most goes into saving
KEEP_EVERY_SECONDS = 1.0  # a copy of good weights in memory, for when the loss becomes NaN
KEEP_SHARE = 0.01
KEEP_MOST_PARAMETERS = 20_000_000  # of larger networks only what was saved is kept
ENOUGH_STEPS = 20  # to say how long one takes
RESERVE_BYTES = 64 * 1024
PAUSE_POLL_SECONDS = 0.03
LONGEST_PAUSE_SECONDS = 300.0  # while others wait


class Worker:
    """One run, from where it stands to its end."""

    def __init__(self, run: Run, digits: Digits, claim: Claim) -> None:
        self.run, self.claim = run, claim
        self.config = run.config()
        self.control = Control(run)
        digits = with_class_digits(run, self.config, digits)
        self.training = Training(
            self.config, digits, make_fabric(self.config.train.device, self.config.train.precision)
        )
        saved = self.training.fabric.broadcast(read_resume(run))
        if saved:
            self.training.load_state_dict(saved["training"])
        else:
            go_on_from_start(run, self.training)
        self.recorder = Recorder(run, self.config, saved and saved["recorder"], claim)
        self.saving = Pacer(SAVE_EVERY_SECONDS, SAVE_SHARE)
        self.keeping = Pacer(KEEP_EVERY_SECONDS, KEEP_SHARE)
        self.good_state: dict[str, Any] | None = None
        self.saved_step = self.training.step if saved else -1
        self.step_times = StepTimes()
        self.meter = ProbabilityMeter(run, self.training)
        self.paused_at: float | None = None  # the seconds of training when it was paused
        self.recorder.write_schedule(self.training.step, self.config.train.total_steps)

    def work(self) -> None:
        """Train, record, obey, save; at the end write the checkpoint and the final status."""
        before = self.recorder.seconds
        self.measure_pinned()
        for event in watch(self.training):
            self.recorder.write(event)
            if isinstance(event, Diagnosis):
                continue  # the step that it looked at is not recorded yet: nothing can be saved here
            if isinstance(event, StepEvent):
                now = self.recorder.seconds  # without pauses
                self.step_times.add(now - before)
                before = now
                if not math.isfinite(event.loss):
                    self._give_up_on_nan(event)
            self.obey("step" if isinstance(event, StepEvent) else "epoch")
            self.measure_pinned(is_epoch_end=not isinstance(event, StepEvent))
            self.training.fabric.broadcast((self.control.stop_asked, self.training.learning_rate_override))
            if self.control.stop_asked:
                break
            if self.keeping.is_due and count_parameters(self.config.model) <= KEEP_MOST_PARAMETERS:
                self.keeping.run(self._keep_good_state)
            if self.saving.is_due:
                self.saving.run(self.save)
                self._record_speed()  # for those who wait for their turn
        self.save()
        finished = self.training.step >= self.config.train.total_steps
        self._record_speed()
        self.claim.require()
        self.run.update_status(state="finished" if finished else "stopped", ended=time.time(), result=self.result())

    def _record_speed(self) -> None:
        """Record how long a step takes here with these settings, once enough were undisturbed."""
        seconds = self.step_times.median(ENOUGH_STEPS)
        if seconds is not None and self.training.fabric.world_size == 1:
            record_speed(self.config, seconds)

    def obey(self, event: str) -> None:
        """Do what was asked since the last event; while paused, wait here."""
        self.control.poll()
        self.control.happened(event)
        if self.control.paused and not self.control.stop_asked:
            self._pause()
        if self.control.learning_rate is not None:
            override = LearningRateOverride(self.control.learning_rate, self.training.step)
            self.training.learning_rate_override = override
            self.recorder.write_learning_rate(self.training.step, self.control.learning_rate)
            self.control.learning_rate = None
            self.save()  # a change by hand is not lost with the process

    def measure_pinned(self, is_epoch_end: bool = False) -> None:
        """Record what the network says to the pinned digits, when it is time for it."""
        seconds = self.recorder.seconds if self.paused_at is None else self.paused_at
        if self.control.pins_changed:
            self.control.pins_changed = False
            self.meter.refresh(seconds)
        if digits := self.meter.measure(seconds, is_epoch_end):
            self.recorder.write_probabilities(self.training.step, digits, self.meter.cost_seconds)

    def save(self) -> None:
        """Write resume.pt and model.safetensors, each whole or not at all; never weights that are not all numbers.

        Raises StorageError, and RunError when the claim is lost.
        """
        self.claim.require()
        if not self._weights_are_finite():
            return
        self.saved_step = self.training.step
        write_resume(self.run, self._state())
        self.save_network()

    def save_network(self) -> None:
        """Write model.safetensors, whole or not at all. Its metrics say nothing of this machine's folders.

        Its config says how precisely it was computed, which may be another way than was asked for.
        """
        metrics = {name: value for name, value in self.result().items() if name != "checkpoint"}
        train = self.config.train
        config = self.config.with_changes(precision=precision_here(train.device, train.precision))
        save_checkpoint(self.run.checkpoint_path, self.training.trained_network, config, metrics)

    def result(self) -> dict[str, Any]:
        """The figures so far, as train --json gives them."""
        epoch = self.recorder.last_epoch
        just_ended = epoch is not None and epoch["step"] == self.training.step
        seconds = self.recorder.seconds
        images = self.training.step * self.config.train.batch_size
        return {
            "run": self.run.name,
            "preset": self.config.preset,
            "steps": self.training.step,
            "average_loss": epoch["average_loss"] if epoch and just_ended else self.training.average_loss,
            "val_accuracy": epoch["val_accuracy"] if epoch else None,
            "seconds": round(seconds, 3),
            "images_per_second": round(images / seconds, 1) if seconds else None,
            "checkpoint": str(self.run.checkpoint_path),
        }

    def _pause(self) -> None:
        """Wait until something else is asked for. The time does not count as training."""
        started, self.paused_at = time.perf_counter(), self.recorder.seconds
        self.recorder.flush()
        self.save()
        self.run.update_status(state="paused")
        while self.control.paused and not self.control.stop_asked:
            time.sleep(PAUSE_POLL_SECONDS)
            self.control.poll()
            if self.control.pins_changed:
                self.measure_pinned()
                self.recorder.flush()
            self.claim.require()
            if time.perf_counter() - started > LONGEST_PAUSE_SECONDS and others_wait(self.run):
                self.control.stop_asked = True
        self.recorder.started += time.perf_counter() - started
        self.paused_at = None
        if not self.control.stop_asked:
            self.run.update_status(state="running")

    def _weights_are_finite(self) -> bool:
        return all(bool(torch.isfinite(parameter).all()) for parameter in self.training.network.parameters())

    def _keep_good_state(self) -> None:
        if self._weights_are_finite():
            self.good_state = copy.deepcopy(self._state())

    def _state(self) -> dict[str, Any]:
        """What resume.pt holds."""
        return {"training": self.training.state_dict(), "recorder": self.recorder.position()}

    def _give_up_on_nan(self, event: StepEvent) -> None:
        """Keep the last good weights, if there are any newer than those saved, and fail with the reason."""
        self.recorder.flush()
        kept = Message(N_("there were no good weights yet"))
        if self.run.resume_path.is_file():
            kept = Message(N_("what was saved before is kept"))
        if self.good_state is not None and self.good_state["training"]["step"] > self.saved_step:
            self.training.load_state_dict(self.good_state["training"])
            write_resume(self.run, self.good_state)
            self.save_network()
            kept = Message(N_("the last good weights, of step {step}, are kept"), step=self.training.step)
        raise RunError(
            N_(
                "the loss became NaN (not a number) at step {step}: the learning rate, {rate:g}, is "
                "probably too high; {kept}"
            ),
            step=event.step,
            rate=event.learning_rate,
            kept=kept,
        )


def run_worker(run: Run, load_digits: Callable[[], Digits] = load_train, attempt: int | None = None) -> int:
    """Work on the run. The exit status: 0 when it finished or was stopped, 1 when it failed, 2 when another does it.

    attempt: of a cluster, which runs this for a run that waits; it comes too late when that was put elsewhere since.
    """
    claim = take(run, attempt)
    if claim is None:
        return 2
    for left in run.path.glob(".*.tmp"):  # of a process that was killed while it wrote
        left.unlink(missing_ok=True)
    status = 1
    try:
        run.claim_worker_file(RESERVE_BYTES)
        with typed_memory_errors(), claim.beating():
            worker = Worker(run, load_digits(), claim)
            try:
                worker.work()
            finally:
                with contextlib.suppress(OSError, RunError):  # the reason for the failure is what ended the work
                    worker.recorder.close()
        status = 0
    except Exception as error:  # torch and Lightning raise types of their own; a run ends with a reason, whatever it is
        with contextlib.suppress(OSError, RunError):  # nothing is left to write to
            _fail(claim, error)
        if not isinstance(error, VggDemoError):
            with contextlib.suppress(OSError):
                traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, RunError):
            claim.require()
            run.worker_path.unlink(missing_ok=True)
    if attempt is None:
        dispatch()  # the next in the queue
    return status


def _fail(claim: Claim, error: Exception) -> None:
    """Write why the run failed. Raises RunError when the claim is lost."""
    claim.require()
    with contextlib.suppress(OSError):
        os.truncate(claim.run.worker_path, 0)  # makes room on a full disk
    with speaking(ENGLISH):  # its readers have different languages; the page translates what it knows
        reason = explain(error)
    claim.run.update_status(state="failed", reason=reason, ended=time.time())


def redirect_output(run: Run) -> None:
    """Send standard output and error to worker.log, also of libraries below Python."""
    log = os.open(run.worker_log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def main(arguments: list[str]) -> int:
    """Work on a run."""
    run = Run(Path(arguments[0]))
    if arguments[1:] == ["attached"]:
        when_parent_ends(lambda: run.send("stop"))
    redirect_output(run)
    return run_worker(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
