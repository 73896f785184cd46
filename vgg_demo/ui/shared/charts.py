"""Apache ECharts specifications, as plain dicts, and their descriptions in words."""

from __future__ import annotations

from typing import Any

from vgg_demo.colours import BLUE, GREEN, ORANGE, PURPLE
from vgg_demo.text import _, percent

SKY = "#6CB4E4"  # a light blue that shows on white and on black
GREY = "rgba(128, 128, 128, 0.8)"
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
