"""The server: the page, and what the page fetches by itself. Start it with: streamlit run streamlit_app.py"""

from __future__ import annotations

import streamlit as st
from streamlit.watcher import polling_path_watcher

from vgg_demo.ui.feed import routes

# two files with the server's own settings, looked at five times a second each, would take as much as telling the curve
polling_path_watcher._POLLING_PERIOD_SECS = 10.0  # type: ignore[misc]

app = st.App("vgg_demo/ui/page.py", routes=routes(st.get_option("server.baseUrlPath")))
