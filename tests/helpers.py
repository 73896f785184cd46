"""What tests of real runs share: a tiny config, waiting, and the losses of a run that nothing interrupts."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import torch
import uvicorn
from lightning_fabric import Fabric
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from vgg_demo.checkpoint import load_checkpoint, save_checkpoint
from vgg_demo.config import RunConfig
from vgg_demo.data import Digits
from vgg_demo.model import VGG
from vgg_demo.presets import get_preset
from vgg_demo.runs.checkpoints import find_checkpoint
from vgg_demo.runs.class_settings import ClassSettings, write_class_settings
from vgg_demo.runs.engines import engine
from vgg_demo.runs.engines.cluster import RayEngine, ray_engine
from vgg_demo.runs.manager import continue_run, resume_run, start_run
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.store import Prepare, Run, create_run
from vgg_demo.runs.worker import run_worker
from vgg_demo.training import StepEvent, Training

PROJECT = Path(__file__).parent.parent
PAGE = PROJECT / "vgg_demo" / "ui" / "page.py"
TINY = get_preset("classroom").config.with_changes(
    width=0.05, batch_size=8, image_size=28, learning_rate=0.01, label_smoothing=0.0
)  # 6,875 steps of a few milliseconds
SHORT_EPOCHS = TINY.with_changes(
    image_size=8, batch_size=10_000, epochs=3, schedule="constant"
)  # 6 steps an epoch: 55,000 images


def wait_until(condition: Callable[[], object], seconds: float = 120) -> None:
    """Wait until the condition holds; the deadline is generous, for a busy machine."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def wait_for_step(run: Run, step: int) -> None:
    """Wait until the run has recorded that step."""
    reader = RunReader(run)
    wait_until(lambda: reader.refresh().last_step >= step or run.status().is_over)
    assert reader.refresh().last_step >= step, run.status().reason


def wait_for_state(run: Run, state: str, seconds: float = 120) -> None:
    """Wait until the run is in that state, and fail at once when it has ended in another."""
    wait_until(lambda: run.status().state == state or run.status().is_over, seconds)
    assert run.status().state == state, run.status().reason


@dataclass
class RunsHere:
    """Trains runs in threads of this process: for tests of what a run does, and not of the process that it is in."""

    digits: Digits
    threads: dict[Run, threading.Thread] = field(default_factory=dict)

    def start(self, config: RunConfig, name: str | None = None, prepare: Prepare | None = None) -> Run:
        """A run, and a worker for it."""
        run = start_run(config, name, here=True, prepare=prepare)
        self._work(run)
        return run

    def train(self, config: RunConfig, name: str | None = None) -> Run:
        """A run that is over."""
        run = self.start(config, name)
        self.wait(run)
        return run

    def resume(self, run: Run) -> None:
        """A worker again for a run that has stopped or failed, here or in a process of its own."""
        if run in self.threads:
            self.wait(run)
        resume_run(run, here=True)
        self._work(run)

    def continue_run(self, run: Run, epochs: int) -> None:
        """A worker again for a run that is over, for more epochs."""
        self.wait(run)
        write_class_settings(ClassSettings(queue_paused=True))  # no process is started for it
        continue_run(run, epochs, in_queue=True)
        write_class_settings(ClassSettings())
        self._work(run)

    def wait(self, run: Run) -> None:
        """Wait until the run's worker has ended."""
        self.threads[run].join(120)
        assert not self.threads[run].is_alive(), "waited too long"

    def end(self) -> None:
        """Stop all that is left."""
        for run in self.threads:
            if run.is_active:
                run.send("stop")
            self.wait(run)

    def _work(self, run: Run) -> None:
        thread = threading.Thread(target=run_worker, args=(run, lambda: self.digits))
        thread.start()
        self.threads[run] = thread


@contextmanager
def serving(routes: Sequence[BaseRoute]) -> Iterator[str]:
    """A server in this process, whose token is known here; gives its address for sockets."""
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    yield f"ws://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def steps(run: Run) -> list[int]:
    """The steps that the run has recorded."""
    return RunReader(run).refresh().steps


def losses(run: Run) -> list[float]:
    """The losses that the run has recorded."""
    return RunReader(run).refresh().losses


def pause(run: Run) -> int:
    """Pause a run and return the step at which it stands."""
    run.send("pause")
    wait_for_state(run, "paused")
    return steps(run)[-1]


def stop(run: Run) -> None:
    """Stop a run and wait for its end."""
    run.send("stop")
    wait_until(lambda: run.status().is_over)


def kill(run: Run) -> None:
    """End the run's process as a power cut would."""
    pid = run.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: run.status().is_over)


def processes(folder: Path) -> list[psutil.Process]:
    """The living processes that were started with this folder, or one in it, on their command line."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if process.info["status"] != psutil.STATUS_ZOMBIE and any(
            str(folder) in part for part in process.info["cmdline"] or []
        ):
            found.append(process)
    return found


def python_calls(function: Callable[[], object]) -> list[str]:
    """The names of all Python functions that are called while this one is."""
    names: list[str] = []
    sys.setprofile(lambda frame, event, _argument: names.append(frame.f_code.co_name) if event == "call" else None)
    try:
        function()
    finally:
        sys.setprofile(None)
    return names


def plain_losses(config: RunConfig, digits: Digits, fabric: Fabric) -> list[float]:
    """The losses of the bare training loop, in this process, from the first step to the last."""
    return [event.loss for event in Training(config, digits, fabric).run() if isinstance(event, StepEvent)]


def run_of_new_network(config: RunConfig, name: str = "mine") -> Run:
    """A finished run with a network that has not learned."""
    run = create_run(config, name)
    torch.manual_seed(0)
    save_checkpoint(run.checkpoint_path, VGG(config.model), config, {})
    run.update_status(state="finished")
    return run


def run_of_shipped_network() -> Run:
    """A finished run, named mine, with the shipped network's weights."""
    network, header = load_checkpoint(find_checkpoint("best"))
    run = create_run(header.config, "mine")
    save_checkpoint(run.checkpoint_path, network, header.config, {})
    run.update_status(state="finished")
    return run


def close_cluster_engine() -> None:
    """What the end of a page's process does with its connection to a cluster."""
    chosen = engine()
    assert isinstance(chosen, RayEngine)
    chosen.close()
    ray_engine.cache_clear()
