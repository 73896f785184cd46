"""Labelled pictures of one's own: a folder or zip with 0/… to 9/…, read as a drawing is, in any size and polarity.

What cannot be used is listed with its reason and left out; only a set without a single usable picture is an error.
"""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import torch

from vgg_demo.config import CLASSES
from vgg_demo.data import Digits, Progress
from vgg_demo.drawing.image_files import count_pixels, decode_image
from vgg_demo.drawing.mnist_form import prepare_digit
from vgg_demo.errors import BlankImageError, DataError, ImageError
from vgg_demo.text import N_, Message

MAX_FILES = 5_000
MAX_ENTRIES = 20_000  # of a zip, whatever they are
MAX_FILE_BYTES = 20_000_000  # of one picture, unpacked
MAX_TOTAL_BYTES = 200_000_000  # of all of them, unpacked
MAX_PIXELS = 25_000_000  # of one picture
MAX_TOTAL_PIXELS = 1_000_000_000  # of all of them: some 80 photographs, or 5,000 pictures of 400x500
LOCAL_HEADER_BYTES = 30  # in front of each entry of a zip, at the least
MAX_RATIO = 200  # a picture hardly shrinks in a zip; what shrinks more than this is made to fill the memory
CHUNK = 1 << 20
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # Python unpacks the others without a limit of memory
DIGIT_NAMES = {str(digit) for digit in range(CLASSES)}


@dataclass(frozen=True)
class LeftOut:
    """A file that was not used, and why."""

    name: str
    why: Message | ImageError

    @property
    def reason(self) -> str:
        """Why, in a few words."""
        return str(self.why).removeprefix(f"{self.name}: ")


@dataclass(frozen=True)
class OwnDigits:
    """Pictures in MNIST's form, with where each came from. names: one a digit, in the same order."""

    digits: Digits
    names: list[str]
    left_out: list[LeftOut]


@dataclass(frozen=True)
class PictureFile:
    """A file that may hold a picture. name: its path in the set, with '/'. read: its bytes; raises ImageError."""

    name: str
    size: int
    read: Callable[[], bytes]


def read_folder(folder: Path, on_progress: Progress | None = None) -> OwnDigits:
    """Read folder/0/… to folder/9/…. Links out of the folder are not followed. Raises DataError."""
    if not folder.is_dir():
        raise DataError(N_("{folder}: there is no such folder; give one with sub-folders 0 to 9"), folder=folder)
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    files = [PictureFile(path.relative_to(folder).as_posix(), path.stat().st_size, path.read_bytes) for path in paths]
    return read_pictures(files, on_progress)


