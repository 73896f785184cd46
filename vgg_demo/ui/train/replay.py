"""Pinned digits played back in the browser, without a run of the script for each picture (replay.js)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from vgg_demo.runs.pinned import Answers, PinnedDigit
from vgg_demo.text import _, per_cent
from vgg_demo.ui.train import pinned_charts, pinned_tiles
from vgg_demo.ui.train.feed import UPLOT_URL
from vgg_demo.ui.train.live_curve import UPLOT_CSS

HTML = """
<div class="replay">
<div class="pinned"></div>
<div class="player"><button type="button"></button><input type="range" min="0" step="1"><output></output></div>
<div class="lines" role="img"></div>
</div>
"""
CSS = """
.player { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; margin: .75rem 0; }
.player button { min-height: 44px; min-width: 6.5rem; padding: 0 1rem; font: inherit; font-size: .875rem;
                 cursor: pointer; color: var(--st-text-color); background: var(--st-background-color);
                 touch-action: manipulation; border: 1px solid var(--st-border-color);
                 border-radius: var(--st-button-radius, .5rem); }
.player button:hover { border-color: var(--st-primary-color); }
.player input { flex: 1 1 10rem; height: 44px; accent-color: var(--st-primary-color); }
.player :focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
.player output { min-width: 9rem; font-size: .875rem; font-variant-numeric: tabular-nums; }
.lines { min-height: 300px; }
.lines .u-legend .u-value { min-width: 3.6em; vertical-align: middle; }
"""

_replay = st.components.v2.component(
    "pinned_replay",
    html=HTML,
    css=UPLOT_CSS + CSS + pinned_tiles.CSS,
    js="".join(
        Path(__file__).with_name(name).read_text("utf-8") for name in ("uplot.js", "pinned_tiles.js", "replay.js")
    ),
)


def show(key: str, digits: Sequence[PinnedDigit], seen: Mapping[str, Answers], chosen: PinnedDigit, story: str) -> None:
    """The bars of all digits after one step, a slider and Play, and the ten lines of the chosen digit.

    key: of the run. seen: what the run said to each digit, by its id. story: the chosen one's lines in words.
    """
    steps = pinned_charts.thinned(
        sorted({step for found in seen.values() for step in found.steps}), pinned_charts.MOST_PICTURES
    )
    read = [digit for digit in digits if digit.id in seen]
    _replay(
        key=f"replay-{key}",
        data={
            "key": f"{key}-{steps[-1]}",
            "tiles": pinned_tiles.tiles(digits),
            "steps": steps,
            "rows": [
                [pinned_tiles.row(digit, pinned_charts.at_step(seen[digit.id], step)) for digit in read]
                for step in steps
            ],
            "lines": {
                **pinned_charts.ten_lines(seen[chosen.id], chosen.label),
                "words": _("Ten probabilities over the steps. {story}").format(story=story),
            },
            "library": UPLOT_URL,
            "words": {
                "play": _("Play"),
                "pause": _("Pause"),
                "place": _("After step"),
                "after": _("After step {step}"),
                "step": _("step"),
                "percent": per_cent("{number}"),
            },
        },
    )
