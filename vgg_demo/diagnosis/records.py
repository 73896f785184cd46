"""What is measured of a network to see why it does not learn: plain figures, without torch.

measure.py measures them, verdict.py says what they mean, the page draws them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from vgg_demo.config import CLASSES
from vgg_demo.errors import FormatError
from vgg_demo.schema import Kind, number, read_table, rows, table, text, whole
from vgg_demo.text import N_

NAN = float("nan")


@dataclass(frozen=True)
class LayerFigures:
    """One layer with weights. A figure that was not measured is NaN, and so is one that is no number any more.

    signal: how much its output, before the ReLU, differs between images: the standard deviation over a batch,
    averaged over units. gradient, update: size (Euclidean norm) of the weights' gradient, and of the step that they
    took, as a share of the weights' own. silent: the share of its ReLU units that fire for no image of the batch;
    a convolution's unit is a channel.
    """

    name: str
    signal: float
    gradient: float = NAN
    update: float = NAN
    silent: float = NAN


@dataclass(frozen=True)
class Diagnosis:
    """A network after step steps, looked at with a fixed batch of training digits.

    The gradient is the next batch's and the update the next step's. image_signal: the signal of the images themselves.
    answers: how many of the digits were read as 0 to 9; shown: how many of each there are. accuracy: a fraction.
    cost_seconds: what looking has cost so far in all, of training_seconds that were spent training.
    """

    step: int
    image_signal: float
    layers: tuple[LayerFigures, ...]
    answers: tuple[int, ...]
    shown: tuple[int, ...]
    accuracy: float
    loss: float
    cost_seconds: float = 0.0
    training_seconds: float = 0.0

    @property
    def layer_names(self) -> list[str]:
        """What the layers are called, in order."""
        return [layer.name for layer in self.layers]

    @property
    def output_signal(self) -> float:
        """The signal of the logits."""
        return self.layers[-1].signal

    @property
    def most_silent(self) -> LayerFigures:
        """The layer of which the largest share never fires."""
        return max(self.layers, key=lambda layer: -1.0 if math.isnan(layer.silent) else layer.silent)

    @property
    def commonest_answer(self) -> tuple[int, float]:
        """The digit that it answers most often, and the share of the images."""
        most = max(self.answers)
        return self.answers.index(most), most / sum(self.answers)

    @property
    def typical_update(self) -> float:
        """The middle one of the layers' updates."""
        return median(layer.update for layer in self.layers)

    @property
    def typical_gradient(self) -> float:
        """The middle one of the layers' gradients."""
        return median(layer.gradient for layer in self.layers)

    def with_figures(self, name: str, figures: Iterable[float]) -> Diagnosis:
        """The same with one figure of every layer changed. name: that of a field of LayerFigures."""
        changes: list[dict[str, Any]] = [{name: figure} for figure in figures]
        layers = zip(self.layers, changes, strict=True)
        return replace(self, layers=tuple(replace(layer, **change) for layer, change in layers))

    def to_dict(self) -> dict[str, Any]:
        """As one line of metrics.jsonl; what is no number is null."""
        return {"event": "diagnosis", **without_nan(asdict(self))}

    @classmethod
    def from_dict(cls, values: object) -> Diagnosis:
        """Read what to_dict wrote; null is NaN. Raises FormatError when it is something else."""
        checked = read_table(values, DIAGNOSIS, DIAGNOSIS)
        if not sum(checked["answers"]) or not sum(checked["shown"]):
            raise FormatError(N_("a diagnosis of no images"))
        layers = tuple(LayerFigures(**layer) for layer in checked["layers"])
        return cls(
            **{**checked, "layers": layers, "answers": tuple(checked["answers"]), "shown": tuple(checked["shown"])}
        )


def median(values: Iterable[float]) -> float:
    """The middle one (the lower of two) of those that are numbers; NaN when there is none."""
    numbers = sorted(value for value in values if not math.isnan(value))
    return numbers[(len(numbers) - 1) // 2] if numbers else NAN


def _figure(value: object) -> float:
    """A number, or NaN for null."""
    return NAN if value is None else float(number()(value))


LAYER: dict[str, Kind] = {"name": text, **dict.fromkeys(("signal", "gradient", "update", "silent"), _figure)}
DIAGNOSIS: dict[str, Kind] = {
    "step": whole(),
    "layers": rows(table(LAYER, LAYER), at_least=1, at_most=100),
    **dict.fromkeys(("answers", "shown"), rows(whole(0, 1_000_000), CLASSES, CLASSES)),
    **dict.fromkeys(("image_signal", "accuracy", "loss", "cost_seconds", "training_seconds"), _figure),
}


def without_nan(value: Any) -> Any:
    """The same dicts, lists and values for JSON, which has no NaN and no infinity: such a float becomes null."""
    if isinstance(value, dict):
        return {key: without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
