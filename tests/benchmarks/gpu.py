"""What one GPU makes of the large presets and of the small ones: python -m tests.benchmarks --only gpu.

Each part runs in a process of its own and has a time limit, so that one that fails or hangs stops no other. Without a
GPU, and with --quick, everything runs in small. All of it ends within eight minutes.

python -m tests.benchmarks.gpu PART [--quick]   one part alone; its rows as JSON, one a line.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict

from tests.benchmarks.rows import Effort, Row

LIMITS = {"vgg16": 90.0, "classroom": 60.0, "story": 150.0, "blog": 100.0, "best": 160.0, "compiled": 120.0}  # seconds
LIMIT_IN_ALL, LEAST = 465.0, 15.0  # with less left, a part is not begun


def measure(effort: Effort) -> Iterator[Row]:
    """The rows of all parts, each as soon as it is known."""
    ends = time.monotonic() + LIMIT_IN_ALL
    for part, limit in LIMITS.items():
        left = ends - time.monotonic()
        if left < LEAST:
            yield missing(part, "no time was left")
        else:
            arguments = ["-m", "tests.benchmarks.gpu", part, *(["--quick"] if effort.quick else [])]
            yield from rows_of(part, [sys.executable, *arguments], min(limit, left))


def rows_of(part: str, command: list[str], limit_seconds: float) -> Iterator[Row]:
    """The rows that a process prints as JSON, one a line, and one more when it failed or took too long."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8", start_new_session=True
        )
        started, timer = time.monotonic(), threading.Timer(limit_seconds, end, [process])
        timer.start()
        try:
            assert process.stdout is not None
            with process.stdout:
                for line in process.stdout:
                    if line.startswith('{"part"'):
                        values = json.loads(line)
                        yield Row(**{**values, "values": tuple(values["values"])})
            status = process.wait()
        finally:
            timer.cancel()
            end(process)
            process.wait()
        seconds = time.monotonic() - started
        if status and seconds >= limit_seconds:
            yield missing(part, f"stopped after {seconds:.0f} s")
        elif status:
            errors.seek(0)
            said = [line.strip() for line in errors if line.strip()] or [f"exit status {status}"]
            yield missing(part, f"failed: {said[-1][:300]}")


def missing(part: str, why: str) -> Row:
    """Says that the rest of a part was not measured."""
    return Row("gpu", f"{part}: the rest of it", "", (), why)


def end(process: subprocess.Popen[str]) -> None:
    """End a process and those that it has started, a loader's workers for example."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def main(part: str, is_quick: bool) -> None:
    """Measure one part and print its rows."""
    from tests.benchmarks.gpu_parts import measure_part

    for row in measure_part(part, is_quick):
        print(json.dumps(asdict(row)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], "--quick" in sys.argv[2:])
