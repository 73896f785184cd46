"""The wall: all drawings of a collection, a row for each digit. It grows while the class draws (wall.js)."""

from __future__ import annotations

import base64
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from vgg_demo.collection.contents import Contents
from vgg_demo.collection.drawing import Drawing
from vgg_demo.collection.store import Collection
from vgg_demo.config import CLASSES
from vgg_demo.errors import CollectionError
from vgg_demo.text import _
from vgg_demo.ui.shared import identity
from vgg_demo.ui.shared.kept_errors import keep_error, show_error

TICK_SECONDS = 2.0
COLUMNS = 50  # of the picture of a row, as in wall.js
SIDE = 28

CSS = """
.row { --side: 40px; display: flex; flex-wrap: wrap; gap: 3px; min-height: var(--side); }
@media (max-width: 640px) { .row { --side: 32px; } }
.row > * { width: var(--side); height: var(--side); padding: 0; border: 0; border-radius: 3px; background-color: #000;
           background-size: calc(50 * var(--side)) auto; image-rendering: pixelated; position: relative;
           outline: 1px solid rgba(128, 128, 128, .5); }
.row > button { cursor: pointer; }
.row > button:hover, .row > button:focus-visible { outline: 3px solid var(--st-primary-color); }
.row > .out { opacity: .45; }
.row > .out::after { content: ""; position: absolute; inset: 0;
  background: linear-gradient(to top right, transparent 46%, #F08A3C 46% 54%, transparent 54%); }
"""

_row = st.components.v2.component(
    "wall_row",
    html='<div class="row" role="group"></div>',
    css=CSS,
    js=Path(__file__).with_name("wall.js").read_text("utf-8"),
)


def show(collection: Collection, may_change: bool) -> None:
    """All drawings, and from then on those that come. may_change: a click leaves one out, or takes it in again."""
    st.fragment(draw, run_every=TICK_SECONDS)(collection, may_change)


def draw(collection: Collection, may_change: bool) -> None:
    """All drawings that there are now."""
    try:
        contents = collection.contents()
    except CollectionError:
        st.rerun()  # it was deleted: the whole page shows another one, or none
    if may_change and contents.drawings:
        st.caption(_("Choose a drawing to leave it out, or to take it in again."))
        _show_hand(collection, contents)
    st.markdown(summary(contents))
    show_error("wall_error")
    rows: list[list[Drawing]] = [[] for _digit in range(CLASSES)]
    for drawing in contents.drawings.values():
        rows[drawing.digit].append(drawing)
    for digit, drawings in enumerate(rows):
        if drawings:
            _show_row(collection, contents, digit, drawings, may_change)


def summary(contents: Contents) -> str:
    """How many drawings there are, and by how many hands."""
    if not contents.drawings:
        return _("Nothing has been drawn yet: the drawings appear here as they are sent.")
    text = _("Drawings: **{count:,}** · hands: **{hands:,}**")
    words = text.format(count=len(contents.used), hands=len(contents.hands))
    out = len(contents.drawings) - len(contents.used)
    return words + (" · " + _("left out: **{count:,}**").format(count=out) if out else "")


def hand_name(hand: int) -> str:
    """A hand's number, in a form that can be read aloud: hand 4821 3907."""
    return _("hand {number}").format(number=f"{hand // 10_000:04} {hand % 10_000:04}")


def _show_hand(collection: Collection, contents: Contents) -> None:
    """Leave out all drawings of one hand, or take them in again; of the drawing that was clicked last at first."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        hand = st.selectbox(
            _("Hand"),
            contents.hands,
            index=None,
            format_func=hand_name,
            key=_hand_key(collection),
            placeholder=_("choose a hand"),
            label_visibility="collapsed",
            width=200,
        )
        drawings = contents.of_hand(hand) if hand else []
        is_out = bool(drawings) and all(drawing.id in contents.left_out for drawing in drawings)
        label = _("Take in all of this hand") if is_out else _("Leave out all of this hand")
        st.button(label, key=f"leave-out-{collection.id}", disabled=not drawings, on_click=_leave_out,
                  args=(collection, [drawing.id for drawing in drawings], not is_out))  # fmt: skip


def _hand_key(collection: Collection) -> str:
    return f"wall-hand-{collection.id}"


def _show_row(
    collection: Collection, contents: Contents, digit: int, drawings: list[Drawing], may_change: bool
) -> None:
    key = f"wall-{collection.id}-{digit}"

    def tile(drawing: Drawing) -> dict[str, Any]:
        is_out = drawing.id in contents.left_out
        text = _("{digit}, {hand}, left out") if is_out else _("{digit}, {hand}")
        return {"id": drawing.id, "out": is_out, "name": text.format(digit=digit, hand=hand_name(drawing.hand))}

    _row(
        key=key,
        data={
            "label": _("All drawings of a {digit}").format(digit=digit),
            "picture": _picture(tuple(drawing.image for drawing in drawings)),
            "tiles": [tile(drawing) for drawing in drawings],
            "may_change": may_change,
        },
        on_toggled_change=lambda: _toggle(collection, str(st.session_state[key].get("toggled"))),
    )


def _toggle(collection: Collection, drawing_id: str) -> None:
    with keep_error("wall_error"):
        contents = collection.contents()
        drawing = contents.drawings.get(drawing_id)
        if drawing is not None:  # the browser says which one
            st.session_state[_hand_key(collection)] = drawing.hand
            _leave_out(collection, [drawing_id], drawing_id not in contents.left_out)


def _leave_out(collection: Collection, ids: list[str], is_out: bool) -> None:
    if identity.may_teach():  # also where a page still shows the buttons
        with keep_error("wall_error"):
            collection.leave_out(ids, is_out)


@lru_cache(maxsize=4 * CLASSES)
def _picture(images: tuple[bytes, ...]) -> str:
    """Digits of 28×28 bytes in one picture, as a data URI, for all viewers."""
    import numpy as np

    from vgg_demo.export.result_files import digit_png

    rows = -(-len(images) // COLUMNS)
    cells = np.zeros((rows * COLUMNS, SIDE, SIDE), np.uint8)
    cells[: len(images)] = np.frombuffer(b"".join(images), np.uint8).reshape(-1, SIDE, SIDE)
    whole = cells.reshape(rows, COLUMNS, SIDE, SIDE).transpose(0, 2, 1, 3).reshape(rows * SIDE, COLUMNS * SIDE)
    return "data:image/png;base64," + base64.b64encode(digit_png(whole)).decode()
