"""The page: a title and three tabs."""

from __future__ import annotations

import streamlit as st

from vgg_demo.text import DRAW, EVALUATE, TRAIN, _, find_tab
from vgg_demo.ui.draw import tab as draw_tab
from vgg_demo.ui.evaluate import tab as evaluate_tab
from vgg_demo.ui.shared import garbage, identity, resources
from vgg_demo.ui.train import tab as train_tab

st.set_page_config(page_title="VGG Demo", page_icon="✍️", layout="wide")
resources.warm_up()
identity.remember_browser()
garbage.collect_when_closed()
st.html(resources.STYLE)

with st.container(key="heading"):
    st.title(_("VGG Demo"), anchor=False)
    st.caption(_("Train a network to read handwritten digits, see how good it is, and let it read yours."))

if "tab" not in st.session_state and (asked := find_tab(st.query_params.get("tab", ""))):
    st.session_state["tab"] = asked
train, evaluate, draw = st.tabs([TRAIN, EVALUATE, DRAW], key="tab", on_change="rerun", bind="query-params")
identity.write_cookie()
with train:
    train_tab.show(is_open=bool(train.open))
with evaluate:
    evaluate_tab.show(is_open=bool(evaluate.open))
with draw:  # always mounted: a canvas that is skipped loses its drawing
    draw_tab.show()
