"""The page's socket to the class: invisible, it runs the script again when the teacher has changed something for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from vgg_demo.runs.class_settings import read_class_settings
from vgg_demo.ui.board import follow
from vgg_demo.ui.board.class_feed import CLASS_URL, state_of
from vgg_demo.ui.shared import identity
from vgg_demo.ui.train import feed

JS = "".join(
    path.read_text("utf-8") for path in (Path(feed.__file__).with_name("uplot.js"), Path(__file__).with_suffix(".js"))
)
# it takes no room: a page's parts are held apart by gaps
STYLE = "<style>.st-key-class_link { position: absolute; }</style>"

_link = st.components.v2.component(
    "class_link",
    html='<i class="class" hidden></i>',
    js=JS + "export default function (component) {\n"
    '  return connectClass(component, component.parentElement.querySelector(".class"));\n}\n',
)


def show() -> None:
    """Hold the socket open while the page is."""
    with st.container(key="class_link"):
        st.html(STYLE)
        _link(key="class-link", data=data(is_board=False), on_changed_change=lambda: None)


def data(is_board: bool) -> dict[str, Any]:
    """What class_link.js needs. A board is drawn again with everything that changes."""
    settings = read_class_settings()
    return {
        "feed": CLASS_URL,
        "question": {"browser": identity.owner(), "board": is_board, "token": feed.TOKEN},
        "state": state_of(settings),
        "follows": is_board or follow.follows(settings.lead),
    }
