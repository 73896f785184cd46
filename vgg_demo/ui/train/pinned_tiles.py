"""A pinned digit as the page shows it: its picture and ten bars. pinned_tiles.js moves the bars while a run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from vgg_demo.colours import BLUE, ORANGE
from vgg_demo.runs.pinned import PinnedDigit, answer, pinned_digits
from vgg_demo.runs.reader import Curve
from vgg_demo.runs.store import Run
from vgg_demo.text import _, percent
from vgg_demo.ui.evaluate.gallery import data_uri

BAR_PIXELS = 56
CSS = f"""
.pinned {{ display: flex; flex-wrap: wrap; gap: 1rem 1.5rem; }}
.pinned[hidden] {{ display: none; }}
.pinned figure {{ margin: 0; font-size: .82rem; line-height: 1.3; }}
.pinned .digit {{ display: flex; align-items: flex-end; gap: .5rem; }}
.pinned img {{ image-rendering: pixelated; border-radius: 3px; margin-bottom: 14px; }}
.pinned .ten {{ display: flex; align-items: flex-end; gap: 2px; height: {BAR_PIXELS + 14}px; font-size: 10px; }}
.pinned .ten span {{ width: 10px; line-height: 14px; text-align: center; }}
.pinned .ten i {{ display: block; background: #8a8a8a; min-height: 1px; }}
.pinned .ten .label i {{ background: {BLUE}; }} .pinned .ten .answer i {{ background: {ORANGE}; }}
.pinned .ten .label, .pinned .ten .answer {{ font-weight: 700; }}
.pinned figcaption {{ min-height: 1.3em; font-variant-numeric: tabular-nums; }}
"""


def tiles(digits: Sequence[PinnedDigit], rows: Sequence[dict[str, Any]] = ()) -> str:
    """Digits with their bars as HTML, to be styled with CSS. rows: what is known of them, as rows_at gives it."""
    known = {row["id"]: row for row in rows}
    return "".join(_tile(digit, known.get(digit.id)) for digit in digits)


def latest_rows(run: Run, curve: Curve) -> list[dict[str, Any]]:
    """What a run says to its pinned digits now."""
    found = []
    for digit in pinned_digits(run):
        if seen := curve.probabilities.get(digit.id):
            found.append(row(digit, seen.probabilities[len(seen.steps) - 1]))
    return found


def row(digit: PinnedDigit, probabilities: list[float]) -> dict[str, Any]:
    """What the page and the feed show of a digit: its bars (heights in pixels), the answer, and both in words."""
    said = answer(probabilities)
    short = _("{answer}, {sure}").format(answer=said, sure=percent(probabilities[said], 1))
    return {
        "id": digit.id,
        "bars": [round(BAR_PIXELS * p) for p in probabilities],
        "answer": said,
        "short": short,
        "words": _("{name}: read as {answer}").format(name=name(digit), answer=short),
    }


def name(digit: PinnedDigit) -> str:
    """What a digit is called."""
    return _("A digit") if digit.label is None else _("Your {label}").format(label=digit.label)


def _tile(digit: PinnedDigit, known: dict[str, Any] | None) -> str:
    bars = []
    for number in range(10):
        height = known["bars"][number] if known else 0
        kinds = ["label"] * (number == digit.label) + ["answer"] * bool(known and number == known["answer"])
        bars.append(f'<span class="{" ".join(kinds)}"><i style="height:{height}px"></i>{number}</span>')
    called = escape(name(digit))
    words = escape(known["words"]) if known else _("{name}: not read yet").format(name=called)
    return (
        f'<figure data-digit="{digit.id}"><div class="digit">'
        f'<img src="{data_uri(digit.pixels)}" width="56" height="56" alt="{called}">'
        f'<div class="ten" role="img" aria-label="{words}">{"".join(bars)}</div></div>'
        f"<figcaption>{escape(known['short']) if known else ''}</figcaption></figure>"
    )
