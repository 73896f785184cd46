"""Ten lines over the steps: what a network said to one digit while it learned; and the same in words."""

from __future__ import annotations

from vgg_demo.colours import BLUE, GREEN, ORANGE, PURPLE
from vgg_demo.runs.pinned import Answers, answer
from vgg_demo.text import _, per_cent, percent
from vgg_demo.ui.shared.charts import GREY, SKY, Spec, percent_pattern

MOST_POINTS = 400
COLOURS = (BLUE, GREEN, PURPLE, SKY, "#B79F00")
STANDS_OUT = 0.3  # a digit that was never this likely is a thin grey line


def thinned(steps: list[int]) -> list[int]:
    """At most about MOST_POINTS of the steps, the first and the last among them."""
    every = max(1, -(-len(steps) // MOST_POINTS))
    return [*steps[:-1:every], *steps[-1:]]


def at_step(seen: Answers, step: int) -> list[float]:
    """What it said after that step, or after the last one measured before it; before the first, the first."""
    places = [place for place, measured in enumerate(seen.steps) if measured <= step]
    return seen.probabilities[places[-1] if places else 0]


def ten_lines(seen: Answers, label: int | None, step: int) -> Spec:
    """Probabilities in per cent over the steps, with a mark at one step. The digit that is meant is orange and bold."""
    meant = answer(seen.probabilities[-1]) if label is None else label
    kept = set(thinned(seen.steps))
    points = [(at, ten) for at, ten in zip(seen.steps, seen.probabilities, strict=False) if at in kept]
    most = [max(ten[digit] for _at, ten in points) for digit in range(10)]
    others = sorted((d for d in range(10) if d != meant and most[d] >= STANDS_OUT), key=most.__getitem__, reverse=True)
    colours = {meant: ORANGE, **dict(zip(others, COLOURS, strict=False))}
    mark = {"silent": True, "symbol": "none", "label": {"show": False}, "data": [{"xAxis": step}],
            "lineStyle": {"color": GREY, "type": "dashed"}}  # fmt: skip
    series = [
        {
            "name": str(digit),
            "type": "line",
            "showSymbol": len(points) < 3,
            "data": [[at, round(100 * ten[digit], 2)] for at, ten in points],
            "itemStyle": {"color": colours.get(digit, GREY)},
            "lineStyle": {
                "color": colours.get(digit, GREY),
                "width": 3.5 if digit == meant else 2 if digit in colours else 1,
            },
            "z": 3 if digit == meant else 2,
            **({"markLine": mark} if digit == meant else {}),
        }
        for digit in range(10)
    ]
    return {
        "animation": False,
        "grid": {"left": 8, "right": 24, "top": 40, "bottom": 24, "containLabel": True},
        "legend": {"top": 0, "left": 0, "type": "scroll", "data": [str(digit) for digit in colours]},
        "tooltip": {"trigger": "axis", "valueFormatter": percent_pattern(1)},
        "xAxis": {"type": "value", "min": points[0][0], "max": points[-1][0], "name": _("step"),
                  "nameLocation": "middle", "nameGap": 24, "splitLine": {"show": False}},
        "yAxis": {"type": "value", "min": 0, "max": 100, "axisLabel": {"formatter": per_cent("{value}")}},
        "series": series,
    }  # fmt: skip


def story_in_words(seen: Answers, label: int | None) -> str:
    """When the digit was first read right, and when for good, in one sentence."""
    last = seen.probabilities[-1]
    said = answer(last)
    now = _("{digit} ({sure})").format(digit=said, sure=percent(last[said], 1))
    if label is None:
        return _("Its last answer is {answer}.").format(answer=now)
    first, good = seen.first_right(label), seen.right_for_good(label)
    if first is None:
        return _("It never read this {label} right; its last answer is {answer}.").format(label=label, answer=now)
    if good is None:
        text = _("It first read this {label} right at step {first:,}, but its last answer is {answer}.")
        return text.format(label=label, first=first, answer=now)
    text = _("It has read this {label} right from step {good:,} on.")
    if first < good:
        text = _("It has read this {label} right from step {good:,} on, and for the first time at step {first:,}.")
    return text.format(label=label, first=first, good=good)
