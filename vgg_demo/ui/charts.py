"""Apache ECharts specifications, as plain dicts, and their descriptions in words."""

from __future__ import annotations

import math
from typing import Any

from vgg_demo.runs.reader import Curve
from vgg_demo.ui.text import _, percent

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY = "#6CB4E4"  # a light blue that shows on white and on black
GREY = "rgba(128, 128, 128, 0.8)"
KNOWS_NOTHING = math.log(10)
KNOWS_FREQUENCIES = 2.3010  # the entropy of the training labels, in nats
OVERLAYS = [(BLUE, "dashed"), (GREEN, "dotted"), (PURPLE, "solid"), (GREY, "dashed"), ("#B79F00", "dotted")]
Spec = dict[str, Any]
DIGITS_DOWN: Spec = {
    "type": "category",
    "data": [str(digit) for digit in range(10)],
    "inverse": True,
    "axisTick": {"show": False},
    "axisLine": {"show": False},
    "axisLabel": {"fontSize": 14},
}


def loss_curve(
    name: str,
    curve: Curve,
    total_steps: int,
    steps_per_epoch: int,
    others: dict[str, Curve],
    smoothing: float = 0.9,
    log_scale: bool = False,
    learning_rate: bool = False,
) -> Spec:
    """The loss over the steps: each batch faint, smoothed bold; what others did, and validation accuracy if measured.

    others: runs to lay over it, told apart by colour and dashes; only their smoothed loss is shown.
    """
    marks = _marks(curve, total_steps, steps_per_epoch)
    series = [
        _loss_of_each_batch(curve, log_scale),
        {
            **_smoothed(name if others else _("smoothed"), curve, smoothing, log_scale, ORANGE, 3),
            "markLine": marks,
            "z": 5,
        },
    ]
    for (other, theirs), (colour, dash) in zip(others.items(), OVERLAYS, strict=False):
        series.append(_smoothed(other, theirs, smoothing, log_scale, colour, 2.5, dash))
    right_axes: list[Spec] = []
    if curve.val_accuracies:
        right_axes.append({"min": 0, "max": 100, "name": _("accuracy, %")})
        series.append({**_validation_accuracy(curve), "yAxisIndex": len(right_axes)})
    if learning_rate:
        offset = 56 if right_axes else 0
        right_axes.append({"min": 0, "name": _("learning rate"), "offset": offset, "position": "right"})
        series.append({**_learning_rate(curve), "yAxisIndex": len(right_axes)})
    loss_axis = {"type": "log", "min": 0.001} if log_scale else {"min": 0, "max": _ceiling([curve, *others.values()])}
    return {
        "animation": False,
        "grid": {"left": 8, "right": 24, "top": 64, "bottom": 32, "containLabel": True},
        "legend": {"top": 0, "left": 0, "type": "scroll"},
        "tooltip": {"trigger": "axis", "valueFormatter": "%.4f"},
        "xAxis": {
            "type": "value",
            "min": 0,
            "max": max([total_steps, *(theirs.last_step for theirs in others.values())]),
            "name": _("step"),
            "nameLocation": "middle",
            "nameGap": 24,
            "splitLine": {"show": False},
        },
        "yAxis": [
            {"type": "value", "name": _("loss"), "nameGap": 8, **loss_axis},
            *({"type": "value", "splitLine": {"show": False}, **axis} for axis in right_axes),
        ],
        "series": series,
    }


def _loss_of_each_batch(curve: Curve, log_scale: bool) -> Spec:
    return {
        "name": _("loss of each batch"),
        "type": "line",
        "data": _positive(curve.points(), log_scale),
        "showSymbol": len(curve.steps) < 3,
        "lineStyle": {"width": 1, "opacity": 0.6, "color": SKY},
        "itemStyle": {"color": SKY},
    }


def _smoothed(
    name: str, curve: Curve, smoothing: float, log_scale: bool, colour: str, width: float, dash: str = "solid"
) -> Spec:
    return {
        "name": name,
        "type": "line",
        "showSymbol": False,
        "data": _positive(curve.points(smoothing=smoothing), log_scale),
        "lineStyle": {"width": width, "color": colour, "type": dash},
        "itemStyle": {"color": colour},
    }


def _validation_accuracy(curve: Curve) -> Spec:
    return {
        "name": _("validation accuracy"),
        "type": "line",
        "symbol": "diamond",
        "symbolSize": 10,
        "data": [(step, round(100 * accuracy, 3)) for step, accuracy in curve.val_accuracies],
        "lineStyle": {"width": 2, "color": GREEN, "type": "dashed"},
        "itemStyle": {"color": GREEN},
    }


