"""Which sites' pages get the page and its feed: the feed must give those that get the page a curve, and nobody else.

A page gets the feed's token from the page itself, over Streamlit's own connection, which has Streamlit's own rule for
origins. So this asks as a browser of that site would: for the page, and with what came of it for the feed.
"""

from __future__ import annotations

import json
import re

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.benchmarks.server import Server, is_end
from vgg_demo.runs.store import Run

TOKEN = re.compile(rb'"token": ?"([\w-]+)"')


def token_of_page(server: Server, run: Run, origin: str) -> str | None:
    """The token in the page that a page of this origin gets, or None when it gets none."""
    address = f"ws://127.0.0.1:{server.port}/_stcore/stream"
    try:
        with connect(
            address, origin=Origin(origin), subprotocols=[Subprotocol("streamlit")], max_size=None, open_timeout=30
        ) as socket:
            request = BackMsg()
            request.rerun_script.query_string = f"tab=Train&run={run.name}"
            socket.send(request.SerializeToString())
            token, message = None, ForwardMsg()
            while not (message.WhichOneof("type") == "script_finished" and is_end(message)):
                data = socket.recv(timeout=60, decode=False)
                message.ParseFromString(data)
                token = token or TOKEN.search(data)
            return token[1].decode() if token else None
    except (InvalidStatus, ConnectionClosed):
        return None


def feed_answers(server: Server, run: Run, origin: str, token: str | None) -> bool:
    """Whether a page of this origin with this token gets a curve."""
    with connect(f"ws://127.0.0.1:{server.port}/feed", origin=Origin(origin)) as socket:
        socket.send(json.dumps({"runs": [run.name], "smoothing": 0, "token": token}))
        try:
            return bool(json.loads(socket.recv(timeout=10))["runs"][0]["steps"])
        except ConnectionClosed:
            return False
