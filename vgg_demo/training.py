"""The training loop, in plain sight: Training.run.

It prints nothing, draws nothing and knows nothing of runs: it yields what happened, and the caller decides what to do
with it. Not asking for the next event pauses the training; dropping the iterator stops it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

from vgg_demo.config import RunConfig, TrainConfig
from vgg_demo.data import Digits, epoch_order, split_train
from vgg_demo.data_parallel import scale_loss, with_sync_batch_norm
from vgg_demo.errors import RunError
from vgg_demo.evaluation import accuracy_and_loss
from vgg_demo.model import VGG
from vgg_demo.recipe.augmentation import augment_batch, vary_handwriting
from vgg_demo.recipe.averaging import averaged_network, exponential_moving_average, recompute_batch_norm, soft_targets
from vgg_demo.recipe.schedule import LearningRateOverride, learning_rate_at
from vgg_demo.text import N_
from vgg_demo.transforms import transform_batch

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Training:
    """A network in training: the model, its optimiser and the place in the data that it has reached.

    The initial weights, the order of the images, their distortions and what dropout leaves out are functions of the
    seed and the step alone, so the same seed on the same machine gives the same losses bit for bit, also when
    state_dict was saved and loaded in between.
    """

    def run(self) -> Iterator[Event]:
        """Train from where it stands to the end, yielding an event after every batch and every epoch."""
        self.model.train()
        while not self.is_over:
            for indices in self.rest_of_epoch():
                images, labels = self.next_batch(indices)  # (N, C, S, S) in [-1, 1] and (N,)
                self.optimizer.zero_grad()
                logits = self.model(images)  # (N, 10)
                loss = self.loss_function(logits, labels, images, len(indices))
                self.fabric.backward(loss)
                self.set_learning_rate()
                self.optimizer.step()
                yield self.end_step(loss, len(indices))
            yield self.end_epoch()

    def __init__(self, config: RunConfig, digits: Digits, fabric: Fabric) -> None:
        """digits: the 60,000 training digits. fabric: launched; it decides device and precision."""
        self.config = config
        self.fabric = fabric
        train, validation = split_train(digits, config.train.validation_images, config.train.seed)
        self.train_digits, self.validation_digits = train.to(fabric.device), validation.to(fabric.device)
        torch.manual_seed(config.train.seed)
        # channels_last: the memory order that convolutions are fastest in
        self.network: VGG = VGG(config.model).to(fabric.device).to(memory_format=torch.channels_last)
        is_synchronized = fabric.world_size > 1 and fabric.device.type == "cuda"
        model = with_sync_batch_norm(self.network) if is_synchronized else self.network
        self.model, self.optimizer = fabric.setup(model, make_optimizer(model, config.train))
        decay = config.train.average_weights
        self.average = exponential_moving_average(self.network, decay) if decay else None
        self.step = 0
        self.epoch_loss, self.epoch_batches = 0.0, 0  # sum of the batch losses of the epoch so far, and their number
        self.learning_rate_override: LearningRateOverride | None = None  # set by hand while it runs

    @property
    def is_over(self) -> bool:
        """Whether every step was taken and every epoch's event was yielded."""
        return self.step >= self.config.train.total_steps and not self.epoch_batches

    @property
    def trained_network(self) -> VGG:
        """The network to keep: with averaged weights where the config asks for them."""
        if self.average is None:
            return self.network
        if self.step >= self.config.train.total_steps and self.config.model.batch_norm:
            return self.final_average
        return averaged_network(self.average)

    @cached_property
    def final_average(self) -> VGG:
        """The averaged network at the end. The average itself stays, for a run that is continued."""
        assert self.average is not None
        return recompute_batch_norm(averaged_network(self.average), self.train_digits.images)

    @property
    def average_loss(self) -> float | None:
        """The mean of the batch losses of the epoch so far, or None at its very start."""
        return self.epoch_loss / self.epoch_batches if self.epoch_batches else None

    def rest_of_epoch(self) -> Iterator[torch.Tensor]:
        """The batches of the epoch that are still to be learned from: indices of images, int64 (N,)."""
        config = self.config.train
        epoch, first_batch = divmod(self.step, config.steps_per_epoch)
        if first_batch == 0 and self.epoch_batches:
            return  # all were learned from when the state was saved; only the epoch's event is left
        order = epoch_order(len(self.train_digits), config.seed, epoch).to(self.fabric.device)
        end = config.total_steps - epoch * config.steps_per_epoch
        yield from torch.split(order, config.batch_size)[first_batch:end]

    def next_batch(self, indices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The images of a batch as the network takes them, float32 (B, C, S, S) in [-1, 1], and labels int64 (B,).

        Of several processes, each gets its part.
        """
        batch = self.train_digits[indices]  # uint8 (B, 1, 28, 28)
        config = self.config.train
        images = batch.images
        seed = step_seed(self.step, config.seed)
        if config.augment or config.handwriting_styles:
            generator = torch.Generator().manual_seed(seed)
            images = vary_handwriting(images, batch.labels, config.handwriting_styles, generator)
            images = augment_batch(images, config.augment, generator)
        if self.config.model.dropout:
            torch.manual_seed(seed)  # dropout draws from torch's own generator
        part = slice(self.fabric.global_rank, None, self.fabric.world_size)
        return transform_batch(images[part], self.config.model), batch.labels[part]

    def loss_function(
        self, logits: torch.Tensor, labels: torch.Tensor, images: torch.Tensor, batch_size: int
    ) -> torch.Tensor:
        """Cross-entropy with the labels and, in self-distillation, with the averaged network's answers.

        logits: (N, 10); labels: (N,); images: (N, C, S, S). batch_size: of all processes together.
        """
        config = self.config.train
        loss = F.cross_entropy(logits, labels, label_smoothing=config.label_smoothing)
        if config.self_distillation and self.average is not None:
            with self.fabric.autocast():
                targets = soft_targets(self.average, images)
            loss = torch.lerp(loss, F.cross_entropy(logits, targets), config.self_distillation)
        return scale_loss(loss, len(labels) / batch_size, self.fabric.world_size)

    def set_learning_rate(self) -> None:
        """Give the optimiser the learning rate of the step to come."""
        learning_rate = learning_rate_at(self.step, self.config.train, self.learning_rate_override)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate

    def end_step(self, loss: torch.Tensor, batch_size: int) -> StepEvent:
        """Count the step and update the averaged weights."""
        self.step += 1
        if self.average is not None:
            self.average.update_parameters(self.network)
        total: Any = self.fabric.all_reduce(loss.detach(), reduce_op="sum")
        batch_loss = total.item() / self.fabric.world_size
        self.epoch_loss += batch_loss
        self.epoch_batches += 1
        epoch = math.ceil(self.step / self.config.train.steps_per_epoch)
        return StepEvent(self.step, epoch, batch_loss, self.optimizer.param_groups[0]["lr"], batch_size)

    def end_epoch(self) -> EpochEvent:
        """Average the epoch's losses and look at the validation digits."""
        epoch = math.ceil(self.step / self.config.train.steps_per_epoch)
        average_loss = self.epoch_loss / self.epoch_batches
        self.epoch_loss, self.epoch_batches = 0.0, 0
        if not len(self.validation_digits):
            return EpochEvent(self.step, epoch, average_loss, None, None, 0.0)
        network = self.trained_network
        started = time.perf_counter()
        accuracy, loss = accuracy_and_loss(network, self.validation_digits)
        self.model.train()
        return EpochEvent(self.step, epoch, average_loss, loss, accuracy, time.perf_counter() - started)

    def state_dict(self) -> dict[str, Any]:
        """What resume.pt holds: tensors and plain values only, so that it loads without running any code."""
        return {
            "config": self.config.to_dict(),
            "model": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": {"model": self.average.module.state_dict() if self.average is not None else {}},
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
            self.step = int(state["step"])
            if self.average is not None:
                self.average.module.load_state_dict(state["average"]["model"])
                self.average.n_averaged.fill_(self.step + 1)  # the first weights count, too
            self.epoch_loss, self.epoch_batches = float(state["epoch_loss"]), int(state["epoch_batches"])
            override = state.get("learning_rate_override")  # an earlier version saved none
            self.learning_rate_override = override and LearningRateOverride(
                float(override["value"]), int(override["step"])
            )
        except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError) as error:
            raise RunError(N_("the saved state is of another training than this run's; start a new run")) from error


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


OPTIMIZERS: dict[str, tuple[Callable[..., torch.optim.Optimizer], dict[str, Any]]] = {
    "adam": (torch.optim.Adam, {}),
    "adamw": (torch.optim.AdamW, {"fused": True}),  # one call for all weights: a tenth of a small network's time
    "sgd": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
}


def make_optimizer(network: torch.nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimiser that the config names."""
    make, options = OPTIMIZERS[config.optimizer]
    return make(network.parameters(), config.learning_rate, weight_decay=config.weight_decay, **options)


def step_seed(step: int, seed: int) -> int:
    """What the random numbers of a step begin from: another for every step, counted from 0, of a run with this seed."""
    return (seed + 1) * 1_000_003 + step
