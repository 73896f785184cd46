"""The server: the page, and what its script in the browser fetches. Start it with: streamlit run streamlit_app.py"""

from __future__ import annotations

import streamlit as st

from vgg_demo.places import PACKAGE
from vgg_demo.ui.board import class_feed
from vgg_demo.ui.train import feed

base_path = st.get_option("server.baseUrlPath")
app = st.App(PACKAGE / "ui" / "page.py", routes=[*feed.routes(base_path), *class_feed.routes(base_path)])
