"""All that differs between systems: whether a process lives, how it starts and ends, how it shares the processor.

On Linux, macOS and Windows each function does what that system can; no other module asks which one it is.
"""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

OMP_SETTINGS = ("OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY")  # how many threads, and where
CORES = "VGG_DEMO_CORES"  # no setting: the cores that a process had when it was started, for those that it starts
ENDINGS = ("SIGTERM", "SIGHUP", "SIGBREAK")  # asked to end; the terminal was closed; Windows' Ctrl-Break
PROC = Path("/proc")  # Linux's table of processes
GPU_DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # NVIDIA's, AMD's, and Windows' for its Linux


def is_alive(pid: int | None, started: float | None) -> bool:
    """Whether a process runs. A zombie does not count, nor does a later process with the same number."""
    if pid is None or pid < 1:  # 0 and -1 stand for many processes, or for all
        return False
    try:
        is_zombie = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except (psutil.Error, OverflowError):  # Windows counts on where other systems end
        return False
    now = process_started(pid)
    return not is_zombie and (started is None or (now is not None and abs(now - started) < 1))


def process_started(pid: int) -> float | None:
    """When a process started, in a clock of its own that no one can set; None when there is no such process.

    On Linux the ticks since the computer started, field 22 of /proc/PID/stat: a time of day, as psutil gives it,
    differs between two readers when the clock was set in between, and a run that goes on would look dead.
    """
    try:
        stat = PROC / str(pid) / "stat"
        if stat.exists():
            return float(stat.read_text("utf-8", "replace").rpartition(")")[2].split()[19])
        return float(psutil.Process(pid).create_time())
    except (OSError, psutil.Error):
        return None


@functools.cache
def machine() -> str:
    """This machine, as no other is called, and since its last start where the system tells one start from another."""
    boot = PROC / "sys" / "kernel" / "random" / "boot_id"
    with contextlib.suppress(OSError):
        return f"{platform.node()}/{boot.read_text('utf-8').strip()[:8]}"
    address = uuid.getnode()
    is_made_up = bool(address >> 40 & 1)  # and another one in each process, where no network adapter was found
    return platform.node() if is_made_up else f"{address:x}"  # macOS changes its name with the network


def when_parent_ends(action: Callable[[], object]) -> None:
    """Call action, in a thread, when the pipe at standard input closes: its other end is the parent's."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        action()

    threading.Thread(target=wait, name="parent", daemon=True).start()


def end_as_after_interrupt() -> None:
    """Handle the signals that end a process as Ctrl-C is handled, but not those that are ignored, as under nohup."""
    for name in ENDINGS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def when_asked_to_end(action: Callable[[], object]) -> None:
    """Call action when another process asks this one to end, instead of ending. Windows ends it without asking."""
    signal.signal(signal.SIGTERM, lambda *_: action())


def ignore(*names: str) -> None:
    """Ignore signals from now on: "SIGINT" is Ctrl-C, "SIGTERM" asks to end."""
    for name in names:
        signal.signal(getattr(signal, name), signal.SIG_IGN)


def detached() -> dict[str, Any]:
    """Arguments for subprocess.Popen so that a process outlives its parent and the terminal or console of that.

    On Windows it gets a hidden console of its own: without one, each process that it starts would open a window.
    """
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def lower_priority(pid: int, niceness: int) -> None:
    """Let other programs have the processor before a process. niceness: 1 to 19, the lowest; never less than it has.

    Linux shares the processor between sessions first and looks at niceness only within one (autogroup, see sched(7)),
    so that a session of its own is lowered as well; one that belongs to others, a terminal's, stays as it is.
    """
    with contextlib.suppress(psutil.Error, OSError):  # it has ended; not Linux, or not allowed
        process = psutil.Process(pid)
        if sys.platform == "win32":  # it has two priorities below the normal one
            process.nice(psutil.IDLE_PRIORITY_CLASS if niceness >= 10 else psutil.BELOW_NORMAL_PRIORITY_CLASS)
            return
        process.nice(max(niceness, process.nice()))
        if os.getsid(pid) == pid:
            (PROC / str(pid) / "autogroup").write_text(str(niceness), "utf-8")


def training_environment() -> dict[str, str]:
    """Environment in which a training process is started, beside its parent's. torch reads it when it is loaded.

    GOMP_SPINCOUNT: OpenMP's threads wait for each other by spinning, which takes the core from other processes. A 30th
    of the default costs nothing when alone, and makes two trainings side by side ten times faster.
    """
    environment = {"GOMP_SPINCOUNT": "10000", **one_thread_a_core()}
    if hasattr(os, "sched_getaffinity"):
        environment[CORES] = ",".join(str(core) for core in sorted(os.sched_getaffinity(0)))
    return {name: os.environ.get(name, value) for name, value in environment.items()}


def one_thread_a_core() -> dict[str, str]:
    """Environment in which a process keeps each of torch's threads on a core of its own: read when torch is loaded.

    The threads wait for each other many times in every step, so two of them on one core slow down all. Empty where the
    caller's environment says how many threads there are or where they run, and beside a GPU, where the processor does
    little and several runs may train at once.
    Source: https://gcc.gnu.org/onlinedocs/libgomp/OMP_005fPROC_005fBIND.html.
    """
    is_set = any(name in os.environ for name in OMP_SETTINGS)
    if sys.platform != "linux" or is_set or has_gpu_driver():
        return {}
    return {"OMP_PROC_BIND": "true", "OMP_PLACES": "cores"}


def has_gpu_driver() -> bool:
    """Whether the system has a driver for a GPU, whether torch can use it or not; only Linux is asked."""
    return any(Path(driver).exists() for driver in GPU_DRIVERS)


def leave_core() -> None:
    """Let this thread, and processes that it starts, use all cores again: one_thread_a_core may keep it on one."""
    if cores := os.environ.get(CORES):
        os.sched_setaffinity(0, map(int, cores.split(",")))
