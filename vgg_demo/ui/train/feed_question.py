"""What a client may ask the feed: one schema, one limit of size."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from vgg_demo.errors import FormatError, QuestionError
from vgg_demo.language import languages
from vgg_demo.schema import Kind, flag, kind, number, optional, parse_json, rows, text, whole

MOST_BYTES = 4_096  # of a question; the longest that the page asks has 700
MOST_OVERLAID = 5  # runs over the curve of another
MOST_SMOOTHING = 0.99
KINDS: dict[str, Kind] = {
    "runs": rows(text, at_most=MOST_OVERLAID + 1),
    "smoothing": number(0, MOST_SMOOTHING),
    "turn": optional(whole()),
    "rates": flag,
    "followed": flag,
    "language": optional(kind(lambda value: value in languages(), "a language of the page")),
    "token": optional(str),  # any value but the server's own token is refused by the feed
}
REQUIRED = {"runs", "smoothing"}


@dataclass(frozen=True)
class Question:
    """Which runs to show, and how.

    turn: the question's number, which its answers repeat. smoothing: of the bold line, 0 to 0.99. rates: the learning
    rate, too. followed: as is_followed of feed.page_key. language: of the words in the answers. token: the
    server's own, which it gives to its pages.
    """

    runs: tuple[str, ...]
    smoothing: float
    turn: int | None = None
    rates: bool = False
    followed: bool = False
    language: str | None = None
    token: str | None = None


def read_question(message: str | None) -> Question:
    """The question in a message, None for a binary one. Raises QuestionError, which quotes nothing."""
    values = read_fields(message, KINDS, REQUIRED)
    return Question(**{**values, "runs": tuple(values["runs"])})


def read_fields(message: str | None, kinds: Mapping[str, Kind], required: Set[str]) -> dict[str, Any]:
    """The fields of a message that is one JSON object, None for a binary one. Raises QuestionError, as above."""
    if message is None:
        raise QuestionError("a question is text, not binary")
    if len(message.encode()) > MOST_BYTES:
        raise QuestionError(f"a question has at most {MOST_BYTES:,} bytes")
    try:
        values = parse_json(message)
    except FormatError:
        raise QuestionError("a question is one JSON object") from None
    if not isinstance(values, dict) or not required <= values.keys() <= kinds.keys():
        optional_names = ", ".join(sorted(kinds.keys() - required))
        raise QuestionError(f"a question names {', '.join(sorted(required))}, and at most {optional_names}")
    for name, value in values.items():
        try:
            values[name] = kinds[name](value)
        except FormatError:
            raise QuestionError(f"{name} of a question is of another kind, or outside its range") from None
    return values
