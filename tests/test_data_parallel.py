"""Several processes train as one would: the same losses, one run folder, and each command reaches all."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import psutil
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from tests.helpers import PROJECT, losses, pause, steps, wait_for_state, wait_for_step, wait_until
from vgg_demo.config import ModelConfig, RunConfig, TrainConfig
from vgg_demo.data import Digits, load_train
from vgg_demo.data_parallel import with_sync_batch_norm
from vgg_demo.device import make_fabric
from vgg_demo.model import VGG
from vgg_demo.presets import get_preset
from vgg_demo.runs.store import Run
from vgg_demo.runs.torchrun import process_group
from vgg_demo.training import EpochEvent, Event, StepEvent, Training

IMAGES = 65  # batches of 32, 32 and 1, of which the second process gets nothing
# For float64, where a mistake cannot hide behind rounding.
CONFIG = RunConfig(
    "custom",
    ModelConfig("vgg5", width=1 / 8, image_size=16, channels=1, init="he", classifier="linear"),
    TrainConfig(
        epochs=3,
        optimizer="sgd",
        batch_size=32,
        validation_images=0,
        learning_rate=0.01,
        augment=0.5,
        handwriting_styles=0.5,
        label_smoothing=0.1,
        average_weights=0.9,
        self_distillation=0.5,
    ),
)
# Its exit status is how many of the group's threads are left. As train_together does, it joins before it loads Fabric.
MEMBER = """
import sys
from vgg_demo.runs.torchrun import process_group

with process_group("gloo"):
    import vgg_demo.config
    from tests.test_data_parallel import IMAGES, threads_of_groups, train_in_float64

    vgg_demo.config.MNIST_TRAIN_IMAGES = IMAGES
    train_in_float64()
sys.exit(threads_of_groups())
"""


def train_in_float64() -> tuple[list[Event], int]:
    """What happened, and how many processes took part."""
    training = Training(CONFIG, load_train()[:IMAGES], make_fabric("cpu", "64-true"))
    assert training.average is not None
    training.average.register_forward_pre_hook(lambda _network, inputs: (inputs[0].double(),))
    return list(training.run()), training.fabric.world_size


def threads_of_groups() -> int:
    """How many threads of this process serve a process group."""
    names = [task.joinpath("comm").read_text() for task in Path("/proc/self/task").iterdir()]
    return sum("gloo" in name for name in names)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment that torchrun gives two processes; this one is the first."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    names = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    names |= {"GROUP_RANK": "0", "TORCHELASTIC_RUN_ID": "test"}
    for name, value in {**names, "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    return names


def test_two_processes_give_the_losses_of_one(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    monkeypatch.setattr("vgg_demo.config.MNIST_TRAIN_IMAGES", IMAGES)
    alone, _ = train_in_float64()  # before the group is there, this process is alone
    other = subprocess.Popen(
        [sys.executable, "-c", MEMBER], cwd=PROJECT, env={**os.environ, **environment, "RANK": "1", "LOCAL_RANK": "1"}
    )

    with process_group("gloo"):
        together, size = train_in_float64()

    assert other.wait(timeout=60) == 0  # neither a thread of the group's left, nor aborted by one
    assert size == 2
    assert [type(event) for event in together] == [type(event) for event in alone]
    assert [e.images for e in together if isinstance(e, StepEvent)] == [32, 32, 1] * 3
    for mine, theirs in zip(together, alone, strict=True):
        if isinstance(mine, StepEvent) and isinstance(theirs, StepEvent):
            assert mine.loss == pytest.approx(theirs.loss, rel=1e-6)
        if isinstance(mine, EpochEvent) and isinstance(theirs, EpochEvent):
            assert mine.average_loss == pytest.approx(theirs.average_loss, rel=1e-6)


def test_network_with_sync_batch_norm_shares_all_weights_and_leaves_the_given_one_plain() -> None:
    torch.manual_seed(0)
    plain = VGG(replace(CONFIG.model, batch_norm=True))
    images = torch.randn(6, 1, 16, 16)

    synchronized = with_sync_batch_norm(plain)
    optimizer = torch.optim.SGD(synchronized.parameters(), 0.1)
    synchronized(images).sum().backward()
    optimizer.step()

    assert sum(isinstance(layer, nn.SyncBatchNorm) for layer in synchronized.modules()) == 4
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in plain.modules()) == 4
    assert plain.features[1].running_mean.abs().max() > 0
    states = zip(plain.state_dict().values(), synchronized.state_dict().values(), strict=True)
    assert all(mine.data_ptr() == theirs.data_ptr() for mine, theirs in states)
    assert all(parameter.grad is not None for parameter in plain.parameters())
    torch.testing.assert_close(plain.eval()(images), synchronized.eval()(images))


def torchrun(*arguments: str) -> subprocess.Popen[str]:
    """Two processes, as a person starts them."""
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "vgg_demo", "train"]
    return subprocess.Popen(
        [sys.executable, *command, *arguments, "--json"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_run(folder: Path, process: subprocess.Popen[str]) -> Run:
    wait_until(lambda: (folder / "status.json").is_file() or process.poll() is not None)
    return Run(folder)


def test_run_of_two_processes_pauses_stops_survives_a_death_and_goes_on_alone(
    home: Path, mnist: tuple[Digits, Digits], fabric: Fabric
) -> None:
    changes = {"width": 0.05, "batch_size": 97, "steps": 2000, "learning_rate": 0.002}
    config = get_preset("classroom").config.with_changes(batch_norm=False, **changes)
    settings = ["--no-batch-norm", "--width=0.05", "--batch-size=97", "--steps=2000", "--lr=0.002"]

    first = torchrun(*settings, "--name", "mine")
    run = wait_for_run(home / "mine", first)
    wait_for_step(run, 3)
    assert pause(run) < 2000
    run.send("batch")
    wait_for_state(run, "paused")
    run.send("stop")
    output, complaints = first.communicate(timeout=60)
    assert first.returncode == 0, complaints
    assert json.loads(output)["steps"] == steps(run)[-1]  # process 0 alone speaks
    assert run.status().state == "stopped"

    stopped_at = steps(run)[-1]
    second = torchrun("--resume", "--name", "mine")
    wait_until(lambda: run.status().is_active or second.poll() is not None)
    wait_for_step(run, stopped_at + 3)
    pause(run)
    leader = run.status().pid
    member = next(p for p in psutil.Process(second.pid).children() if p.pid != leader)
    os.kill(member.pid, signal.SIGKILL)
    run.send("resume")
    second.communicate(timeout=60)
    assert second.returncode != 0
    status = run.status()
    assert status.state == "failed"
    assert status.reason is not None and "one of the 2 processes" in status.reason

    alone = Training(config, mnist[0], fabric)
    alone.load_state_dict(torch.load(run.resume_path, weights_only=True)["training"])
    saved_at = alone.step
    after = [event.loss for event in islice(alone.run(), 5) if isinstance(event, StepEvent)]
    whole = [event.loss for event in islice(Training(config, mnist[0], fabric).run(), saved_at + 5)]
    assert saved_at > stopped_at
    assert losses(run)[:saved_at] + after == pytest.approx(whole, rel=1e-3)
