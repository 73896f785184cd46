"""The collections of a class's digits: a file for each, to which lines are appended and which is the whole truth.

.collections/<id>.jsonl, beside the runs:
    {"event": "collection", "title": …, "opened": …}      the first line
    {"event": "drawing", "id": …, "digit": …, "hand": …, "time": …, "strokes": …, "image": …}
    {"event": "left_out", "id": …}     {"event": "restored", "id": …}
    {"event": "closed"}                {"event": "reopened"}
A line that is damaged is counted and left out. The same drawing twice is one.
"""

from __future__ import annotations

import json
import random
import re
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from vgg_demo.collection.contents import Contents, Reader, first_line_of
from vgg_demo.collection.drawing import Drawing
from vgg_demo.config import CLASSES
from vgg_demo.errors import CollectionError, StorageError
from vgg_demo.files import append_line, write_text
from vgg_demo.runs.store import home, store_lock
from vgg_demo.text import N_

EACH_DIGIT = 2  # times that a hand draws it
MOST_OF_A_HAND = 20
MOST_DRAWINGS = 2_000
MOST_COLLECTIONS = 20
MOST_BYTES = 100_000_000  # of all collections together; a drawing takes about 3,000
MOST_TITLE = 40

_is_id = re.compile(r"[a-z0-9]{6}").fullmatch


@dataclass(frozen=True)
class Collection:
    """The file of a collection. All methods raise CollectionError when it is gone; those that write, StorageError."""

    path: Path

    @property
    def id(self) -> str:
        """What names it in addresses."""
        return self.path.stem

    def contents(self) -> Contents:
        """What is in it now."""
        return _reader(self.path).refresh()

    def add(self, drawing: Drawing) -> None:
        """Keep a drawing; one that is there already stays as it is.

        Raises CollectionError when the collection is closed, or a limit is reached.
        """

        with store_lock():
            contents = self.contents()
            if drawing.id in contents.drawings:
                return
            if not contents.is_open:
                raise CollectionError(N_("the collection is closed; ask your teacher to open it again"))
            if len(contents.of_hand(drawing.hand)) >= MOST_OF_A_HAND:
                raise CollectionError(N_("you have drawn all your {most} digits; thank you"), most=MOST_OF_A_HAND)
            _check_places(contents, 1)
            _check_room()
            self._append({"event": "drawing", **drawing.to_dict()})

    def leave_out(self, ids: Iterable[str], is_out: bool = True) -> None:
        """Use drawings no more, or use them again: all of them or none.

        Raises CollectionError when there is no place for them any more.
        """
        with store_lock():
            contents = self.contents()
            changed = [id for id in ids if id in contents.drawings and (id in contents.left_out) != is_out]
            if not is_out:
                _check_places(contents, len(changed))
            if changed:
                self._append(*({"event": "left_out" if is_out else "restored", "id": id} for id in changed))

    def set_open(self, is_open: bool) -> None:
        """Take drawings, or take no more."""
        with store_lock():
            if self.contents().is_open != is_open:
                self._append({"event": "reopened" if is_open else "closed"})

    def delete(self) -> None:
        """Delete it with all its drawings."""
        with store_lock(), _typed_errors(self.path):
            self.path.unlink(missing_ok=True)
        _reader.cache_clear()  # it holds the drawings; the other collections are read again

    def _append(self, *lines: dict[str, Any]) -> None:
        """Append lines, all of them or none; the store's lock is held."""
        with _typed_errors(self.path):
            append_line(self.path, "\n".join(map(json.dumps, lines)))


def folder() -> Path:
    """Where the collections are."""
    return home() / ".collections"


def read_collections() -> list[tuple[Collection, Contents]]:
    """All that can be read, the newest first, each with what is in it now."""
    found = []
    for path in folder().glob("*.jsonl"):
        collection = Collection(path)
        with suppress(CollectionError):
            if _is_id(collection.id):
                found.append((collection, collection.contents()))
    return sorted(found, reverse=True, key=lambda pair: (pair[1].opened, pair[0].id))


def get_collection(collection_id: str) -> Collection:
    """The collection of that id. Raises CollectionError when there is none, or it cannot be read."""
    collection = Collection(folder() / f"{collection_id}.jsonl")
    if not _is_id(collection_id) or not collection.path.is_file():
        raise CollectionError(N_("there is no such collection; its teacher may have deleted it"))
    collection.contents()
    return collection


def open_collection(title: str) -> Collection:
    """Begin a collection that takes drawings. Raises CollectionError when there are too many, or StorageError."""
    title = " ".join(title.split())
    _check_title(title)
    return _create([first_line_of(title, time.time())])


def copy_collection(contents: Contents) -> Collection:
    """A closed collection with these contents: of an earlier year, say. Raises as open_collection does."""
    _check_title(contents.title)
    if len(contents.used) > MOST_DRAWINGS:
        raise CollectionError(
            N_("it has {count:,} drawings; a collection has at most {most:,}"),
            count=len(contents.used),
            most=MOST_DRAWINGS,
        )
    return _create(contents.to_lines())


def next_digit(contents: Contents, hand: int) -> int | None:
    """The digit to ask a hand for: of those that it still has to draw, the one that the whole class has least of.

    None when it has drawn all. Where several are as rare, hands begin with different ones.
    """
    own = Counter(drawing.digit for drawing in contents.of_hand(hand))
    left = [digit for digit in range(CLASSES) if own[digit] < EACH_DIGIT]
    order = random.Random(hand).sample(range(CLASSES), CLASSES)
    if not left or own.total() >= MOST_OF_A_HAND:
        return None
    return min(left, key=lambda digit: (contents.counts[digit], own[digit], order[digit]))


def _create(lines: Iterable[str]) -> Collection:
    collection = Collection(folder() / f"{_new_id()}.jsonl")
    with store_lock(), _typed_errors(collection.path):
        folder().mkdir(parents=True, exist_ok=True)
        if len(list(folder().glob("*.jsonl"))) >= MOST_COLLECTIONS:
            raise CollectionError(
                N_("there are {most} collections; delete one before you add another"), most=MOST_COLLECTIONS
            )
        _check_room()
        write_text(collection.path, "".join(f"{line}\n" for line in lines))
    return collection


def _new_id() -> str:
    return "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _place in range(6))


@lru_cache(maxsize=2 * MOST_COLLECTIONS)
def _reader(path: Path) -> Reader:
    """The one reader of a collection in this process."""
    return Reader(path)


@contextmanager
def _typed_errors(path: Path) -> Iterator[None]:
    """Raise StorageError for what a full disk or a folder that may not be written raises."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            N_("{path} cannot be written ({reason}); free some space or make the folder writable"),
            path=path,
            reason=error.strerror or error,
        ) from error


def _check_title(title: str) -> None:
    if not 0 < len(title) <= MOST_TITLE or not title.isprintable():
        raise CollectionError(N_("title: a collection has a name of 1 to {most} characters"), most=MOST_TITLE)


def _check_places(contents: Contents, more: int) -> None:
    """Raise CollectionError when so many other drawings cannot be used; those left out take no place."""
    if len(contents.used) + more > MOST_DRAWINGS:
        raise CollectionError(
            N_("the collection is full: it has {most:,} drawings; your teacher can open another one"),
            most=MOST_DRAWINGS,
        )


def _check_room() -> None:
    if sum(path.stat().st_size for path in folder().glob("*.jsonl")) >= MOST_BYTES:
        raise CollectionError(
            N_("all collections together have {most} MB, which is the limit; delete an old one"),
            most=MOST_BYTES // 1_000_000,
        )
