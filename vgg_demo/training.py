"""The training loop, in plain sight.

It prints nothing, draws nothing and knows nothing of runs: it yields what happened, and whoever iterates decides what
to do with it. Not asking for the next event pauses the training; dropping the iterator stops it.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch.optim.swa_utils import update_bn

from vgg_demo.augmentation import augment_batch, restyle_batch
from vgg_demo.config import RunConfig, TrainConfig
from vgg_demo.data import Digits, epoch_order, split_train
from vgg_demo.errors import RunError
from vgg_demo.evaluation import accuracy_and_loss
from vgg_demo.model import VGG
from vgg_demo.schedule import LearningRateOverride, learning_rate_at
from vgg_demo.together import Team
from vgg_demo.transforms import transform_batch

if TYPE_CHECKING:
    from lightning_fabric import Fabric

LOG_EVERY_STEPS = 100
SETTLING_DIGITS, SETTLING_BATCH = 2_000, 100


@dataclass(frozen=True)
class StepEvent:
    """One batch was learned from. step and epoch count from 1; loss is the batch's, before the step was taken."""

    step: int
    epoch: int
    loss: float
    learning_rate: float
    images: int

    def to_dict(self) -> dict[str, Any]:
        """As one line of metrics.jsonl."""
        return {"event": "step", **vars(self)}


@dataclass(frozen=True)
class EpochEvent:
    """An epoch ended. average_loss is over its batches; the validation figures are None without validation images."""

    step: int
    epoch: int
    average_loss: float
    val_loss: float | None
    val_accuracy: float | None
    val_seconds: float

    def to_dict(self) -> dict[str, Any]:
        """As one line of metrics.jsonl."""
        return {"event": "epoch", **vars(self)}


Event = StepEvent | EpochEvent


