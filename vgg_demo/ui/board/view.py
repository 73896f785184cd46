"""The board, for a projector: the way in, who is here, the queue, all curves and the drawings of the class.

The address ?view=board opens it.
"""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from vgg_demo.collection.store import read_collections
from vgg_demo.colours import BLUE, GREEN, ORANGE, PURPLE
from vgg_demo.presets import PRESETS
from vgg_demo.text import _, plain
from vgg_demo.ui.board import class_link, controls, join
from vgg_demo.ui.collect import wall
from vgg_demo.ui.shared import identity
from vgg_demo.ui.shared.charts import GREY, SKY
from vgg_demo.ui.train import settings_address
from vgg_demo.ui.train.feed import UPLOT, UPLOT_URL

VIEW, BOARD = "view", "board"  # in the address
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, "#B79F00", GREY)

STYLE = """<style>
html { font-size: clamp(16px, 1.4vw, 32px); }  /* all sizes of the page grow with the screen */
.block-container { max-width: none; padding: 1.2rem 2rem; }
[data-testid="stMain"] h1 { font-size: 1.6rem; }
</style>"""
HTML = """
<div class="board">
<div class="figures" role="status"></div>
<div class="curves"></div>
<p class="empty" hidden></p>
<ul class="legend"></ul>
<ul class="training"></ul>
<p class="waiting"></p>
</div>
"""
CSS = """
.board { color: var(--st-text-color); }
.board ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(6.5rem, 1fr)); gap: 0 1rem; }
.figures b { display: block; font-size: 2.6rem; line-height: 1.1; font-weight: 600;
             font-variant-numeric: tabular-nums; }
.curves { margin-top: .5rem; min-height: 220px; }
.empty { font-size: 1.2rem; }
.legend i { display: inline-block; width: 2rem; margin-right: .5rem; vertical-align: middle; }
.training { margin-top: .75rem !important; }
.training li { flex: 1 1 12rem; max-width: 24rem; }
.training i { display: block; height: .4rem; border-radius: .2rem; margin-top: .2rem;
              background: linear-gradient(var(--st-primary-color) 0 0) no-repeat 0 0 / calc(100% * var(--done)) 100%
                          var(--st-secondary-background-color); }
.waiting { margin: .5rem 0 0; min-height: 1.5em; }
"""

_board = st.components.v2.component(
    "board",
    html=HTML,
    css=UPLOT.with_suffix(".css").read_text("utf-8") + CSS,
    js=class_link.JS + Path(__file__).with_name("board.js").read_text("utf-8"),
)


def is_asked() -> bool:
    """Whether the address asks for the board. Any other view is said to be unknown, and forgotten."""
    view = st.query_params.get(VIEW, "")
    if view and view.lower() != BOARD:
        del st.query_params[VIEW]
        st.toast(_("The address asks for a view that there is not; this is the page itself."), icon=":material/info:")
    return view.lower() == BOARD


def show_link() -> None:
    """A button that opens the board in a window of its own, with the settings that this page's address asks for."""
    query = urlencode({VIEW: BOARD, **settings_address.asked()})
    st.link_button(_("Board"), f"?{query}", icon=":material/cast:", type="tertiary", help=_("For a projector."))


def show() -> None:
    """Draw the board."""
    st.html(STYLE)
    way_in, class_now = st.columns([1, 2.4], gap="large")
    with way_in:
        st.title("VGG Demo", anchor=False)
        join.show()
        controls.show()  # where no curve and no wall pushes it off the screen
    with class_now:
        _board(key="board", data=_data(), on_changed_change=lambda: None)
        _show_wall()


@st.fragment(run_every=wall.TICK_SECONDS)
def _show_wall() -> None:
    """The drawings of the collection that is open, of several the newest; it may be opened while the board is shown."""
    for collection, contents in read_collections():
        if contents.is_open:
            st.header(plain(contents.title), anchor=False)
            return wall.draw(collection, identity.may_teach())


def _data() -> dict[str, Any]:
    dashes = cycle(("solid", "dashed", "dotted"))
    looks = dict(zip(PRESETS, zip(cycle(COLOURS), dashes, strict=False), strict=False))
    return {
        **class_link.data(is_board=True),
        "library": UPLOT_URL,
        "looks": {**looks, "": (GREY, "solid")},
        "style": st.context.theme.type,
        "words": {
            "here": _("browsers are here"),
            "training": _("training"),
            "waiting": _("waiting"),
            "finished": _("trained"),
            "next": _("Next:"),
            "paused": _("The queue is paused."),
            "run_paused": _("paused"),
            "curves": _("The loss curves of {count} runs of the class"),
            "empty": _("No run of the class has a curve yet."),
            "step": _("step"),
            "loss": _("loss"),
        },
    }
