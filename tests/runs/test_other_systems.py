"""Windows and macOS, by substitution: what differs there is in one module, and each of its branches is run here."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from tests.benchmarks.server import make_run
from tests.helpers import PROJECT
from vgg_demo.runs import processes
from vgg_demo.runs.control import Control
from vgg_demo.runs.pinned import PinnedDigit, pin, pinned_digits
from vgg_demo.runs.processes import (
    detached,
    end_as_after_interrupt,
    is_alive,
    leave_core,
    lower_priority,
    process_started,
    training_environment,
)
from vgg_demo.runs.reader import RunReader

ONE_ROOM = PROJECT / "vgg_demo" / "runs" / "processes.py"
MODULES = {"signal", "fcntl", "resource", "pwd", "grp", "termios", "pty", "tty", "msvcrt", "winreg", "ctypes"}
CALLS = {
    "nice", "sched_getaffinity", "sched_setaffinity", "getsid", "setsid", "getpgid", "getpgrp", "setpgid", "kill",
    "killpg", "waitpid", "fork", "uname", "name", "getuid", "geteuid", "getgid", "getloadavg", "sysconf", "statvfs",
    "umask", "chown", "mkfifo", "symlink", "link", "rename",
}  # fmt: skip
OPTIONS = {"start_new_session", "preexec_fn", "process_group", "creationflags", "umask"}
WHICH_SYSTEM = {"sys.platform", "platform.system", "sys.getwindowsversion"}
LINUX_FOLDERS = ("/proc", "/dev/", "/sys/", "/tmp", "/etc/")


def uses_of_one_system(source: str) -> Iterator[str]:
    """What asks for the system or exists on some alone, by line."""
    for node in ast.walk(ast.parse(source)):
        found = ""
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found = ", ".join(MODULES & set(names))
        elif isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            found = text if text in WHICH_SYSTEM or (text.startswith("os.") and node.attr in CALLS) else ""
        elif isinstance(node, ast.keyword):
            found = node.arg or "" if node.arg in OPTIONS else ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(LINUX_FOLDERS):
            found = node.value
        if found:
            yield f"{getattr(node, 'lineno', 0)}: {found}"


@pytest.mark.parametrize(
    "line",
    ["import fcntl", "from signal import SIGHUP", "os.nice(1)", "if os.name == 'nt': pass", "sys.platform",
     "open('/proc/1')", "Popen(c, start_new_session=True)"],
)  # fmt: skip
def test_use_of_one_system_is_found(line: str) -> None:
    assert list(uses_of_one_system(line))


@pytest.mark.parametrize("line", ["os.replace(a, b)", "path.name", "import os", "open('/feed')", "its.signal"])
def test_what_every_system_has_is_left_alone(line: str) -> None:
    assert not list(uses_of_one_system(line))


def test_what_differs_between_systems_is_in_one_module() -> None:
    files = {*(PROJECT / "vgg_demo").rglob("*.py"), PROJECT / "streamlit_app.py"} - {ONE_ROOM}

    found = {str(path): uses for path in files if (uses := [*uses_of_one_system(path.read_text(encoding="utf-8"))])}

    assert found == {}
    assert list(uses_of_one_system(ONE_ROOM.read_text(encoding="utf-8")))


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As much of Windows as the module asks for; the numbers are those of its documentation."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(subprocess, "CREATE_NO_WINDOW", 0x08000000, raising=False)
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0x00000200, raising=False)
    monkeypatch.setattr(psutil, "IDLE_PRIORITY_CLASS", 0x40, raising=False)
    monkeypatch.setattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", 0x4000, raising=False)
    without_linux(monkeypatch, tmp_path)


@pytest.fixture
def macos(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As much of macOS as the module asks for."""
    monkeypatch.setattr(sys, "platform", "darwin")
    without_linux(monkeypatch, tmp_path)


def without_linux(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(processes, "PROC", tmp_path / "there is none")
    for name in ("sched_getaffinity", "sched_setaffinity"):
        monkeypatch.delattr(os, name, raising=False)
    for name in processes.OMP_SETTINGS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def sleeper() -> Iterator[psutil.Process]:
    """A process that does nothing."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield psutil.Process(process.pid)
        process.kill()


@pytest.mark.usefixtures("windows")
def test_windows_starts_a_process_with_a_hidden_console_of_its_own() -> None:
    assert detached() == {"creationflags": 0x08000200}


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize(("niceness", "priority"), [(5, 0x4000), (10, 0x40)])
def test_windows_lowers_a_process_to_one_of_its_two_priorities(
    monkeypatch: pytest.MonkeyPatch, niceness: int, priority: int
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(psutil, "Process", lambda _pid: SimpleNamespace(nice=asked.append))

    lower_priority(1, niceness)

    assert asked == [priority]


@pytest.mark.usefixtures("windows")
def test_windows_ends_a_training_at_ctrl_break_and_has_no_hangup(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)}
    monkeypatch.delattr(signal, "SIGHUP")
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR1, raising=False)

    end_as_after_interrupt()
    handlers = [signal.getsignal(number) for number in before]
    for number, handler in before.items():
        signal.signal(number, handler)

    assert handlers == [signal.default_int_handler] * 2


def test_macos_starts_a_process_in_a_session_of_its_own(macos: None) -> None:
    assert detached() == {"start_new_session": True}


def test_macos_lowers_a_process_though_it_has_no_groups(macos: None, sleeper: psutil.Process) -> None:
    lower_priority(sleeper.pid, 12)

    assert sleeper.nice() == max(os.nice(0), 12)


@pytest.mark.parametrize("system", ["windows", "macos"])
def test_other_systems_tell_a_process_from_a_later_one_of_the_same_number(
    request: pytest.FixtureRequest, sleeper: psutil.Process, system: str
) -> None:
    request.getfixturevalue(system)
    started = process_started(sleeper.pid)

    assert started == sleeper.create_time()
    assert is_alive(sleeper.pid, started)
    assert not is_alive(sleeper.pid, started - 60)
    sleeper.kill()
    sleeper.wait()
    assert not is_alive(sleeper.pid, started)
    assert process_started(sleeper.pid) is None


@pytest.mark.parametrize("system", ["windows", "macos"])
def test_other_systems_keep_no_thread_on_a_core(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    request.getfixturevalue(system)
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    monkeypatch.delenv(processes.CORES, raising=False)

    assert training_environment() == {"GOMP_SPINCOUNT": "10000"}
    leave_core()


def test_lines_that_end_as_on_windows_are_read_as_others(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    run, _config = make_run("mine", 5)
    run.update_status(state="finished")
    pin(run, PinnedDigit(bytes(784), 7))
    run.send("learning_rate", value=0.25)
    steps, digits = RunReader(run).refresh().steps, pinned_digits(run)
    for path in (run.metrics_path, run.control_path, run.config_path, run.status_path):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    control = Control(run)
    control.poll()

    assert RunReader(run).refresh().steps == steps == [1, 2, 3, 4, 5]
    assert pinned_digits(run) == digits != ()
    assert control.learning_rate == 0.25
    assert run.config().train.steps == 5