class Training:
    """A network in training: the model, its optimiser and the place in the data that it has reached.

    The initial weights, the order of the images, their distortions and what dropout leaves out are functions of the
    seed and the step alone, so the same seed on the same machine gives the same losses bit for bit, also when
    state_dict was saved and loaded in between.
    """

    def __init__(self, config: RunConfig, digits: Digits, fabric: Fabric) -> None:
        """digits: the 60,000 training digits. fabric: launched; it decides device and precision."""
        self.config = config
        self.fabric = fabric
        self.team = Team(fabric.global_rank, fabric.world_size)
        train, validation = split_train(digits, config.train.validation_images, config.train.seed)
        self.train_digits, self.validation_digits = train.to(fabric.device), validation.to(fabric.device)
        torch.manual_seed(config.train.seed)
        # channels_last: the memory order that convolutions are fastest in
        network = VGG(config.model)
        self.team.prepare(network.features)
        network = network.to(memory_format=torch.channels_last)
        self.network: VGG = network
        optimizer = make_optimizer(network, config.train)
        self.model, self.optimizer = fabric.setup(network, optimizer)
        self.average = WeightAverage(network, config.train.average_weights)
        self.settled: VGG | None = None
        self.step = 0
        self.epoch_loss, self.epoch_batches = 0.0, 0  # sum of the batch losses of the epoch so far, and their number
        self.learning_rate_override: LearningRateOverride | None = None  # set by hand while it runs

    @property
    def trained_network(self) -> VGG:
        """The network to keep: with averaged weights where the config asks for them."""
        return self.settled or self.average.network or self.network

    @property
    def average_loss(self) -> float | None:
        """The mean of the batch losses of the epoch so far, or None at its very start."""
        return self.epoch_loss / self.epoch_batches if self.epoch_batches else None

    def run(self) -> Iterator[Event]:
        """Train from where it stands to the end, yielding an event after every batch and every epoch."""
        config = self.config.train
        self.model.train()
        while True:
            epoch, first_batch = divmod(self.step, config.steps_per_epoch)
            is_over = self.step >= config.total_steps
            if is_over:
                self.settle()
            if self.epoch_batches and (first_batch == 0 or is_over):
                yield self.end_epoch()
            if is_over:
                return
            order = epoch_order(len(self.train_digits), config.seed, epoch).to(self.fabric.device)
            for indices in torch.split(order, config.batch_size)[first_batch:]:
                images, labels = self.next_batch(indices)

                if self.config.model.dropout:  # it draws from torch's own generator
                    torch.manual_seed(step_seed(self.step, config.seed))
                self.optimizer.zero_grad()
                logits = self.model(images)
                loss = F.cross_entropy(logits, labels, label_smoothing=config.label_smoothing)
                if config.self_distillation:
                    loss = torch.lerp(loss, F.cross_entropy(logits, self.taught(images)), config.self_distillation)
                loss = self.team.weigh(loss, len(labels) / len(indices))
                self.fabric.backward(loss)
                learning_rate = self.set_learning_rate()
                self.optimizer.step()

                self.step += 1
                self.average.update(self.network, self.step)
                batch_loss = self.team.mean(loss)
                self.epoch_loss += batch_loss
                self.epoch_batches += 1
                yield StepEvent(self.step, epoch + 1, batch_loss, learning_rate, len(indices))
                if self.step >= config.total_steps:
                    break

    def next_batch(self, indices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The images of a batch as the network takes them, float32 (B, C, S, S) in [-1, 1], and labels int64 (B,).

        Of several processes, each gets its part.
        """
        batch = self.train_digits[indices]  # uint8 (B, 1, 28, 28)
        config = self.config.train
        images = batch.images
        if config.augment or config.restyle:
            generator = torch.Generator().manual_seed(step_seed(self.step, config.seed))
            images = restyle_batch(images, batch.labels, config.restyle, generator)
            images = augment_batch(images, config.augment, generator)
        images = transform_batch(images[self.team.part], self.config.model)
        return images, batch.labels[self.team.part]

    @torch.no_grad()
    def taught(self, images: torch.Tensor) -> torch.Tensor:
        """What the averaged network answers to a batch (B, C, S, S): probabilities, float32 (B, 10).

        Nearer the truth than the network itself, and less sure than the labels where a digit was distorted beyond
        telling. Source: the mean teacher of Tarvainen and Valpola 2017.
        """
        assert self.average.network is not None  # the config asks for averaged weights
        with self.fabric.autocast():
            logits: torch.Tensor = self.average.network(images)
        return logits.float().softmax(1)

    def settle(self) -> None:
        """At the end, measure averaged weights' batch normalisation anew, over training digits as they are.

        The averaged statistics are those of distorted digits, and of networks that were not the averaged one. The
        average itself stays, for a run that is continued. Source: Izmailov et al. 2018, section 3.2.
        """
        if self.average.network is None or not self.config.model.batch_norm:
            return
        self.settled = copy.deepcopy(self.average.network)
        batches = torch.split(self.train_digits.images[:SETTLING_DIGITS], SETTLING_BATCH)
        update_bn((transform_batch(images, self.config.model) for images in batches), self.settled)

    def end_epoch(self) -> EpochEvent:
        """Average the epoch's losses and look at the validation digits."""
        epoch = math.ceil(self.step / self.config.train.steps_per_epoch)
        average_loss = self.epoch_loss / self.epoch_batches
        self.epoch_loss, self.epoch_batches = 0.0, 0
        if not len(self.validation_digits):
            return EpochEvent(self.step, epoch, average_loss, None, None, 0.0)
        started = time.perf_counter()
        accuracy, loss = accuracy_and_loss(self.trained_network, self.validation_digits)
        self.model.train()
        return EpochEvent(self.step, epoch, average_loss, loss, accuracy, time.perf_counter() - started)

    def set_learning_rate(self) -> float:
        """Give the optimiser the learning rate of the step to come, and return it."""
        learning_rate = learning_rate_at(self.step, self.config.train, self.learning_rate_override)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        return learning_rate

    def state_dict(self) -> dict[str, Any]:
        """What resume.pt holds: tensors and plain values only, so that it loads without running any code."""
        return {
            "config": self.config.to_dict(),
            "model": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.state_dict(),
            "step": self.step,
            "epoch_loss": self.epoch_loss,
            "epoch_batches": self.epoch_batches,
            "learning_rate_override": self.learning_rate_override and vars(self.learning_rate_override),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to where state_dict was taken. Raises RunError when the state is of another network."""
        try:
            self.network.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.average.load_state_dict(state["average"])
            self.step = int(state["step"])
            self.epoch_loss, self.epoch_batches = float(state["epoch_loss"]), int(state["epoch_batches"])
            override = state.get("learning_rate_override")  # an earlier version saved none
            self.learning_rate_override = override and LearningRateOverride(
                float(override["value"]), int(override["step"])
            )
        except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError) as error:
            raise RunError("the saved state is of another training than this run's; start a new run") from error


class WeightAverage:
    """The exponential moving average of a network's weights: often a little better than the last ones.

    decay: 0 keeps none. The average's memory grows with the steps taken, so that the beginning is forgotten.
    Source: Polyak and Juditsky 1992; the warm-up is TensorFlow's ExponentialMovingAverage.
    """

    def __init__(self, network: VGG, decay: float) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).eval() if decay else None

    def update(self, network: VGG, step: int) -> None:
        """Take in the weights after a step, counted from 1."""
        if self.network is not None:
            take_in(self.network, network, average_decay(step, self.decay))

    def state_dict(self) -> dict[str, Any]:
        """The averaged weights."""
        return {"model": self.network.state_dict() if self.network else {}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to where state_dict was taken."""
        if self.network is not None:
            self.network.load_state_dict(state["model"])


def average_decay(step: int, decay: float) -> float:
    """How much of the average stays at a step, counted from 1."""
    return min(decay, (1 + step) / (10 + step))


@torch.no_grad()
def take_in(average: torch.nn.Module, network: torch.nn.Module, decay: float) -> None:
    """Move the average's weights towards the network's by 1 - decay; whole numbers are copied."""
    for mine, theirs in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mine.is_floating_point():
            mine.lerp_(theirs, 1 - decay)
        else:
            mine.copy_(theirs)


def make_optimizer(network: torch.nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimiser that the config names."""
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            network.parameters(), config.learning_rate, momentum=0.9, nesterov=True, weight_decay=config.weight_decay
        )
    if config.optimizer == "adamw":  # fused: one call for all weights, which saves a tenth of a small network's time
        return torch.optim.AdamW(
            network.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
    return torch.optim.Adam(network.parameters(), config.learning_rate, weight_decay=config.weight_decay)


def step_seed(step: int, seed: int) -> int:
    """What the random numbers of a step begin from: another for every step, counted from 0, of a run with this seed."""
    return (seed + 1) * 1_000_003 + step
