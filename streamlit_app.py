"""The server: the page, and what the page fetches by itself. Start it with: streamlit run streamlit_app.py"""

from __future__ import annotations

import asyncio

import streamlit as st
import uvicorn
from streamlit.watcher.polling_path_watcher import PollingPathWatcher

from vgg_demo.ui.feed import routes


async def wait_for_the_end(server: uvicorn.Server) -> None:
    """Look once a second, not ten times, whether the server is to end."""
    while not await server.on_tick(counter=0):
        await asyncio.sleep(1.0)


# Whoever wakes up while a network trains takes the processor from it, and for these two there is no setting. Together
# they took as much as all else that the server does for a page that watches: the server asked ten times a second
# whether it is to end, and looked as often whether its own settings have changed (they are read when it starts).
uvicorn.Server.main_loop = wait_for_the_end  # type: ignore[assignment, method-assign]
PollingPathWatcher._schedule = lambda _watcher: None  # type: ignore[assignment, method-assign]

app = st.App("vgg_demo/ui/page.py", routes=routes(st.get_option("server.baseUrlPath")))
