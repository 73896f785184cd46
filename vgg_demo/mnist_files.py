"""MNIST's files: unpack the copy that ships with the project, and check it. Needs no library.

The digits are by Yann LeCun, Corinna Cortes and Christopher Burges, CC BY-SA 3.0. No network is ever needed.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from pathlib import Path

from vgg_demo.errors import DataError
from vgg_demo.files import replacing
from vgg_demo.places import PACKAGE, storage
from vgg_demo.text import N_, Message

SHIPPED = PACKAGE / "assets" / "mnist"
CHECKSUMS = {  # md5 of the raw files
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def data_folder() -> Path:
    """Where MNIST is unpacked: the folder that VGG_DEMO_DATA names, or data/ in the project's or the user's folder.

    torchvision.datasets.MNIST(data_folder(), download=False) reads it.
    """
    return Path(os.environ.get("VGG_DEMO_DATA") or storage() / "data")


def unpack_mnist(folder: Path | None = None) -> dict[str, bytes]:
    """Make sure that the four raw files lie in folder/MNIST/raw, and return their contents by file name.

    A file that is missing, damaged or half-written is written again from the shipped copy; others are left alone.
    Raises DataError when the shipped copy is damaged or the folder cannot be written.
    """
    raw = (folder or data_folder()) / "MNIST" / "raw"
    return {name: _read_checked(raw / name) or _unpack(raw / name) for name in CHECKSUMS}


def read_shipped(name: str) -> bytes:
    """The contents of a raw file, from the shipped copy. Raises DataError when that is damaged."""
    packed = SHIPPED / f"{name}.gz"
    try:
        content = gzip.decompress(packed.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(packed, error) from error
    if _md5(content) != CHECKSUMS[name]:
        raise _damaged(packed, Message(N_("its contents are not MNIST's")))
    return content


def _read_checked(path: Path) -> bytes | None:
    """The file's contents when they are as they should be, else None."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return content if _md5(content) == CHECKSUMS[path.name] else None


def _unpack(path: Path) -> bytes:
    """Write one raw file from the shipped copy, whole or not at all, and return its contents."""
    content = read_shipped(path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise DataError(
            N_(
                "{path} cannot be written ({error}): free some space or make the folder writable, "
                "or name another folder in the environment variable VGG_DEMO_DATA"
            ),
            path=path,
            error=error.strerror or error,
        ) from error
    return content


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _damaged(packed: Path, why: Exception | Message) -> DataError:
    return DataError(
        N_(
            "{path} is damaged or missing ({why}): restore it, for example with 'git checkout -- {path.name}' in its "
            "folder, or install the program again"
        ),
        path=packed,
        why=why,
    )
