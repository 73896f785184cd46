"""What a network is shown, and its answers: remembered in memory, and on disk for the next server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt
import streamlit as st

from vgg_demo.architecture import forward_flops
from vgg_demo.config import RunConfig
from vgg_demo.errors import CheckpointError
from vgg_demo.predictions import Predictions, load_predictions, save_predictions
from vgg_demo.runs.checkpoints import answers_path
from vgg_demo.runs.store import home
from vgg_demo.text import N_, Message
from vgg_demo.ui.shared import jobs, resources
from vgg_demo.ui.shared.networks import Network

if TYPE_CHECKING:
    from vgg_demo.data import Digits
    from vgg_demo.evaluation import Evaluation
    from vgg_demo.model import VGG

T = TypeVar("T")
SLOW_FLOPS = 5e12  # about a minute on a slow laptop: from there on the measured time is shown first


@dataclass(frozen=True)
class DigitSet:
    """Digits that a network can be shown. key: what tells it from others. names: one an image, when they have names."""

    key: str
    title: str  # in the middle of a sentence, "test digits"; marked with N_
    load: Callable[[], Digits]
    names: list[str] | None = None

    @property
    def kind(self) -> str:
        """test, validation or own."""
        return self.key.split("-")[0]

    def image(self, index: int) -> npt.NDArray[np.uint8]:
        """One image: uint8 (28, 28)."""
        return self.load().images[index, 0].numpy()

    def caption(self, index: int) -> str | Message:
        """What to call one image."""
        if self.names:
            return self.names[index]
        text = N_("validation image {index}") if self.kind == "validation" else N_("test image {index}")
        return Message(text, index=index)


@dataclass(frozen=True)
class Result:
    """A network's answers to a set of digits: what every section of the tab shows from one side."""

    network: Network
    digit_set: DigitSet
    predictions: Predictions

    @cached_property
    def summary(self) -> Evaluation:
        """The figures that follow from the answers."""
        from vgg_demo.evaluation import summarise_predictions

        return summarise_predictions(self.predictions)


def test_set() -> DigitSet:
    """The 10,000 test digits."""
    return DigitSet("test", N_("test digits"), resources.test_digits)


def validation_set(config: RunConfig) -> DigitSet | None:
    """The digits that this training kept apart, or None when it kept none."""
    count, seed = config.train.validation_images, config.train.seed
    if not count:
        return None
    return DigitSet(f"validation-{count}-{seed}", N_("validation digits"), lambda: _validation_digits(count, seed))


@st.cache_resource(show_spinner=False, max_entries=4)
def _validation_digits(count: int, seed: int) -> Digits:
    from vgg_demo.data import load_train, split_train

    return split_train(load_train(), count, seed)[1]


def is_slow(network: Network, images: int) -> bool:
    """Whether the time for so many images is to be measured and shown first."""
    return forward_flops(network.config.model) * images > SLOW_FLOPS


def key_of(network: Network, digit_set: DigitSet, count: int) -> tuple[str, ...]:
    """Under which key the answers to so many of the digits are remembered."""
    return ("predictions", network.sha256, digit_set.key, str(count))


def remembered(network: Network, digit_set: DigitSet, counts: list[int]) -> Predictions | None:
    """The answers to as many of the digits as there are, in memory or on disk."""
    for count in sorted(counts, reverse=True):
        key = key_of(network, digit_set, count)
        known: Predictions | None = jobs.memory().get(key)
        if known is None and (known := load_predictions(_disk_path(key)) or shipped_answers(network, digit_set)):
            jobs.memory().put(key, known)
        if known is not None:
            return known
    return None


def shipped_answers(network: Network, digit_set: DigitSet) -> Predictions | None:
    """A shipped network's answers to the test digits, which ship with it under the hash of its file."""
    return load_predictions(answers_path(network.sha256)) if digit_set.kind == "test" else None


def prediction_work(network: Network, digit_set: DigitSet, count: int) -> jobs.Work[Predictions]:
    """Evaluate the network on so many of the digits: all, or a sample. The result is saved on disk, too."""

    def answer(vgg: VGG, progress: jobs.Progress) -> Predictions:
        from vgg_demo.evaluation import predict, sample_indices

        digits = digit_set.load()
        sample = sample_indices(len(digits), count) if count < len(digits) else None
        return predict(vgg, digits, progress, sample)

    path, work = _disk_path(key_of(network, digit_set, count)), unchanged(network, answer)

    def run(progress: jobs.Progress) -> Predictions:
        predictions = work(progress)
        if digit_set.kind != "own":  # the user's own pictures are not stored
            with contextlib.suppress(OSError):  # without the file the next server computes them again
                save_predictions(path, predictions)
        return predictions

    return run


def unchanged(network: Network, work: Callable[[VGG, jobs.Progress], T]) -> jobs.Work[T]:
    """Work with a network whose file must be the same when it ends. Raises CheckpointError when it is not."""
    version = network.version

    def run(progress: jobs.Progress) -> T:
        result = work(network.load(), progress)
        try:
            if network.version == version:
                return result
            text = N_("{name} changed while it was being evaluated (a training goes on?); evaluate it again.")
        except FileNotFoundError:
            text = N_("{name} was deleted while it was being evaluated; pick another network.")
        raise CheckpointError(text, name=network.name)

    return run


def forget_answers(checkpoint: Path) -> None:
    """Delete the answers of a network that are saved on disk. Raises OSError."""
    for path in (home() / ".evaluations").glob(f"{Network('', checkpoint).sha256[:32]}-*.safetensors"):
        path.unlink(missing_ok=True)


def _disk_path(key: tuple[str, ...]) -> Path:
    _kind, sha, digits, count = key
    return home() / ".evaluations" / f"{sha[:32]}-{digits}-{count}.safetensors"
