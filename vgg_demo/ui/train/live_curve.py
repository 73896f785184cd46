"""A run's figures and curve as one component, which feed.py updates without a run of the script (live_curve.js)."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from vgg_demo.colours import GREEN, ORANGE, PURPLE
from vgg_demo.diagnosis.verdict import KNOWS_FREQUENCIES, KNOWS_NOTHING
from vgg_demo.language import language
from vgg_demo.runs.store import Run
from vgg_demo.text import _, per_cent
from vgg_demo.ui.shared import resources
from vgg_demo.ui.shared.charts import GREY, OVERLAYS, SKY
from vgg_demo.ui.train import pinned_tiles
from vgg_demo.ui.train.feed import FEED_URL, TOKEN, UPLOT, UPLOT_URL

LINEAR, LOG = "linear", "logarithmic"

HTML = """
<div class="live">
<div class="bar" role="progressbar" aria-valuemin="0" aria-valuemax="100"><i></i></div>
<div class="silence" role="status" hidden></div>
<div class="figures"></div>
<div class="curve" role="img"></div>
<div class="pinned" hidden></div>
</div>
"""
UPLOT_CSS = (
    UPLOT.with_suffix(".css").read_text("utf-8")
    + """
.uplot { display: flex; flex-direction: column; width: 100%; font-family: inherit; }
.u-legend { order: -1; margin: 0; text-align: left; font-size: 13px; color: var(--st-text-color); }
.u-inline.u-live th::after { content: ""; }
.u-inline tr { margin-right: 10px; }
.u-legend tr:first-child { display: none; }
.u-legend th { font-weight: 400; cursor: pointer; }
.u-legend .u-marker { width: 18px; height: 0; border-radius: 0; }
.u-legend .u-value { font-variant-numeric: tabular-nums; }
"""
)
CSS = """
.bar { height: 8px; border-radius: 4px; background: var(--st-secondary-background-color); overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--st-primary-color);
         transform: scaleX(0); transform-origin: left; will-change: transform; }
.silence { margin-top: .75rem; }
.live { container-type: inline-size; }
.figures { display: grid; grid-template-columns: repeat(2, 1fr); gap: 0 1rem; min-height: 118px;
           margin: 1rem 0 .75rem; }
@container (min-width: 480px) { .figures { grid-template-columns: repeat(4, 1fr); min-height: 62px; } }
.figures div { container-type: inline-size; }
.figures span { display: block; font-size: .875rem; white-space: nowrap; }
.figures b { display: block; font-size: min(1.6rem, 100cqi / (.56 * var(--longest))); font-weight: 400;
             font-variant-numeric: tabular-nums; white-space: nowrap;
             contain: strict; height: 2.4rem; will-change: transform; }
.live { display: flex; flex-direction: column; }
@media (max-width: 640px) { .curve { order: 1; } .pinned:not([hidden]) { margin-bottom: 1rem; } }
.curve { min-height: 400px; color: var(--st-text-color); }
"""

_curve = st.components.v2.component(
    "live_curve",
    html=HTML,
    css=UPLOT_CSS + CSS + pinned_tiles.CSS,
    js="".join(
        Path(__file__).with_name(name).read_text("utf-8") for name in ("uplot.js", "pinned_tiles.js", "live_curve.js")
    ),
)


def show(run: Run, key: str, others: list[str], is_followed: bool, tiles: str = "") -> None:
    """The run, with others laid over it by name. The script runs again when feed.page_key is no longer key.

    tiles: its pinned digits, as pinned_tiles.tiles gives them.
    """
    view = st.session_state
    _curve(
        key="loss-curve",
        data={
            "run": run.name,
            "identity": run.identity,
            "key": key,
            "others": others,
            "tiles": tiles,
            "query": {
                "smoothing": view.get("smoothing", 0.9),
                "rates": bool(view.get("show_learning_rate")),
                "followed": is_followed,
                "language": language(),
                "token": TOKEN,
            },
            "feed": FEED_URL,
            "is_log": view.get("loss_scale") == LOG,
            "library": UPLOT_URL,
            "levels": {"nothing": KNOWS_NOTHING, "frequencies": KNOWS_FREQUENCIES},
            "overlays": OVERLAYS,
            "colours": {"batch": SKY, "smoothed": ORANGE, "accuracy": GREEN, "rate": PURPLE, "mark": GREY},
            "words": _words(),
        },
        on_changed_change=lambda *_args: None,  # without a callback a trigger would not run the script
    )


def _words() -> dict[str, str]:
    """What live_curve.js writes, in the page's language."""
    return {
        "percent": per_cent("{number}"),
        "progress": _("Progress of the training"),
        "figures": _("The loss is the cross-entropy over the last batches: 2.303 knows nothing, and lower is better."),
        "curve": _("Loss curve"),
        "step": _("step"),
        "loss": _("loss"),
        "batch": _("loss of each batch"),
        "smoothed": _("smoothed"),
        "accuracy": _("validation accuracy"),
        "accuracy_axis": _("accuracy, %"),
        "rate": _("learning rate"),
        "nothing": _("knows nothing: 2.303"),
        "silent": _(
            "The curve does not arrive: the server is away, or a proxy before it does not pass WebSocket "
            "connections on to {address}, as it does for the page itself. It is tried again automatically."
        ),
        "refused": _("The server does not answer this page any more. Load the page again."),
        "frequencies": _("knows only how common each digit is: 2.301"),
        "frequencies_short": _("how common each is: 2.301"),
    }


def show_settings() -> None:
    """How the curve is drawn."""
    averages = _("How slowly the bold line follows: at 0.9 it averages about ten batches, at 0.99 a hundred.")
    st.slider(_("Smoothing"), 0.0, 0.99, 0.9, key="smoothing", persist_state=resources.KEPT, help=averages)
    scales = {LINEAR: _("linear"), LOG: _("logarithmic")}
    st.segmented_control(
        _("Loss axis"),
        list(scales),
        format_func=scales.__getitem__,
        default=LINEAR,
        key="loss_scale",
        persist_state=resources.KEPT,
        required=True,
    )
    st.toggle(_("Show the learning rate"), key="show_learning_rate", persist_state=resources.KEPT)
