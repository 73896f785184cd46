"""Ten lines over the steps: what a network said to one digit while it learned; and the same in words."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from vgg_demo.colours import BLUE, GREEN, ORANGE, PURPLE
from vgg_demo.runs.pinned import Answers, answer
from vgg_demo.text import _, percent
from vgg_demo.ui.shared.charts import GREY, SKY

MOST_POINTS = 400  # of a line
MOST_PICTURES = 200  # that are played back
COLOURS = (BLUE, GREEN, PURPLE, SKY, "#B79F00")
STANDS_OUT = 0.3  # a digit that was never this likely is a thin grey line


def thinned(steps: list[int], most: int = MOST_POINTS) -> list[int]:
    """At most about that many of the steps, the first and the last among them."""
    every = max(1, -(-len(steps) // most))
    return [*steps[:-1:every], *steps[-1:]]


def at_step(seen: Answers, step: int) -> list[float]:
    """What it said after that step, or after the last one measured before it; before the first, the first."""
    return seen.probabilities[max(0, bisect_right(seen.steps, step) - 1)]


def ten_lines(seen: Answers, label: int | None) -> dict[str, Any]:
    """Probabilities in per cent over the steps. The digit that is meant is orange and bold."""
    meant = answer(seen.probabilities[-1]) if label is None else label
    kept = set(thinned(seen.steps))
    points = [(at, ten) for at, ten in zip(seen.steps, seen.probabilities, strict=False) if at in kept]
    most = [max(ten[digit] for _at, ten in points) for digit in range(10)]
    others = sorted((d for d in range(10) if d != meant and most[d] >= STANDS_OUT), key=most.__getitem__, reverse=True)
    colours = {meant: ORANGE, **dict(zip(others, COLOURS, strict=False))}
    return {
        "x": [at for at, _ten in points],
        "lines": [
            {
                "name": str(digit),
                "values": [round(100 * ten[digit], 1) for _at, ten in points],
                "colour": colours.get(digit, GREY),
                "width": 3.5 if digit == meant else 2 if digit in colours else 1,
            }
            for digit in range(10)
        ],
    }


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
