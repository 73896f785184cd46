"""Charts of the Draw tab: ten bars, one a digit."""

from __future__ import annotations

from vgg_demo.colours import BLUE, ORANGE
from vgg_demo.text import _, per_cent
from vgg_demo.ui.shared.charts import GREY, Spec, percent_pattern


def probability_bars(probabilities: list[float], can_tell: bool = True) -> Spec:
    """Probabilities, the likeliest in orange; all in grey when the network cannot tell."""
    best = max(range(10), key=probabilities.__getitem__) if any(probabilities) else -1
    data = [_bar(p * 100, digit == best, {"show": p >= 0.005}, 1) for digit, p in enumerate(probabilities)]
    if not can_tell:
        for bar in data:
            bar["itemStyle"] = {"color": GREY}
    spec = _bars(data, 0, 100, {"position": "right", "formatter": per_cent("{c}")})
    spec["grid"]["right"] = 48
    spec["tooltip"] = {"valueFormatter": percent_pattern(1)}
    spec["series"][0] |= {"showBackground": True, "backgroundStyle": {"color": "rgba(128, 128, 128, 0.12)"}}
    return spec


def logit_bars(logits: list[float]) -> Spec:
    """Logits to either side of 0, the highest in orange."""
    best = max(range(10), key=logits.__getitem__)
    reach = round(max(1.0, *(abs(logit) for logit in logits)) * 1.35, 2)
    data = [
        _bar(logit, digit == best, {"position": "right" if logit >= 0 else "left"})
        for digit, logit in enumerate(logits)
    ]
    return _bars(data, -reach, reach, {"show": True, "formatter": "{c}"})


def logits_in_words(logits: list[float]) -> str:
    """The logits for someone who cannot see them."""
    order = sorted(range(10), key=logits.__getitem__, reverse=True)
    return _("Logits, the highest first: ") + ", ".join(f"{digit}: {logits[digit]:.2f}" for digit in order)


def _bar(value: float, is_best: bool, label: Spec, digits: int = 2) -> Spec:
    weight = "bold" if is_best else "normal"
    colour = ORANGE if is_best else BLUE
    return {"value": round(value, digits), "itemStyle": {"color": colour}, "label": {**label, "fontWeight": weight}}


def _bars(data: list[Spec], low: float, high: float, label: Spec) -> Spec:
    """Ten bars, 0 at the top. label: of all bars; each has its own part, too."""
    digits = {"type": "category", "data": [str(digit) for digit in range(10)], "inverse": True, "position": "left",
              "axisTick": {"show": False}, "axisLine": {"show": False}, "axisLabel": {"fontSize": 14}}  # fmt: skip
    return {
        "animation": False,
        "grid": {"left": 8, "right": 8, "top": 4, "bottom": 4, "containLabel": True},
        "tooltip": {},
        "xAxis": {"type": "value", "min": low, "max": high, "show": False},
        "yAxis": digits,
        "series": [{"type": "bar", "data": data, "barWidth": "70%", "label": label}],
    }
