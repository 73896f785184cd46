"""Charts of the Draw tab: the ten logits, and bars for an answer that is none."""

from __future__ import annotations

from vgg_demo.colours import BLUE, ORANGE
from vgg_demo.text import _
from vgg_demo.ui.shared import charts
from vgg_demo.ui.shared.charts import DIGITS_DOWN, GREY, Spec


def bars(probabilities: list[float], can_tell: bool = True) -> Spec:
    """The ten bars; all in grey when the network cannot tell."""
    spec = charts.probability_bars(probabilities)
    if not can_tell:
        for item in spec["series"][0]["data"]:
            item["itemStyle"]["color"] = GREY
    return spec


def logit_bars(logits: list[float]) -> Spec:
    """Ten bars to either side of 0, the highest in orange."""
    best = max(range(10), key=logits.__getitem__)
    reach = max(1.0, *(abs(logit) for logit in logits)) * 1.35
    data = [
        {
            "value": round(logit, 2),
            "itemStyle": {"color": ORANGE if digit == best else BLUE},
            "label": {
                "position": "right" if logit >= 0 else "left",
                "fontWeight": "bold" if digit == best else "normal",
            },
        }
        for digit, logit in enumerate(logits)
    ]
    return {
        "animation": False,
        "grid": {"left": 8, "right": 8, "top": 4, "bottom": 4, "containLabel": True},
        "tooltip": {},
        "xAxis": {"type": "value", "min": -round(reach, 2), "max": round(reach, 2), "show": False},
        "yAxis": {**DIGITS_DOWN, "position": "left"},
        "series": [{"type": "bar", "data": data, "barWidth": "70%", "label": {"show": True, "formatter": "{c}"}}],
    }


def logits_in_words(logits: list[float]) -> str:
    """The logits for someone who cannot see them."""
    order = sorted(range(10), key=logits.__getitem__, reverse=True)
    return _("Logits, the highest first: ") + ", ".join(f"{digit}: {logits[digit]:.2f}" for digit in order)
