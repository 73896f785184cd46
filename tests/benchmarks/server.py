"""A real server on a free port of this machine with a store of its own, and a viewer without a browser."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from vgg_demo.config import RunConfig
from vgg_demo.diagnosis.records import Diagnosis, LayerFigures
from vgg_demo.errors import RunError
from vgg_demo.places import PROJECT
from vgg_demo.presets import PRESETS, get_preset
from vgg_demo.runs.cost import record_speed
from vgg_demo.runs.recorder import Recorder
from vgg_demo.runs.store import Run, create_run
from vgg_demo.training import StepEvent

if TYPE_CHECKING:
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from streamlit.proto.NewSession_pb2 import NewSession
    from streamlit.proto.WidgetStates_pb2 import WidgetState
    from websockets.sync.client import ClientConnection

START_SECONDS, ANSWER_SECONDS = 60.0, 60.0
BATCH_IMAGES = 96


@contextmanager
def own_home() -> Iterator[Path]:
    """An empty store of runs, for the time being; how long trainings take is known, so that nothing is measured."""
    before = os.environ.get("VGG_DEMO_HOME")
    with tempfile.TemporaryDirectory(prefix="vgg-demo-benchmark-") as folder:
        os.environ["VGG_DEMO_HOME"] = folder
        try:
            for preset in PRESETS.values():
                record_speed(preset.config, 0.02)
            yield Path(folder)
        finally:
            os.environ.pop("VGG_DEMO_HOME")
            if before is not None:
                os.environ["VGG_DEMO_HOME"] = before


def make_run(name: str, steps: int, total_steps: int | None = None) -> tuple[Run, RunConfig]:
    """A run folder in the store with that many steps in its metrics.jsonl, recorded as a worker records them."""
    config = get_preset("classroom").config.with_changes(steps=total_steps or steps)
    run = create_run(config, name)
    add_steps(run, config, 0, steps)
    return run, config


def add_steps(run: Run, config: RunConfig, first: int, count: int) -> None:
    """Record count steps more, after the first ones: a loss that falls and jitters."""
    position = {
        "metrics_bytes": run.metrics_path.stat().st_size if first else 0,
        "log_bytes": run.log_path.stat().st_size if first else 0,
        "seconds": first * 0.02,
        "last_epoch": None,
        "total_steps": config.train.total_steps if first else 0,
    }
    recorder = Recorder(run, config, position)
    recorder.write_schedule(0, config.train.total_steps)
    if not first:
        layers = tuple(LayerFigures(f"features.{number}", 1.0, 0.01, 0.001, 0.0) for number in range(5))
        recorder.write(Diagnosis(0, 1.0, layers, (10,) * 10, (10,) * 10, 0.9, 2.3))  # so it is judged, too
    for step in range(first + 1, first + count + 1):
        loss = 2.3 / (1 + step / 100) * (1 + (step * 7919 % 101) / 400)
        epoch = 1 + step // config.train.steps_per_epoch
        recorder.write(StepEvent(step, epoch, loss, 0.01, BATCH_IMAGES))
    recorder.close()


@dataclass
class Server:
    """The page, started and answering, on a store of runs of its own. Use as a context manager.

    command: Python's arguments that start it, in the folder. options: of Streamlit, such as
    --server.baseUrlPath=class.
    """

    home: Path
    port: int = 0
    seconds_to_start: float = 0.0
    command: tuple[str, ...] = ("-m", "streamlit", "run", "streamlit_app.py")
    folder: Path = PROJECT
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] = field(init=False)

    def __enter__(self) -> Server:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process.poll() is not None:
            return  # it was ended before
        children = psutil.Process(self.process.pid).children(recursive=True)  # the warm worker
        self.process.terminate()
        self.process.wait()
        for child in children:
            if child.is_running():
                child.kill()

    def start(self) -> None:
        """Start the server and wait until it answers. Raises RunError when it does not."""
        started = time.perf_counter()
        command = [sys.executable, *self.command, "--server.headless=true"]
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--server.address=127.0.0.1", f"--server.port={self.port}", *self.options],
                cwd=self.folder,
                env={**os.environ, "VGG_DEMO_HOME": str(self.home)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait(started)
        except BaseException:
            self.__exit__()
            raise
        self.seconds_to_start = time.perf_counter() - started

    def kill(self) -> None:
        """End the server at once, as a power cut would."""
        self.process.kill()
        self.process.wait()

    def _wait(self, started: float) -> None:
        while time.perf_counter() - started < START_SECONDS and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1):
                    return
            except OSError:
                time.sleep(0.02)
        raise RunError(f"the page's server did not start: {(self.home / 'server.log').read_text('utf-8')[-500:]}")

    @property
    def url(self) -> str:
        """Where the page is."""
        base = next((option.partition("=")[2] for option in self.options if "baseUrlPath" in option), "")
        return f"http://127.0.0.1:{self.port}/{base}".rstrip("/")

    def read(self, path: str) -> bytes:
        """What the server answers to a request for that path."""
        with urllib.request.urlopen(f"{self.url}/{path}", timeout=ANSWER_SECONDS) as answer:
            return bytes(answer.read())

    @contextmanager
    def open_feed(self) -> Iterator[Callable[..., str]]:
        """What a page that shows a run asks through: a function of the question's fields that returns the answer.

        Without runs it waits for the next answer to the question before.
        """
        from websockets.sync.client import connect

        with connect(f"ws://127.0.0.1:{self.port}/feed", max_size=None) as socket:

            def ask(runs: list[str] | None = None, **question: object) -> str:
                if runs is not None:
                    socket.send(json.dumps({"runs": runs, "smoothing": 0.9, **question}))
                return str(socket.recv(timeout=ANSWER_SECONDS))

            yield ask

    @property
    def memory_bytes(self) -> int:
        """What the server's process holds in memory; the warm worker is another process."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    @property
    def processor_seconds(self) -> float:
        """Time of the processor that the server has used so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)


@contextmanager
def open_page(server: Server, query: str = "") -> Iterator[Viewer]:
    """A new viewer. query: of the page's address, for example "run=classroom-1"."""
    from websockets.sync.client import connect
    from websockets.typing import Subprotocol

    address = f"ws://127.0.0.1:{server.port}/_stcore/stream"
    with connect(address, subprotocols=[Subprotocol("streamlit")], max_size=None) as socket:
        yield Viewer(socket, query)


