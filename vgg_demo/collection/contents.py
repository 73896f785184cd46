"""What the lines of a collection's file add up to, read as they are appended."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from vgg_demo.collection.drawing import Drawing
from vgg_demo.errors import CollectionError, FormatError
from vgg_demo.runs.pinned import digit_id
from vgg_demo.schema import LATEST, Kind, number, parse_json, read_table, text
from vgg_demo.text import N_

HEAD: dict[str, Kind] = {"title": text, "opened": number(0, LATEST)}
LEFT_OUT: dict[str, Kind] = {"id": digit_id}


@dataclass(frozen=True, eq=False)
class Contents:
    """A collection as it stood at one moment; it does not change. drawings: by id, in the order they came in.

    left_out: the ids of those that are not used. opened: seconds since 1970.
    """

    title: str
    opened: float
    is_open: bool = True
    drawings: dict[str, Drawing] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    damaged_lines: int = 0

    @cached_property
    def used(self) -> list[Drawing]:
        """Those that are not left out."""
        return [drawing for drawing in self.drawings.values() if drawing.id not in self.left_out]

    @cached_property
    def hands(self) -> list[int]:
        """The numbers of those who have drawn, in ascending order."""
        return sorted({drawing.hand for drawing in self.drawings.values()})

    @cached_property
    def counts(self) -> Counter[int]:
        """How many drawings there are of each digit, without those left out."""
        return Counter(drawing.digit for drawing in self.used)

    def of_hand(self, hand: int) -> list[Drawing]:
        """All drawings of one hand, also those left out."""
        return [drawing for drawing in self.drawings.values() if drawing.hand == hand]

    def to_lines(self) -> list[str]:
        """The file of a closed collection with these contents."""
        lines = [first_line_of(self.title, self.opened)]
        lines += [json.dumps({"event": "drawing", **drawing.to_dict()}) for drawing in self.drawings.values()]
        lines += [
            json.dumps({"event": "left_out", "id": drawing_id})
            for drawing_id in sorted(self.left_out & self.drawings.keys())
        ]
        return [*lines, json.dumps({"event": "closed"})]


def first_line_of(title: str, opened: float) -> str:
    """The first line of a collection's file."""
    return json.dumps({"event": "collection", "title": title, "opened": opened})


def parse_collection(content: bytes) -> Contents:
    """The contents of a file; half a line at its end is left out. Raises CollectionError when it is no collection."""
    first, *rest = content[: content.rfind(b"\n") + 1].split(b"\n")
    try:
        return _add_lines(_read_head(first), rest)
    except FormatError as error:
        raise CollectionError(
            N_("this is no collection of digits ({error}); load a file that was saved here"), error=error
        ) from None


class Reader:
    """Reads a collection's file as it grows; one for all threads of a process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._offset = 0
        self._contents: Contents | None = None

    def refresh(self) -> Contents:
        """The contents as they are now. Raises CollectionError when the file is gone or no collection."""
        with self._lock:
            try:
                with self.path.open("rb") as file:
                    if file.seek(0, os.SEEK_END) < self._offset:  # another file, or its last line was taken back
                        self._offset, self._contents = 0, None
                    file.seek(self._offset)
                    content = file.read()
            except OSError:
                raise CollectionError(N_("this collection is gone; its teacher may have deleted it")) from None
            complete = content[: content.rfind(b"\n") + 1]
            if self._contents is None:
                self._contents = parse_collection(complete)
            elif complete:
                self._contents = _add_lines(self._contents, complete.split(b"\n"))
            self._offset += len(complete)
            return self._contents


def _read_head(line: bytes) -> Contents:
    values = parse_json(line)
    if not isinstance(values, dict) or values.get("event") != "collection":
        raise FormatError(N_("its first line does not say so"))
    return Contents(**read_table(values, HEAD, HEAD))


def _add_lines(contents: Contents, lines: list[bytes]) -> Contents:
    """The contents after these lines, of which empty ones say nothing."""
    drawings, left_out, is_open = dict(contents.drawings), set(contents.left_out), contents.is_open
    damaged_lines = contents.damaged_lines
    for line in filter(None, lines):
        try:
            values = parse_json(line)
            is_open = _apply(values, drawings, left_out, is_open)
        except FormatError:
            damaged_lines += 1
    return replace(contents, drawings=drawings, left_out=frozenset(left_out), is_open=is_open,
                   damaged_lines=damaged_lines)  # fmt: skip


def _apply(values: Any, drawings: dict[str, Drawing], left_out: set[str], is_open: bool) -> bool:
    """Do what a line says, and return whether the collection is open after it.

    Raises FormatError, and changes nothing, when it is damaged.
    """
    event = values.get("event") if isinstance(values, dict) else None
    if event == "drawing":
        drawing = Drawing.from_dict(values)
        drawings.setdefault(drawing.id, drawing)
    elif event in ("left_out", "restored"):
        drawing_id = read_table(values, LEFT_OUT, LEFT_OUT)["id"]
        (left_out.add if event == "left_out" else left_out.discard)(drawing_id)
    elif event in ("closed", "reopened"):
        return bool(event == "reopened")
    else:
        raise FormatError(N_("it is no line of a collection"))
    return is_open
