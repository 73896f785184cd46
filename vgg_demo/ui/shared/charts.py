"""Apache ECharts specifications, as plain dicts, and their descriptions in words."""

from __future__ import annotations

from typing import Any

from vgg_demo.colours import BLUE, GREEN, PURPLE
from vgg_demo.text import _, per_cent, percent

SKY = "#6CB4E4"  # a light blue that shows on white and on black
GREY = "rgba(128, 128, 128, 0.8)"
OVERLAYS = [(BLUE, "dashed"), (GREEN, "dotted"), (PURPLE, "solid"), (GREY, "dashed"), ("#B79F00", "dotted")]
Spec = dict[str, Any]


def percent_pattern(digits: int) -> str:
    """How a chart writes percentages with so many digits after the point, as printf takes it."""
    return per_cent("{}").replace("%", "%%").format(f"%.{digits}f")


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


def probabilities_in_words(probabilities: list[float]) -> str:
    """The ten bars for someone who cannot see them."""
    order = sorted(range(10), key=probabilities.__getitem__, reverse=True)
    if not any(probabilities):
        return _("Probabilities of the ten digits: nothing has been drawn.")
    return _("Probabilities: ") + ", ".join(f"{digit}: {percent(probabilities[digit], 1)}" for digit in order[:3])