def read_zip(file: Path | io.BytesIO, on_progress: Progress | None = None) -> OwnDigits:
    """Read 0/… to 9/… of a zip, in memory: nothing is unpacked to disk. Raises DataError."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                raise DataError(
                    N_("the zip has {count:,} entries; at most {most:,}"), count=len(entries), most=MAX_ENTRIES
                )
            if _overlap(entries):
                raise DataError(
                    N_("entries of the zip overlap, as in one that is made to keep a reader busy; pack it again")
                )
            files = [_member(archive, info) for info in entries if not info.is_dir()]
            return read_pictures(files, on_progress)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, ValueError) as error:
        raise DataError(
            N_("the zip cannot be read ({error}); pack it again, with sub-folders 0 to 9"), error=error
        ) from error


def read_uploads(uploads: Iterable[tuple[str, bytes]], on_progress: Progress | None = None) -> OwnDigits:
    """Read files that came with their paths, as a browser sends a folder. Raises DataError."""
    files = [PictureFile(name.replace("\\", "/"), len(data), io.BytesIO(data).getvalue) for name, data in uploads]
    return read_pictures(files, on_progress)


def read_pictures(files: list[PictureFile], on_progress: Progress | None = None) -> OwnDigits:
    """Turn files into digits, as a drawing is turned into one. Raises DataError when not one can be used."""
    files = [file for file in files if not _is_clutter(file.name)]
    images: list[npt.NDArray[np.uint8]] = []
    labels: list[int] = []
    names: list[str] = []
    left_out: list[LeftOut] = []
    total_bytes = total_pixels = 0  # of all that was tried, whether it could be used or not
    for number, file in enumerate(files, 1):
        if on_progress:
            on_progress(number, len(files))
        try:
            label = label_of(file.name)
            if len(images) >= MAX_FILES:
                raise ImageError(N_("over the limit of {most:,} pictures"), most=MAX_FILES)
            if file.size > MAX_FILE_BYTES:
                raise ImageError(N_("over {most} MB"), most=MAX_FILE_BYTES // 1_000_000)
            if total_bytes + file.size > MAX_TOTAL_BYTES:
                raise ImageError(N_("over {most} MB in all, unpacked"), most=MAX_TOTAL_BYTES // 1_000_000)
            total_bytes += file.size
            content = file.read()
            pixels = count_pixels(content)
            if total_pixels + pixels > MAX_TOTAL_PIXELS:
                raise ImageError(N_("over {most:,} million pixels in all"), most=MAX_TOTAL_PIXELS // 1_000_000)
            total_pixels += pixels
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # odd metadata is no reason to refuse a picture
                images.append(prepare_digit(decode_image(io.BytesIO(content), file.name, MAX_PIXELS)).digit)
            labels.append(label)
            names.append(file.name)
        except BlankImageError:
            left_out.append(LeftOut(file.name, Message(N_("there is nothing on it"))))
        except ImageError as error:
            left_out.append(LeftOut(file.name, error))
        except (OSError, MemoryError):
            left_out.append(LeftOut(file.name, Message(N_("it cannot be read"))))
    if not images:
        raise _nothing_usable(left_out)
    digits = Digits(torch.from_numpy(np.stack(images))[:, None], torch.tensor(labels))  # (N, 1, 28, 28), (N,)
    return OwnDigits(digits, names, left_out)


def label_of(name: str) -> int:
    """The digit that a path says: its last folder that is called 0 to 9. Raises ImageError when none is."""
    folders = [part for part in PurePosixPath(name).parts[:-1] if part in DIGIT_NAMES]
    if not folders:
        raise ImageError(N_("it lies in no folder called 0 to 9"))
    return int(folders[-1])


def _overlap(entries: list[zipfile.ZipInfo]) -> bool:
    """Whether two entries claim the same bytes of the zip, which lets a small one hold any amount of pictures."""
    spans = sorted(
        (info.header_offset, info.header_offset + LOCAL_HEADER_BYTES + info.compress_size) for info in entries
    )
    return any(end > start for (_start, end), (start, _end) in pairwise(spans))


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> PictureFile:
    def read() -> bytes:
        if info.flag_bits & 1:
            raise ImageError(N_("it is encrypted"))
        if info.compress_type not in PACKINGS:
            raise ImageError(N_("it is packed in an unusual way; pack the zip again, with the usual one (deflate)"))
        if info.file_size > MAX_RATIO * max(1, info.compress_size) and info.file_size > CHUNK:
            raise ImageError(N_("it is packed suspiciously small (a decompression bomb?)"))
        return b"".join(_chunks(archive, info))

    return PictureFile(info.filename, info.file_size, read)


def _chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The member piece by piece: what a zip says of its sizes need not be true, so they are counted while unpacking."""
    size = 0
    try:
        with archive.open(info) as member:
            while chunk := member.read(CHUNK):
                size += len(chunk)
                if size > MAX_FILE_BYTES:
                    raise ImageError(N_("over {most} MB"), most=MAX_FILE_BYTES // 1_000_000)
                yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise ImageError(N_("it is damaged in the zip")) from error


def _is_clutter(name: str) -> bool:
    """Files that systems leave behind, such as .DS_Store and __MACOSX/…"""
    return any(part.startswith((".", "__MACOSX")) or part == "Thumbs.db" for part in PurePosixPath(name).parts)


def _nothing_usable(left_out: list[LeftOut]) -> DataError:
    right = Message(N_("put pictures into sub-folders called 0 to 9, by the digit that is on them"))
    if not left_out:
        return DataError(N_("there is no picture in it; {right}"), right=right)
    first = left_out[0]
    return DataError(
        N_("none of its {count:,} files can be used ({name}: {reason}); {right}"),
        count=len(left_out),
        name=first.name,
        reason=Message("{left_out.reason}", left_out=first),
        right=right,
    )