class Viewer:
    """One open page, speaking as the browser's part of Streamlit does."""

    def __init__(self, socket: ClientConnection, query: str) -> None:
        self.socket, self.query = socket, query
        self.session: NewSession | None = None
        self.widgets: dict[str, tuple[str, str]] = {}  # by their keys, the newest last: id, and its fragment's

    def load(self) -> int:
        """Draw the whole page; returns the bytes that came."""
        from streamlit.proto.BackMsg_pb2 import BackMsg

        request = BackMsg()
        request.rerun_script.query_string = self.query
        return self.send(request)

    def send(self, request: BackMsg) -> int:
        """Ask for a run of the page's script, and wait until it is drawn; returns the bytes that came."""
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        self.socket.send(request.SerializeToString())
        received, drawn = 0, dict[str, tuple[str, str]]()
        while True:
            data = self.socket.recv(timeout=ANSWER_SECONDS, decode=False)
            received += len(data)
            message = ForwardMsg()
            message.ParseFromString(data)
            if message.HasField("new_session"):
                self.session = message.new_session
                drawn.clear()
            if message.delta.HasField("new_element"):
                element = message.delta.new_element
                id = str(getattr(getattr(element, str(element.WhichOneof("type"))), "id", ""))
                drawn[id.partition("ID-")[2].partition("-")[2]] = id, message.delta.fragment_id
            if message.WhichOneof("type") == "script_finished" and is_end(message):
                self._replace_widgets(drawn, message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY)
                return received

    def _replace_widgets(self, drawn: dict[str, tuple[str, str]], is_whole: bool) -> None:
        """What was drawn takes the place of the whole page's widgets, or of those of its fragments."""
        parts = {part for _id, part in drawn.values()}
        kept = {key: place for key, place in self.widgets.items() if not is_whole and place[1] not in parts}
        self.widgets = kept | drawn

    def enter(self, key: str, value: WidgetState) -> int:
        """Give the newest widget whose key begins so a value; returns the bytes that came."""
        from streamlit.proto.BackMsg_pb2 import BackMsg

        id, fragment = next(self.widgets[name] for name in reversed(self.widgets) if name.startswith(key))
        request = BackMsg()
        request.rerun_script.query_string = self.query
        request.rerun_script.fragment_id = fragment
        state = request.rerun_script.widget_states.widgets.add()
        state.CopyFrom(value)
        state.id = id
        return self.send(request)

    def press(self, key: str) -> int:
        """Press the button with this key; returns the bytes that came."""
        from streamlit.proto.WidgetStates_pb2 import WidgetState

        return self.enter(key, WidgetState(trigger_value=True))


def is_end(message: ForwardMsg) -> bool:
    """Whether what was asked for is drawn; a page that asks to be drawn anew at once is not."""
    kinds = type(message)
    return message.script_finished in (kinds.FINISHED_SUCCESSFULLY, kinds.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
