"""The page: a title and three tabs; or the board."""

from __future__ import annotations

import streamlit as st

from vgg_demo.text import _
from vgg_demo.ui.board import class_link, follow
from vgg_demo.ui.board import view as board
from vgg_demo.ui.draw import tab as draw_tab
from vgg_demo.ui.evaluate import tab as evaluate_tab
from vgg_demo.ui.shared import garbage, identity, languages, locks, resources, tabs
from vgg_demo.ui.train import tab as train_tab

languages.choose()
st.set_page_config(page_title="VGG Demo", page_icon="✍️", layout="wide")
resources.warm_up()
identity.remember_browser()
garbage.collect_when_closed()
st.html(resources.STYLE)
if board.is_asked():
    identity.write_cookie()
    board.show()
    st.stop()

locks.explain_address()
heading = st.container(key="heading")
with heading:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title("VGG Demo", anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            to_board = st.container(key="to_board", width="content")
            languages.show_switch()
    st.caption(
        _(
            "Train a network to read handwritten digits, see how good it is, and let it read yours. Try anything: "
            "nothing can break."
        )
    )
identity.write_cookie()

tabs.choose()
with heading:  # what comes and goes is in here: tabs that moved down would be made again, and lose a drawing
    locks.leave_hidden_tab()
    follow.follow()
    class_link.show()
    follow.show()
train, evaluate, draw = tabs.show()
with train:
    train_tab.show(is_open=bool(train.open))
with evaluate:
    evaluate_tab.show(is_open=bool(evaluate.open))
with draw:  # always mounted: a canvas that is skipped loses its drawing
    draw_tab.show(bool(draw.open), then=follow.report)  # also when a stroke or another network runs it alone
with to_board:  # last: the address says by now what was set
    board.show_link()
