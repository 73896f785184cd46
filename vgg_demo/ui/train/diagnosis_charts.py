"""The signal and the gradient through the layers, and the ten answers, as ECharts specifications and in words."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from vgg_demo.colours import BLUE, ORANGE
from vgg_demo.diagnosis.records import Diagnosis, LayerFigures
from vgg_demo.text import _
from vgg_demo.ui.shared.charts import GREY, OVERLAYS, Spec

Figure = Callable[[LayerFigures], float]
SMALLEST = 1e-10  # a logarithmic axis has no place for 0
IMAGE = _("image")


def signal_through_layers(name: str, first: Diagnosis, now: Diagnosis, others: dict[str, Diagnosis]) -> Spec:
    """The signal from image to logits: of this run now (bold) and before its first step (faint), and of others now."""
    stations = _stations([first, now, *others.values()])
    series = [_line(name, _signals(now, stations), ORANGE, "solid", 3)]
    if first is not now:
        series.insert(0, _line(_("before the first step"), _signals(first, stations), ORANGE, "dotted", 1.5))
    for (other, diagnosis), (colour, dash) in zip(others.items(), OVERLAYS, strict=False):
        series.append(_line(other, _signals(diagnosis, stations), colour, dash, 2.5))
    return _through_layers([IMAGE, *stations], series)


def gradient_through_layers(name: str, now: Diagnosis, others: dict[str, Diagnosis]) -> Spec:
    """The gradient of each layer as a share of its weights: of this run and of others."""
    return _figure_through_layers(name, now, others, lambda layer: layer.gradient)


def update_through_layers(name: str, now: Diagnosis, others: dict[str, Diagnosis]) -> Spec:
    """How far one step moves each layer's weights, as a share of them: of this run and of others."""
    return _figure_through_layers(name, now, others, lambda layer: layer.update)


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
    text = _("Of {images} training digits it reads {share:.0%} right; most often it says {digit} ({most:.0%}).")
    return text.format(images=images, share=diagnosis.accuracy, digit=digit, most=share)


def signal_in_words(diagnosis: Diagnosis) -> str:
    """The signal's way in one sentence."""
    signals = [diagnosis.image_signal, *(layer.signal for layer in diagnosis.layers)]
    steps = [later / earlier for earlier, later in pairwise(signals) if earlier > 0 and later > 0]
    factor = math.exp(sum(map(math.log, steps)) / len(steps)) if steps else 0.0
    text = _(
        "Signal through the layers: from {first:.1e} in the images to {last:.1e} at the logits, "
        "a factor of {factor:.2f} a layer."
    )
    return text.format(first=signals[0], last=signals[-1], factor=factor)


def gradient_in_words(diagnosis: Diagnosis) -> str:
    """The gradients in one sentence."""
    first, last = diagnosis.layers[0], diagnosis.layers[-1]
    text = _("Gradient through the layers, as a share of the weights: {first:.1e} in {a}, {last:.1e} in {b}.")
    return text.format(first=first.gradient, a=first.name, last=last.gradient, b=last.name)


def _figure_through_layers(name: str, now: Diagnosis, others: dict[str, Diagnosis], figure: Figure) -> Spec:
    stations = _stations([now, *others.values()])
    series = [_line(name, _figures(now, stations, figure), ORANGE, "solid", 3)]
    for (other, diagnosis), (colour, dash) in zip(others.items(), OVERLAYS, strict=False):
        series.append(_line(other, _figures(diagnosis, stations, figure), colour, dash, 2.5))
    return _through_layers(stations, series)


def _stations(diagnoses: list[Diagnosis]) -> list[str]:
    """The layers of all networks, convolutions first: those of a shallower one are a part of them."""
    names = [layer.name for diagnosis in diagnoses for layer in diagnosis.layers]
    return sorted(set(names), key=lambda name: (not name.startswith("conv"), int(name.split()[-1])))


def _signals(diagnosis: Diagnosis, stations: list[str]) -> list[float | None]:
    return [_drawable(diagnosis.image_signal), *_figures(diagnosis, stations, lambda layer: layer.signal)]


def _figures(diagnosis: Diagnosis, stations: list[str], figure: Figure) -> list[float | None]:
    values = {layer.name: _drawable(figure(layer)) for layer in diagnosis.layers}
    return [values.get(station) for station in stations]


def _drawable(value: float) -> float | None:
    return float(f"{max(value, SMALLEST):.3g}") if math.isfinite(value) else None


def _line(name: str, data: list[float | None], colour: str, dash: str, width: float) -> dict[str, Any]:
    return {
        "name": name,
        "type": "line",
        "data": data,
        "connectNulls": True,
        "symbolSize": 5,
        "itemStyle": {"color": colour},
        "lineStyle": {"width": width, "color": colour, "type": dash},
    }


def _through_layers(stations: list[str], series: list[dict[str, Any]]) -> Spec:
    values = [value for line in series for value in line["data"] if value]
    return {
        "animation": False,
        "grid": {"left": 8, "right": 16, "top": 40, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "left": 0, "type": "scroll"},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": stations, "axisLabel": {"rotate": 45, "fontSize": 10}},
        "yAxis": {
            "type": "log",
            "min": 10.0 ** math.floor(math.log10(min([*values, 1e-2]))),
            "max": 10.0 ** math.ceil(math.log10(max([*values, 1.0]))),
            "axisLabel": {"formatter": "{value}"},
        },
        "series": series,
    }
