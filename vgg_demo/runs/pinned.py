"""Digits pinned to a run: while it trains, its worker records how the ten probabilities for each of them change.

Which digits are pinned is what all the commands in control.jsonl add up to. So they can be pinned to a run in any
state, and a run that was killed or resumed keeps them. What was measured stands in metrics.jsonl.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from vgg_demo.config import CLASSES
from vgg_demo.errors import FormatError, RunError
from vgg_demo.runs.store import Run
from vgg_demo.schema import MOST_BYTES, Kind, kind, number, optional, parse_json, read_table, rows, table, text, whole
from vgg_demo.text import N_

MOST_PINNED = 8
DIGIT_BYTES = 28 * 28

_is_id = re.compile(r"[0-9a-f]{16}").fullmatch
digit_id = kind(lambda value: isinstance(value, str) and _is_id(value) is not None, "16 hexadecimal digits")


def digit_pixels(value: object) -> bytes:
    """A kind: base64 of 28×28 bytes. Raises FormatError."""
    try:
        pixels = base64.b64decode(text(value), validate=True)
    except (binascii.Error, ValueError):
        raise FormatError(N_("it is no base64")) from None
    if len(pixels) != DIGIT_BYTES:
        raise FormatError(N_("it has {count} bytes; it is {right}"), count=len(pixels), right=DIGIT_BYTES)
    return pixels


PIN: dict[str, Kind] = {"digit": digit_pixels, "label": optional(whole(0, CLASSES - 1))}
UNPIN: dict[str, Kind] = {"id": digit_id}
ANSWER: dict[str, Kind] = {"id": digit_id, "probabilities": rows(number(0, 1), CLASSES, CLASSES)}
PROBABILITIES: dict[str, Kind] = {"step": whole(), "digits": rows(table(ANSWER, ANSWER), 1, MOST_PINNED)}


@dataclass(frozen=True)
class PinnedDigit:
    """A digit to watch. pixels: 28×28 bytes, ink light on dark. label: what it is meant to be, None if unsaid."""

    pixels: bytes
    label: int | None = None

    @cached_property
    def id(self) -> str:
        """The same for the same pixels, so that one digit can be compared between runs."""
        return hashlib.sha256(self.pixels).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """As the command "pin" has it."""
        return {"digit": base64.b64encode(self.pixels).decode(), "label": self.label}

    @classmethod
    def from_dict(cls, values: object) -> PinnedDigit:
        """Read what to_dict wrote. Raises FormatError when it is something else."""
        checked = read_table(values, PIN, ("digit",))
        return cls(checked["digit"], checked.get("label"))


def pin(run: Run, digit: PinnedDigit) -> None:
    """Pin a digit to a run, or give it another label. Raises RunError when there is no room, StorageError."""
    others = [other for other in pinned_digits(run) if other.id != digit.id]
    if len(others) >= MOST_PINNED:
        raise RunError(N_("a run watches at most {most} digits; remove one of them first"), most=MOST_PINNED)
    run.send("pin", **digit.to_dict())


def unpin(run: Run, digit: PinnedDigit) -> None:
    """Watch the digit no more. Raises StorageError."""
    run.send("unpin", id=digit.id)


def pinned_digits(run: Run) -> tuple[PinnedDigit, ...]:
    """The digits that are pinned to a run, in the order in which they were. Damaged commands are left out."""
    try:
        status = run.control_path.stat()
    except OSError:
        return ()
    if not stat.S_ISREG(status.st_mode):
        return ()
    return _read_commands(run.control_path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=100)  # a page that shows the run asks once a second
def _read_commands(path: Path, *_version: int) -> tuple[PinnedDigit, ...]:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES)
    except OSError:
        return ()
    found: dict[str, PinnedDigit] = {}
    for line in content[: content.rfind(b"\n") + 1].splitlines():
        try:
            _apply(parse_json(line), found)
        except FormatError:
            continue
    return tuple(found.values())


def _apply(command: object, found: dict[str, PinnedDigit]) -> None:
    """Do what a command says to the digits found so far. Raises FormatError when it is damaged."""
    name = command.get("command") if isinstance(command, dict) else None
    if name == "pin":
        digit = PinnedDigit.from_dict(command)
        if digit.id in found or len(found) < MOST_PINNED:
            found[digit.id] = digit
    elif name == "unpin":
        found.pop(read_table(command, UNPIN, UNPIN)["id"], None)


@dataclass
class Answers:
    """What a network said to one digit while it learned: after each of some steps, ten probabilities."""

    steps: list[int] = field(default_factory=list)
    probabilities: list[list[float]] = field(default_factory=list)

    def add(self, step: int, probabilities: list[float]) -> None:
        """Add what it said after a step; said again after the same step, it replaces what was there."""
        if self.steps and self.steps[-1] == step:
            self.probabilities[-1] = probabilities
            return
        self.probabilities.append(probabilities)
        self.steps.append(step)  # last: another thread reads as many as there are steps

    def first_right(self, label: int) -> int | None:
        """The first step after which it read the digit right, or None for never."""
        return next((step for step, is_right in self._verdicts(label) if is_right), None)

    def right_for_good(self, label: int) -> int | None:
        """The step from which on it read the digit right to the end, or None when its last answer is wrong."""
        since = None
        for step, is_right in self._verdicts(label):
            since = (step if since is None else since) if is_right else None
        return since

    def _verdicts(self, label: int) -> list[tuple[int, bool]]:
        return [(step, answer(ten) == label) for step, ten in zip(self.steps, self.probabilities, strict=False)]


def answer(probabilities: Sequence[float]) -> int:
    """The likeliest digit."""
    return max(range(CLASSES), key=probabilities.__getitem__)


def take_probabilities(event: object, known: dict[str, Answers]) -> None:
    """Add an event "probabilities" of metrics.jsonl to the answers by digit.

    Raises FormatError, and adds nothing, when it is damaged.
    """
    row = read_table(event, PROBABILITIES, PROBABILITIES)
    digits = {digit["id"]: digit["probabilities"] for digit in row["digits"]}
    if any(known[id].steps[-1] > row["step"] for id in digits if id in known):
        raise FormatError(N_("steps come one after the other"))
    for id, probabilities in digits.items():
        known.setdefault(id, Answers()).add(row["step"], probabilities)
