"""Files that are whole: a reader sees the old one or the new one, and lines with an end, never a half."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

RETRY_AFTER_SECONDS = (0.01, 0.03, 0.1, 0.3, 0.6, 1.0)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the path of a temporary file beside this one, which takes its place when the block ends without an error.

    The temporary file's name begins with a dot and ends in .tmp, with the process and thread in between; it is gone
    after an error. Raises OSError.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        yield temporary
        temporary.chmod(0o644)  # safetensors makes its files private
        _replace(path, temporary)
    finally:
        with suppress(OSError):
            temporary.unlink()


def _replace(path: Path, temporary: Path) -> None:
    """Put the temporary file in the place of path. On Windows that is refused while another process reads path."""
    for seconds in RETRY_AFTER_SECONDS:
        try:
            temporary.replace(path)
            return
        except PermissionError:
            time.sleep(seconds)
    temporary.replace(path)


def write_text(path: Path, text: str) -> None:
    """Replace a text file, whole or not at all. Raises OSError."""
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8")


def append_line(path: Path, line: str) -> None:
    """Append a line to a file that exists, whole or not at all: what a full disk cuts short is taken back.

    Half a line, left by a process that was killed here, gets an end of its own, so that it spoils no other. One at a
    time may do this: hold a lock. Raises OSError.
    """
    with path.open("rb+", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 1))
        is_torn = file.read(1) not in (b"", b"\n")
        rest = memoryview((b"\n" if is_torn else b"") + f"{line}\n".encode())
        try:
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                file.truncate(end)
            raise
