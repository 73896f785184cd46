"""What a network is shown, and what is remembered of its answers: in memory, and on disk for the next server."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from vgg_demo.config import RunConfig
from vgg_demo.errors import CheckpointError
from vgg_demo.predictions import Predictions, load_predictions, save_predictions
from vgg_demo.runs.cost import forward_flops
from vgg_demo.runs.store import Run, home
from vgg_demo.text import _
from vgg_demo.ui.shared import jobs, resources

if TYPE_CHECKING:
    from vgg_demo.data import Digits
    from vgg_demo.model import VGG

SLOW_FLOPS = 5e12  # about a minute on a slow laptop: from there on the honest time comes first


@dataclass(frozen=True)
class Network:
    """A checkpoint that was chosen. run: whose it is, or None for one that ships with the project."""

    name: str
    path: Path
    run: Run | None

    @property
    def version(self) -> str:
        """Changes when the file does. Raises FileNotFoundError."""
        return resources.fingerprint(self.path)

    @property
    def sha256(self) -> str:
        """Of the file's contents. Raises FileNotFoundError."""
        return sha256(str(self.path), self.version)

    @property
    def config(self) -> RunConfig:
        """What its checkpoint says of its making. Raises CheckpointError."""
        return header_config(str(self.path), self.version)

    def load(self) -> VGG:
        """The network itself. Raises CheckpointError."""
        return resources.load_network(str(self.path), self.version)[0]


@dataclass(frozen=True)
class DigitSet:
    """Digits that a network can be shown. key: what tells it from others. names: one an image, when they have names."""

    key: str
    title: str  # in the middle of a sentence: "test digits"
    load: Callable[[], Digits]
    names: list[str] | None = None

    def caption(self, index: int) -> str:
        """What to call one image."""
        if self.names is not None:
            return self.names[index]
        return _("{set} image {index}").format(set=self.key.split("-")[0], index=index)


def test_set() -> DigitSet:
    """The 10,000 test digits."""
    return DigitSet("test", _("test digits"), resources.test_digits)


def validation_set(config: RunConfig) -> DigitSet | None:
    """The digits that this training kept apart, or None when it kept none."""
    count, seed = config.train.validation_images, config.train.seed
    if not count:
        return None
    return DigitSet(f"validation-{count}-{seed}", _("validation digits"), lambda: validation_digits(count, seed))


@st.cache_resource(show_spinner=False, max_entries=4)
def validation_digits(count: int, seed: int) -> Digits:
    """The digits that a training with this seed keeps apart."""
    from vgg_demo.data import load_train, split_train

    return split_train(load_train(), count, seed)[1]


@st.cache_data(show_spinner=False, max_entries=100)
def sha256(path: str, version: str) -> str:
    """Of a file's contents; version changes when the file does."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@st.cache_data(show_spinner=False, max_entries=100)
def header_config(path: str, version: str) -> RunConfig:
    """The config in a checkpoint's header. Raises CheckpointError."""
    from vgg_demo.checkpoint import read_header

    return read_header(Path(path)).config


def is_slow(network: Network, images: int) -> bool:
    """Whether the time for so many images is to be measured and shown before it is spent."""
    return forward_flops(network.config.model) * images > SLOW_FLOPS


def key_of(network: Network, digit_set: DigitSet, count: int) -> tuple[str, ...]:
    """Under which name the answers to so many of the digits are remembered."""
    return ("predictions", network.sha256, digit_set.key, str(count))


def remembered(network: Network, digit_set: DigitSet, counts: list[int]) -> Predictions | None:
    """The answers to as many of the digits as there are, in memory or on disk."""
    for count in sorted(counts, reverse=True):
        key = key_of(network, digit_set, count)
        known: Predictions | None = jobs.memory().get(key)
        if known is None and (known := load_predictions(_disk_path(key))) is not None:
            jobs.memory().put(key, known)
        if known is not None:
            return known
    return None


def prediction_work(network: Network, digit_set: DigitSet, count: int) -> jobs.Work:
    """The work of showing the network so many of the digits: all, or a sample. Its result is kept on disk, too."""
    key = key_of(network, digit_set, count)

    def answer(vgg: VGG, progress: jobs.Progress) -> Predictions:
        from vgg_demo.evaluation import predict, sample_indices

        digits = digit_set.load()
        sample = sample_indices(len(digits), count) if count < len(digits) else None
        return predict(vgg, digits, progress, sample)

    work = guarded(network, answer)

    def run(progress: jobs.Progress) -> Predictions:
        predictions: Predictions = work(progress)
        if digit_set.names is None:  # one's own pictures leave no trace on disk
            with contextlib.suppress(OSError):  # a place that cannot be written is no reason to fail
                save_predictions(_disk_path(key), predictions)
        return predictions

    return run


def guarded(network: Network, work: Callable[[VGG, jobs.Progress], Any]) -> jobs.Work:
    """Work with a network whose file must be the same when it ends. Raises CheckpointError when it is not."""
    version = network.version

    def run(progress: jobs.Progress) -> Any:
        result = work(network.load(), progress)
        try:
            is_same = network.version == version
        except FileNotFoundError:
            raise CheckpointError(
                _("{name} was deleted while it was being evaluated; pick another network.").format(name=network.name)
            ) from None
        if not is_same:
            raise CheckpointError(
                _("{name} changed while it was being evaluated (a training goes on?); evaluate it again.").format(
                    name=network.name
                )
            )
        return result

    return run


def forget_answers(checkpoint: Path) -> None:
    """Delete what is kept on disk of a network's answers. Raises OSError."""
    sha = sha256(str(checkpoint), resources.fingerprint(checkpoint))
    for path in (home() / ".evaluations").glob(f"{sha[:32]}-*.safetensors"):
        path.unlink(missing_ok=True)


def _disk_path(key: tuple[str, ...]) -> Path:
    _kind, sha, digits, count = key
    return home() / ".evaluations" / f"{sha[:32]}-{digits}-{count}.safetensors"
