"""Every setting of a run, validated once.

Nothing heavy is imported here, so that the command line can list and check settings in no time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from vgg_demo.errors import ConfigError
from vgg_demo.schema import check_fields, shown
from vgg_demo.text import N_

CLASSES = 10
MNIST_TRAIN_IMAGES = 60_000
PRESET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")

# Numbers are the output channels of a 3x3 convolution, "M" is a 2x2 max-pool.
# vgg11 to vgg19: Simonyan and Zisserman 2015, table 1, columns A, B, D and E. The small ones keep the pattern
# (blocks of 3x3 convolutions, then a pool) and, like them, are named by their layers with weights when the
# classifier is a single linear layer.
PLANS: dict[str, tuple[int | str, ...]] = {
    "vgg4": (64, "M", 128, "M", 256, "M"),
    "vgg5": (64, "M", 128, "M", 256, 256, "M"),
    "vgg5-slim": (64, "M", 128, "M", 192, 192, "M"),
    "vgg7": (64, 64, "M", 128, 128, "M", 256, 256, "M"),
    "vgg11": (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"),
    "vgg13": (64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"),
    "vgg16": (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"),
    "vgg19": (64, 64, "M", 128, 128, "M", *(256,) * 4, "M", *(512,) * 4, "M", *(512,) * 4, "M"),
}

RANGES: dict[str, tuple[float, float]] = {  # the lowest and the highest value of a setting, of its type
    "width": (1 / 64, 4.0),
    "classifier_width": (1 / 64, 4.0),
    "dropout": (0.0, 0.9),
    "epochs": (1, 1000),
    "steps": (1, 10_000_000),
    "batch_size": (1, 10_000),
    "weight_decay": (0.0, 1.0),
    "label_smoothing": (0.0, 0.5),
    "average_weights": (0.0, 0.99999),
    "self_distillation": (0.0, 1.0),
    "validation_images": (0, 30_000),
    "augment": (0.0, 1.0),
    "handwriting_styles": (0.0, 1.0),
    "seed": (0, 2**31 - 1),
}

FORMER_NAMES = {"restyle": "handwriting_styles"}  # settings in runs, checkpoints and links of earlier versions


@dataclass(frozen=True)
class ModelConfig:
    """The network. Raises ConfigError when a value is out of range or the pools leave nothing of the image.

    width multiplies every channel count of the plan, and the classifier's hidden layers unless classifier_width does.
    classifier: "mlp" is Linear 4096, ReLU, Linear 1000, ReLU, Linear 10, scaled by classifier_width, or by width
    where that is None; "linear" is Linear 10.
    init: "pytorch" is the default of torch.nn; "he" is He et al. 2015, normal, fan-in.
    pool_first: pools come before batch norm and ReLU, which then have a quarter of the work, not after as in the paper.
    dropout: the share of a linear layer's inputs that is set to 0 in training, before each but the first of an "mlp",
    as in the paper, and before the only one of "linear".
    """

    plan: str = "vgg16"
    width: float = 1.0
    image_size: int = 224
    channels: int = 3
    batch_norm: bool = False
    classifier: Literal["mlp", "linear"] = "mlp"
    init: Literal["pytorch", "he"] = "pytorch"
    pool_first: bool = False
    dropout: float = 0.0
    classifier_width: float | None = None

    def __post_init__(self) -> None:
        check_fields(self, RANGES)
        if self.plan not in PLANS:
            raise ConfigError(
                N_("plan: there is no {given}; it is one of {plans}"), given=shown(self.plan), plans=", ".join(PLANS)
            )
        if self.channels not in (1, 3):
            raise ConfigError(N_("channels: {given} was given; it is 1 (grey) or 3 (RGB)"), given=self.channels)
        smallest = 2**self.pools
        if not smallest <= self.image_size <= 512:
            raise ConfigError(
                N_(
                    "image_size: {given} was given; {plan} halves the image {times} times, "
                    "so it is between {smallest} and 512 pixels"
                ),
                given=self.image_size,
                plan=self.plan,
                times=self.pools,
                smallest=smallest,
            )

    @property
    def pools(self) -> int:
        """How many times the image is halved."""
        return PLANS[self.plan].count("M")

    @property
    def hidden_width(self) -> float:
        """What multiplies the classifier's hidden layers."""
        return self.width if self.classifier_width is None else self.classifier_width