def _learning_rate(curve: Curve) -> Spec:
    return {
        "name": _("learning rate"),
        "type": "line",
        "showSymbol": False,
        "data": curve.points("learning_rates"),
        "itemStyle": {"color": PURPLE},
        "lineStyle": {"width": 1.5, "color": PURPLE, "type": "dotted"},
        "tooltip": {"valueFormatter": "%.3g"},
    }


def digit_counts(counts: list[int]) -> Spec:
    """How many images there are of each digit."""
    return {
        "animation": False,
        "grid": {"left": 8, "right": 8, "top": 16, "bottom": 8, "containLabel": True},
        "tooltip": {},
        "xAxis": {"type": "category", "data": [str(digit) for digit in range(10)]},
        "yAxis": {"type": "value", "max": 8000, "interval": 2000},
        "series": [{"type": "bar", "data": counts, "itemStyle": {"color": BLUE}}],
    }


def loss_in_words(curve: Curve, total_steps: int) -> str:
    """The loss curve for someone who cannot see it."""
    if not curve.steps:
        return _("Loss curve: no batch has been learned from yet.")
    text = _("Loss curve: step {step} of {total}. The loss began at {first:.2f} and is now {last:.2f}, smoothed.")
    return text.format(step=curve.steps[-1], total=total_steps, first=curve.losses[0], last=curve.smoothed_loss)


def probability_bars(probabilities: list[float]) -> Spec:
    """Ten bars, one a digit, the likeliest in orange."""
    best = max(range(10), key=probabilities.__getitem__) if any(probabilities) else -1
    data = [
        {
            "value": round(p * 100, 2),
            "itemStyle": {"color": ORANGE if digit == best else BLUE},
            "label": {"show": p >= 0.005, "fontWeight": "bold" if digit == best else "normal"},
        }
        for digit, p in enumerate(probabilities)
    ]
    return {
        "animation": False,
        "grid": {"left": 8, "right": 48, "top": 4, "bottom": 4, "containLabel": True},
        "tooltip": {"valueFormatter": "%.2f %%"},
        "xAxis": {"type": "value", "min": 0, "max": 100, "show": False},
        "yAxis": DIGITS_DOWN,
        "series": [
            {
                "type": "bar",
                "data": data,
                "barWidth": "70%",
                "showBackground": True,
                "backgroundStyle": {"color": "rgba(128, 128, 128, 0.12)"},
                "label": {"position": "right", "formatter": "{c} %"},
            }
        ],
    }


def probabilities_in_words(probabilities: list[float]) -> str:
    """The ten bars for someone who cannot see them."""
    order = sorted(range(10), key=probabilities.__getitem__, reverse=True)
    if not any(probabilities):
        return _("Probabilities of the ten digits: nothing has been drawn.")
    return _("Probabilities: ") + ", ".join(f"{digit}: {percent(probabilities[digit], 1)}" for digit in order[:3])


def _ceiling(curves: list[Curve]) -> float:
    """The top of the loss axis: a little above ln 10, or higher when much of a curve lies there."""
    finite = sorted(loss for curve in curves for loss in curve.losses[-5000:] if math.isfinite(loss))
    high = finite[int(0.95 * (len(finite) - 1))] if finite else 0.0
    return max(2.5, min(math.ceil(high * 2.2) / 2, 20.0))


def _marks(curve: Curve, total_steps: int, steps_per_epoch: int) -> Spec:
    """Reference lines across, and lines down where an epoch ended or the learning rate was changed by hand."""
    epochs = range(steps_per_epoch, total_steps, steps_per_epoch) if total_steps <= 60 * steps_per_epoch else []
    down = {"position": "end", "fontSize": 10, "color": GREY}
    lines: list[Spec] = [
        {"yAxis": KNOWS_NOTHING, "label": {"position": "insideEndTop", "formatter": _("knows nothing: 2.303")}},
        {
            "yAxis": KNOWS_FREQUENCIES,
            "label": {"position": "insideEndBottom", "formatter": _("knows only how common each digit is: 2.301")},
        },
        *(
            {
                "xAxis": step,
                "label": {**down, "formatter": str(step // steps_per_epoch)},
                "lineStyle": {"type": "dotted", "opacity": 0.6},
            }
            for step in epochs
        ),
        *(
            {
                "xAxis": step,
                "label": {**down, "formatter": f"lr {rate:g}", "color": PURPLE},
                "lineStyle": {"type": "solid", "color": PURPLE},
            }
            for step, rate in curve.learning_rate_changes
        ),
    ]
    return {
        "silent": True,
        "symbol": "none",
        "lineStyle": {"type": "dashed", "color": GREY},
        "label": {"color": GREY},
        "data": lines,
    }


def _positive(points: list[tuple[int, float]], log_scale: bool) -> list[tuple[int, float]]:
    """A logarithmic axis has no place for 0."""
    return [(step, max(value, 1e-3)) for step, value in points] if log_scale else points
