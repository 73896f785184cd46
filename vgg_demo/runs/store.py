"""The run folder: everything that is known of a run is in its files.

checkpoints/<run>/
    config.json         RunConfig, whole; written last: a folder that has it is a run
    status.json         Status; replaced whole, so that it is never half-written
    metrics.jsonl       one event a line, appended by the worker
    control.jsonl       one command a line, appended by the page and the command line
    log.txt             the story's text lines
    model.safetensors   the network, from the first save on
    resume.pt           everything that is needed to go on with the training
    worker.log          standard output and error of the process, for finding faults
    .worker             while a worker is at it: its process, and room to say what happened when the disk is full; its
                        time is the worker's last heartbeat
    class_digits.safetensors, start.safetensors    of a run that learns from a class's digits (class_digits.py)
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os.path import isfile
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from vgg_demo.config import RunConfig
from vgg_demo.errors import ConfigError, FormatError, RunError, RunNotFoundError, StorageError
from vgg_demo.files import write_text
from vgg_demo.places import storage
from vgg_demo.runs.liveness import is_working
from vgg_demo.runs.names import NAME, make_folder, make_numbered_folder
from vgg_demo.runs.processes import machine, process_started
from vgg_demo.runs.reasons import DIED
from vgg_demo.runs.status import Status
from vgg_demo.schema import read_json
from vgg_demo.text import N_

SHIPPED_MODEL = "best"
LOCK_SECONDS = 30.0


def home() -> Path:
    """The folder that holds the runs: VGG_DEMO_HOME, or checkpoints/ in the project's or the user's folder."""
    return Path(os.environ.get("VGG_DEMO_HOME") or storage() / "checkpoints").expanduser().resolve()


@dataclass(unsafe_hash=True)
class Run:
    """A run folder, and its files as the table above names them. The methods read a file each time they are called."""

    path: Path

    def __post_init__(self) -> None:
        self.name = self.path.name
        self.config_path = self.path / "config.json"
        self.status_path = self.path / "status.json"
        self.metrics_path = self.path / "metrics.jsonl"
        self.control_path = self.path / "control.jsonl"
        self.log_path = self.path / "log.txt"
        self.checkpoint_path = self.path / "model.safetensors"
        self.resume_path = self.path / "resume.pt"
        self.worker_log_path = self.path / "worker.log"
        self.worker_path = self.path / ".worker"
        self.class_digits_path = self.path / "class_digits.safetensors"
        self.start_path = self.path / "start.safetensors"

    def config(self) -> RunConfig:
        """The run's settings. Raises RunError when they cannot be read."""
        try:
            return RunConfig.from_dict(read_json(self.config_path))
        except (OSError, FormatError, ConfigError) as error:
            raise self._unreadable(self.config_path, error) from error

    def status(self) -> Status:
        """Where the run stands now: a process that has died without a word counts as failed.

        Raises RunError when status.json cannot be read.
        """
        status = self.stored_status()
        if status.is_active and not self._is_worked_on(status):
            status = self.stored_status()  # it may have ended properly a moment ago
            if status.is_active and not self._is_worked_on(status):
                return replace(status, state="failed", reason=DIED)
        return status

    def _is_worked_on(self, status: Status) -> bool:
        return is_working(status.pid, status.pid_started, status.host, self.worker_path, self.status_path)

    def stored_status(self) -> Status:
        """What status.json says, whether its process still lives or not. Raises RunError when it cannot be read."""
        try:
            return Status.from_dict(read_json(self.status_path))
        except (OSError, FormatError) as error:
            raise self._unreadable(self.status_path, error) from error

    def _unreadable(self, file: Path, error: Exception) -> RunError:
        why = error.strerror or error if isinstance(error, OSError) else error
        return RunError(N_("run {name!r}: its {file} cannot be read ({why})"), name=self.name, file=file.name, why=why)

    @property
    def is_active(self) -> bool:
        """Whether a process works on the run; one whose status cannot be read is not."""
        try:
            return self.status().is_active
        except RunError:
            return False

    @property
    def has_worker(self) -> bool:
        """Whether a process works on the run, by the file that a worker keeps there: for when its status is damaged."""
        try:
            pid, started, *host = self.worker_path.read_text("utf-8").rstrip("\0").split(maxsplit=2)
            return is_working(int(pid), float(started), host[0] if host else None, self.worker_path, self.status_path)
        except (OSError, ValueError):
            return False

    def claim_worker_file(self, size: int) -> None:
        """Write which process works on the run, in a file of so many bytes. Raises OSError."""
        text = f"{os.getpid()} {process_started(os.getpid())} {machine()}"
        self.worker_path.write_bytes(text.encode().ljust(size, b"\0"))

    @property
    def identity(self) -> str:
        """Another than that of a later run of the same name; "" where its status cannot be read."""
        try:
            return self.stored_status().identity
        except RunError:
            return ""

    def write_status(self, status: Status) -> None:
        """Replace status.json whole."""
        write_text(self.status_path, json.dumps(status.to_dict()))

    def update_status(self, **changes: Any) -> Status:
        """Replace some values of status.json, and return all."""
        status = replace(self.stored_status(), **changes)
        self.write_status(status)
        return status

    def commands_size(self) -> int:
        """Bytes of the commands so far: those after them are for the next process."""
        return self.control_path.stat().st_size if self.control_path.exists() else 0

    def send(self, command: str, **values: Any) -> None:
        """Append a command for the worker: "stop", "pause", "resume" and so on. Raises StorageError."""
        line = json.dumps({"command": command, **values, "time": time.time()}) + "\n"
        if self.control_path.exists() and not self.control_path.is_file():  # a pipe would be waited for
            raise StorageError(N_("{path} is no file"), path=self.control_path)
        try:
            with self.control_path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise StorageError(
                N_("{path} cannot be written ({error})"), path=self.control_path, error=error.strerror or error
            ) from error