@dataclass(frozen=True)
class TrainConfig:
    """How the network is trained. Raises ConfigError when a value is out of range.

    steps: when given, how many batches in all; it then decides instead of epochs.
    schedule: "constant", or "one-cycle" (Smith 2018: up over the first part, then down to almost nothing).
    average_weights: how much of the average of its weights stays at every step; 0 keeps no average.
    self_distillation: how much of the loss asks for the answers of that averaged network instead of the labels.
    validation_images: taken from the 60,000 training images, stratified; 0 trains on all of them.
    augment, handwriting_styles: how strongly training images are distorted, and how often they are changed to the
    handwriting styles of other people, 0 (not at all) to 1; see recipe/augmentation.py.
    precision and device: as Lightning Fabric names them; where the device has no instructions for bfloat16, 32 bits.
    """

    epochs: int = 1
    steps: int | None = None
    batch_size: int = 32
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: float = 0.001
    weight_decay: float = 0.0
    schedule: Literal["constant", "one-cycle"] = "constant"
    label_smoothing: float = 0.0
    average_weights: float = 0.0
    self_distillation: float = 0.0
    validation_images: int = 5_000
    augment: float = 0.0
    handwriting_styles: float = 0.0
    seed: int = 0
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"

    def __post_init__(self) -> None:
        check_fields(self, RANGES)
        if not 0 < self.learning_rate <= 100:
            raise ConfigError(
                N_("learning_rate: {given} was given; it is above 0 and at most 100"), given=self.learning_rate
            )
        if self.self_distillation and not self.average_weights:
            raise ConfigError(
                N_("self_distillation: it learns from averaged weights; set average_weights, say to 0.998")
            )

    @property
    def train_images(self) -> int:
        """How many images one epoch sees."""
        return MNIST_TRAIN_IMAGES - self.validation_images

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch; the last one may be smaller."""
        return math.ceil(self.train_images / self.batch_size)

    @property
    def total_steps(self) -> int:
        """Batches in the whole run."""
        return self.steps if self.steps is not None else self.epochs * self.steps_per_epoch

    @property
    def total_epochs(self) -> int:
        """Epochs in the whole run; the last one may be cut short by steps."""
        return math.ceil(self.total_steps / self.steps_per_epoch)


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides a run: stored whole in its folder and in its checkpoint.

    Raises ConfigError when preset is no name: it is shown on pages and written into scripts.
    """

    preset: str = "custom"
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def __post_init__(self) -> None:
        if not isinstance(self.preset, str) or not PRESET_NAME.fullmatch(self.preset):
            raise ConfigError(
                N_("preset: {given} was given; it is a name of up to 60 letters, digits, '-', '_' and '.'"),
                given=shown(self.preset),
            )

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; from_dict reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: object) -> RunConfig:
        """Read what to_dict wrote. A setting that is missing takes its default.

        Raises ConfigError for an unknown setting or a value of the wrong kind.
        """
        if not isinstance(values, dict):
            raise ConfigError(N_("config: it is not a table of settings"))
        for section in ("model", "train"):
            if not isinstance(values.get(section, {}), dict):
                raise ConfigError(N_("config: {section!r} is not a table of settings"), section=section)
        _check_names(cls, values)
        return cls(
            preset=values.get("preset", "custom"),
            model=ModelConfig(**_check_names(ModelConfig, values.get("model", {}))),
            train=TrainConfig(**_check_names(TrainConfig, current_names(values.get("train", {})))),
        )

    def with_changes(self, **changes: Any) -> RunConfig:
        """The same with some settings of model or train changed, by name; None leaves a setting as it is."""
        known = {f.name for part in (ModelConfig, TrainConfig) for f in fields(part)}
        given = {name: value for name, value in changes.items() if value is not None}
        if unknown := sorted(set(given) - known):
            raise ConfigError(
                N_("there is no setting {name!r}; settings are {names}"),
                name=unknown[0],
                names=", ".join(sorted(known)),
            )
        model_names = {f.name for f in fields(ModelConfig)}
        return replace(
            self,
            model=replace(self.model, **{n: v for n, v in given.items() if n in model_names}),
            train=replace(self.train, **{n: v for n, v in given.items() if n not in model_names}),
        )

    def changes_from(self, other: RunConfig) -> dict[str, Any]:
        """The settings of model and train in which this one differs from other, with this one's values."""
        return {
            f.name: getattr(mine, f.name)
            for mine, theirs in ((self.model, other.model), (self.train, other.train))
            for f in fields(mine)
            if getattr(mine, f.name) != getattr(theirs, f.name)
        }


def current_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings, those of an earlier version under the names of this one."""
    return {FORMER_NAMES.get(name, name): value for name, value in settings.items()}


def _check_names(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    """values itself, once every name in it is a field of kind."""
    if unknown := sorted(set(values) - {f.name for f in fields(kind)}):
        raise ConfigError(
            N_("config: unknown setting {name}; was it written by a newer version?"), name=shown(unknown[0])
        )
    return values
