"""A training that goes on from a network, with a class's own digits among MNIST's.

What it needs is kept in the run's folder, so that it can be resumed and repeated when the collection is gone:
    class_digits.safetensors    the digits, whose hand each is, and which hands are held out; in the header a title
    start.safetensors           a copy of the network that it starts from
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from vgg_demo.checkpoint import load_checkpoint, read_header
from vgg_demo.config import CLASSES, RunConfig, TrainConfig
from vgg_demo.data import Digits, mix_in
from vgg_demo.errors import CheckpointError, CollectionError, ConfigError, FormatError, RunError
from vgg_demo.files import replacing
from vgg_demo.runs.store import Run
from vgg_demo.schema import Kind, parse_json, read_table, text
from vgg_demo.text import N_
from vgg_demo.training import Training

PRESET = "class-digits"
SHARE = 0.2  # of the images that it learns from, those of the class
HELD_OUT = 1 / 3  # of the hands
TRAIN = TrainConfig(
    steps=200, batch_size=128, optimizer="adamw", learning_rate=0.001, weight_decay=0.01, schedule="one-cycle",
    label_smoothing=0.02, augment=0.25,
)  # fmt: skip
TITLE: dict[str, Kind] = {"title": text, "network": text}


@dataclass(frozen=True, eq=False)
class ClassDigits:
    """A class's digits, parted by hand. hands: int64 (N,), whose each is; is_held_out: bool (N,).

    title: of the collection; network: the name of the one that the training starts from.
    """

    digits: Digits
    hands: torch.Tensor
    is_held_out: torch.Tensor
    title: str
    network: str = ""

    @property
    def learned(self) -> Digits:
        """Those that the network learns from."""
        return self.digits[~self.is_held_out]

    @property
    def held_out(self) -> Digits:
        """Those by other hands, which only measure it."""
        return self.digits[self.is_held_out]

    def count_hands(self, held_out: bool) -> int:
        """How many hands are held out, or learned from."""
        return len(set(self.hands[self.is_held_out == held_out].tolist()))


def split_hands(hands: torch.Tensor, seed: int) -> torch.Tensor:
    """Which digits to hold out, bool (N,): all those of a third of the hands, at least of one; fixed by the seed.

    hands: int64 (N,). Raises CollectionError when there is only one hand, which cannot be on both sides.
    """
    all_hands = torch.tensor(sorted(set(hands.tolist())))
    if len(all_hands) < 2:
        raise CollectionError(
            N_(
                "these digits are by one hand: at least two must have drawn, for the network is measured on hands that "
                "it has not learned from"
            )
        )
    order = torch.randperm(len(all_hands), generator=torch.Generator().manual_seed(seed))
    held_out = all_hands[order[: max(1, round(HELD_OUT * len(all_hands)))]]
    return torch.isin(hands, held_out)


def class_config(start: Path) -> RunConfig:
    """The settings of a training that goes on from a checkpoint, whose validation digits stay held out.

    Raises CheckpointError, and ConfigError when the checkpoint cannot be gone on from in this way.
    """
    config = read_header(start).config
    if config.preset == PRESET:
        raise ConfigError(
            N_("this network has learned from a class's digits already; choose the one that it started from")
        )
    if not config.train.validation_images:
        raise ConfigError(
            N_("this network has kept no validation digits apart, so nobody could see what it forgets; choose another")
        )
    kept = {"validation_images": config.train.validation_images, "seed": config.train.seed}
    return RunConfig(PRESET, config.model, TrainConfig(**{**vars(TRAIN), **kept}))


def keep_class_digits(class_digits: ClassDigits, start: Path) -> Callable[[Run], None]:
    """What create_run is to do with a new run's folder: keep there what the training needs.

    It raises CheckpointError when the network is gone, or OSError.
    """

    def prepare(run: Run) -> None:
        tensors = {
            "images": class_digits.digits.images,
            "labels": class_digits.digits.labels,
            "hands": class_digits.hands,
            "is_held_out": class_digits.is_held_out,
        }
        header = {"values": json.dumps({"title": class_digits.title, "network": class_digits.network})}
        try:
            with replacing(run.class_digits_path) as temporary:
                save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary, header)
        except SafetensorError as error:
            raise OSError(str(error)) from error
        try:
            shutil.copyfile(start, run.start_path)
        except FileNotFoundError:
            raise CheckpointError(
                N_("{path}: the network to start from was deleted; choose another"), path=start
            ) from None

    return prepare


def read_class_digits(run: Run) -> ClassDigits:
    """The class's digits of a run. Raises RunError when they cannot be read."""
    try:
        with safe_open(run.class_digits_path, "pt") as file:
            values = read_table(parse_json((file.metadata() or {})["values"]), TITLE, TITLE)
            images, labels, hands, is_held_out = (
                file.get_tensor(name).clone() for name in ("images", "labels", "hands", "is_held_out")
            )
        count = len(labels)
        shapes = [tuple(t.shape) for t in (images, labels, hands, is_held_out)]
        types = [t.dtype for t in (images, labels, hands, is_held_out)]
        if shapes != [(count, 1, 28, 28), (count,), (count,), (count,)] or types != [
            torch.uint8, torch.int64, torch.int64, torch.bool,
        ]:  # fmt: skip
            raise FormatError(N_("its arrays are of other shapes"))
        if not (0 < int(is_held_out.sum()) < count and 0 <= int(labels.min()) <= int(labels.max()) < CLASSES):
            raise FormatError(N_("its digits are none"))
    except (SafetensorError, OSError, KeyError, FormatError) as error:
        words = N_("run {run!r}: its {file} cannot be read ({reason}); start a new run")
        raise RunError(words, run=run.name, file=run.class_digits_path.name, reason=error) from error
    return ClassDigits(Digits(images, labels), hands, is_held_out, **values)


def with_class_digits(run: Run, config: RunConfig, mnist: Digits) -> Digits:
    """The digits that the run learns from: MNIST's, and where it has a class's, some of those in their place."""
    if not run.class_digits_path.is_file():
        return mnist
    learned = read_class_digits(run).learned
    return mix_in(mnist, learned, SHARE, config.train.validation_images, config.train.seed)


def go_on_from_start(run: Run, training: Training) -> None:
    """Give the network the weights that its run starts from, if there are any. Raises CheckpointError."""
    if run.class_digits_path.is_file():
        training.network.load_state_dict(load_checkpoint(run.start_path)[0].state_dict())
