"""Write a file whole or not at all: whoever reads it sees the old one or the new one, never a half."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


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
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """Replace a text file, whole or not at all. Raises OSError."""
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8")
