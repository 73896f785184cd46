"""The signal and the gradient through the layers, and the ten answers, as ECharts specifications and in words."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from vgg_demo.colours import BLUE, ORANGE
from vgg_demo.diagnosis.records import Diagnosis
from vgg_demo.text import _, fill, short
from vgg_demo.ui.shared.charts import GREY, OVERLAYS, Spec

SMALLEST = 1e-10  # a logarithmic axis has no place for 0
IMAGE = "image"  # the station before the first layer
RAISED = {"fontSize": 9, "padding": [0, 0, 7, 1]}


class Line(NamedTuple):
    """A network's line in a chart."""

    name: str
    diagnosis: Diagnosis
    colour: str
    dash: str
    width: float


def signal_through_layers(name: str, first: Diagnosis, now: Diagnosis, others: dict[str, Diagnosis]) -> Spec:
    """The signal from image to logits: of this run now (bold) and before its first step (faint), and of others now."""
    before = [] if first is now else [Line(_("before the first step"), first, ORANGE, "dotted", 1.5)]
    return _through_layers(
        [*before, *_lines(name, now, others)],
        lambda diagnosis: {IMAGE: diagnosis.image_signal} | {layer.name: layer.signal for layer in diagnosis.layers},
    )


def gradient_through_layers(name: str, now: Diagnosis, others: dict[str, Diagnosis]) -> Spec:
    """The gradient of each layer as a share of its weights: of this run and of others."""
    return _through_layers(_lines(name, now, others), lambda d: {layer.name: layer.gradient for layer in d.layers})


def update_through_layers(name: str, now: Diagnosis, others: dict[str, Diagnosis]) -> Spec:
    """How far one step moves each layer's weights, as a share of them: of this run and of others."""
    return _through_layers(_lines(name, now, others), lambda d: {layer.name: layer.update for layer in d.layers})


def ten_answers(diagnosis: Diagnosis) -> Spec:
    """How often each digit was answered, beside how often it was shown."""
    bar = {"type": "bar", "barGap": "10%"}
    return {
        "animation": False,
        "grid": {"left": 8, "right": 8, "top": 36, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "left": 0},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": [str(digit) for digit in range(10)]},
        "yAxis": {
            "type": "value",
            "minInterval": 1,
            "max": sum(diagnosis.shown),
            "splitNumber": 4,
            "interval": sum(diagnosis.shown) // 4,
        },
        "series": [
            {**bar, "name": _("shown"), "data": list(diagnosis.shown), "itemStyle": {"color": GREY}},
            {**bar, "name": _("answered"), "data": list(diagnosis.answers), "itemStyle": {"color": BLUE}},
        ],
    }


def answers_in_words(diagnosis: Diagnosis) -> str:
    """The ten answers in one sentence."""
    digit, share = diagnosis.commonest_answer
    images = sum(diagnosis.shown)
    if share == 1:
        return _("It says {digit} to everything: to all {images} digits.").format(digit=digit, images=images)
    text = _("Of {images} training digits it reads {share:0 %} right; most often it says {digit} ({most:0 %}).")
    return fill(text, images=images, share=diagnosis.accuracy, digit=digit, most=share)


def signal_in_words(diagnosis: Diagnosis) -> str:
    """The signal's way in one sentence."""
    signals = [diagnosis.image_signal, *(layer.signal for layer in diagnosis.layers)]
    steps = [later / earlier for earlier, later in pairwise(signals) if earlier > 0 and later > 0]
    factor = math.exp(sum(map(math.log, steps)) / len(steps)) if steps else 0.0
    text = _(
        "Signal through the layers: from {first:short} in the images to {last:short} at the logits, "
        "a factor of {factor:.2f} a layer."
    )
    return fill(text, first=signals[0], last=signals[-1], factor=factor)


def gradient_in_words(diagnosis: Diagnosis) -> str:
    """The gradients in one sentence."""
    first, last = diagnosis.layers[0], diagnosis.layers[-1]
    text = _("Gradient through the layers, as a share of the weights: {first:short} in {a}, {last:short} in {b}.")
    return fill(text, first=first.gradient, a=first.name, last=last.gradient, b=last.name)


def _lines(name: str, now: Diagnosis, others: dict[str, Diagnosis]) -> list[Line]:
    """This run's line, then those of the runs laid over it."""
    overlaid = zip(others.items(), OVERLAYS, strict=False)
    others_lines = [Line(other, diagnosis, colour, dash, 2.5) for (other, diagnosis), (colour, dash) in overlaid]
    return [Line(name, now, ORANGE, "solid", 3.0), *others_lines]


def _through_layers(lines: list[Line], figures: Callable[[Diagnosis], dict[str, float]]) -> Spec:
    """A chart of a figure at each station. figures: of a network, by station."""
    found = [{name: _drawable(value) for name, value in figures(line.diagnosis).items()} for line in lines]
    stations = sorted({name for values in found for name in values}, key=_depth)
    powers = [math.log10(value) for values in found for value in values.values() if value]
    return {
        "animation": False,
        "grid": {"left": 8, "right": 16, "top": 40, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "left": 0, "type": "scroll"},
        "tooltip": {"formatter": "{a}<br>{b}: {@[2]}"},
        "xAxis": {
            "type": "category",
            "data": [_("image") if name == IMAGE else name for name in stations],
            "axisLabel": {"rotate": 45, "fontSize": 10},
        },
        "yAxis": {
            "type": "value",  # of the powers of ten: a logarithmic axis would write 0.00000001
            "min": math.floor(min([*powers, -2])),
            "max": math.ceil(max([*powers, 0])),
            "minInterval": 1,
            "axisLabel": {"formatter": "10{power|{value}}", "rich": {"power": RAISED}},
        },
        "series": [
            {
                "name": line.name,
                "type": "line",
                "data": [_point(place, values.get(station)) for place, station in enumerate(stations)],
                "connectNulls": True,
                "symbolSize": 7,
                "itemStyle": {"color": line.colour},
                "lineStyle": {"width": line.width, "color": line.colour, "type": line.dash},
            }
            for line, values in zip(lines, found, strict=True)
        ],
    }


def _point(place: int, value: float | None) -> list[str | float] | None:
    """The station's place, the power of ten, and the value in words; None where there is none."""
    return None if value is None else [place, round(math.log10(value), 4), short(value)]


def _depth(station: str) -> tuple[int, int]:
    """Sorts the image before convolutions and these before linear layers, though some networks have fewer."""
    if station == IMAGE:
        return 0, 0
    kind, _space, number = station.partition(" ")
    if kind not in ("conv", "linear") or not (number.isdecimal() and len(number) < 4):
        return 3, 0  # a name that a damaged file has, or a newer version
    return (1 if kind == "conv" else 2), int(number)


def _drawable(value: float) -> float | None:
    return float(f"{max(value, SMALLEST):.3g}") if math.isfinite(value) else None
