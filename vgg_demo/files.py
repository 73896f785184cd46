"""Atomic replacement of files: a reader sees the old one or the new one, never a half."""

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