Prepare = Callable[[Run], None]  # may raise OSError, or an error that says more


def create_run(
    config: RunConfig, name: str | None = None, owner: str | None = None, prepare: Prepare | None = None
) -> Run:
    """Make a run folder, queued. Without a name it gets the preset's and a number. prepare: adds files to the folder.

    Raises RunError when the name is taken or no name for a folder, StorageError when nothing can be written,
    and what prepare raises; after an error there is no folder.
    """
    root = home()
    try:
        root.mkdir(parents=True, exist_ok=True)
        run = Run(make_folder(root, name) if name is not None else make_numbered_folder(root, config.preset))
        try:
            if prepare:
                prepare(run)
            now = time.time()
            run.write_status(Status(id=secrets.token_hex(8), created=now, queued=now, owner=owner))
            write_text(run.config_path, json.dumps(config.to_dict(), indent=1))  # from now on it is a run
        except BaseException:  # half a run would take the name
            shutil.rmtree(run.path, ignore_errors=True)
            raise
    except OSError as error:
        raise _not_writable(error) from error
    return run


def list_runs() -> list[Run]:
    """All run folders, the newest first; those that may not be looked into are left out."""
    root = home()
    if not root.is_dir():
        return []
    # not Path.is_file: it raises where a folder may not be looked into
    runs = [Run(path) for path in root.iterdir() if NAME.fullmatch(path.name) and isfile(path / "config.json")]
    return sorted(runs, key=lambda run: (_created(run), run.name), reverse=True)


def get_run(name: str) -> Run:
    """The run of that name. Raises RunNotFoundError, and looks at no other run for it: pages ask once a second."""
    run = Run(home() / name)
    if not NAME.fullmatch(name) or not isfile(run.config_path):
        raise RunNotFoundError(N_("there is no run {name!r}"), name=name)
    return run


def delete_run(run: Run) -> None:
    """Delete a run's folder with everything in it. Raises RunError while it goes on or waits, StorageError."""
    with store_lock():
        _refuse_while_going(run)
        try:
            run.path.unlink() if run.path.is_symlink() else shutil.rmtree(run.path)
        except FileNotFoundError:
            return
        except OSError as error:
            text = N_("run {name!r}: {path} cannot be deleted ({error}); delete it by hand")
            raise StorageError(
                text, name=run.name, path=error.filename or run.path, error=error.strerror or error
            ) from error


def rename_run(run: Run, name: str) -> Run:
    """Give a run another name. Raises RunError while it goes on or waits, or when the name is taken or unfit."""
    with store_lock():
        _refuse_while_going(run)
        try:
            path = make_folder(home(), name)  # an empty folder, which takes the name
            path.rmdir()
            run.path.rename(path)
        except OSError as error:
            raise _not_writable(error) from error
    return Run(path)


@contextmanager
def store_lock() -> Iterator[None]:
    """Hold the store: one at a time starts, deletes or queues runs, across all processes. Raises StorageError."""
    lock = FileLock(str(home() / ".lock"), timeout=LOCK_SECONDS)
    try:
        home().mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise RunError(N_("another process has held the store of runs for too long; try again")) from error
    except OSError as error:
        raise _not_writable(error) from error
    try:
        yield
    finally:
        lock.release()


def _not_writable(error: OSError) -> StorageError:
    return StorageError(
        N_(
            "{path} cannot be written ({error}): free some space or make it writable, or name another folder in the "
            "environment variable VGG_DEMO_HOME"
        ),
        path=home(),
        error=error.strerror or error,
    )


def _refuse_while_going(run: Run) -> None:
    try:
        is_going = not run.status().is_over
    except RunError:  # its status is damaged; a worker would not know
        is_going = run.has_worker
    if is_going:
        raise RunError(N_("run {name!r} is still going; stop it first"), name=run.name)


def _created(run: Run) -> float:
    try:
        return run.stored_status().created
    except RunError:
        return 0.0
