"""What a page may ask the feed: one schema, one limit of size, for whoever connects."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from vgg_demo.errors import QuestionError

MOST_BYTES = 4_096  # of a question; the longest that the page asks has 700
MOST_OVERLAID = 5  # runs over the curve of another
MOST_SMOOTHING = 0.99
LARGEST_TURN = 2**53  # the largest whole number that JavaScript counts to


@dataclass(frozen=True)
class Question:
    """Which runs to show, and how.

    turn: the question's number, which its answers repeat. smoothing: of the bold line, 0 to 0.99. rates: the learning
    rate, too. followed: as is_followed of feed.page_key. token: the server's own, which it gives to its pages.
    """

    runs: tuple[str, ...]
    smoothing: float
    turn: int | None = None
    rates: bool = False
    followed: bool = False
    token: str | None = None


def read_question(text: str | None) -> Question:
    """The question in a message. text: None when the message is binary. Raises QuestionError, which quotes nothing."""
    if text is None:
        raise QuestionError("a question is text, not binary")
    if len(text.encode()) > MOST_BYTES:
        raise QuestionError(f"a question has at most {MOST_BYTES:,} bytes")
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise QuestionError("a question is one JSON object") from None
    if not isinstance(values, dict) or not _NEEDED <= values.keys() <= _FIELDS.keys():
        raise QuestionError(f"a question names {_listed(_NEEDED)}, and at most {_listed(_FIELDS.keys() - _NEEDED)}")
    for name, value in values.items():
        is_right, right = _FIELDS[name]
        if not is_right(value):
            raise QuestionError(f"{name} of a question is {right}")
    return Question(**{**values, "runs": tuple(values["runs"]), "smoothing": float(values["smoothing"])})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= MOST_OVERLAID + 1 and all(isinstance(name, str) for name in value)


_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "runs": (_are_names, f"a list of at most {MOST_OVERLAID + 1} names"),
    "smoothing": (lambda value: _is_number(value) and 0 <= value <= MOST_SMOOTHING, f"from 0 to {MOST_SMOOTHING}"),
    "turn": (
        lambda value: value is None or (type(value) is int and 0 <= value < LARGEST_TURN),
        f"a whole number from 0 to below {LARGEST_TURN}",
    ),
    "rates": (lambda value: isinstance(value, bool), "true or false"),
    "followed": (lambda value: isinstance(value, bool), "true or false"),
    "token": (lambda value: value is None or isinstance(value, str), "text"),
}
_NEEDED = {"runs", "smoothing"}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError  # NaN and Infinity are no JSON, though Python reads them
