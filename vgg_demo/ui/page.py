"""The page: a title and three tabs."""

from __future__ import annotations

import streamlit as st

from vgg_demo.text import _
from vgg_demo.ui.draw import tab as draw_tab
from vgg_demo.ui.evaluate import tab as evaluate_tab
from vgg_demo.ui.shared import garbage, identity, languages, resources, tabs
from vgg_demo.ui.train import tab as train_tab

languages.choose()
st.set_page_config(page_title="VGG Demo", page_icon="✍️", layout="wide")
resources.warm_up()
identity.remember_browser()
garbage.collect_when_closed()
st.html(resources.STYLE)

with st.container(key="heading"):
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title("VGG Demo", anchor=False, width="content")
        languages.show_switch()
    st.caption(
        _(
            "Train a network to read handwritten digits, see how good it is, and let it read yours. Try anything: "
            "nothing can break."
        )
    )
identity.write_cookie()

train, evaluate, draw = tabs.show()
with train:
    train_tab.show(is_open=bool(train.open))
with evaluate:
    evaluate_tab.show(is_open=bool(evaluate.open))
with draw:  # always mounted: a canvas that is skipped loses its drawing
    draw_tab.show(is_open=bool(draw.open))
