"""Read JSON from files that may be damaged, or written by a stranger: each value is checked, or raises FormatError.

A kind is a function that takes any JSON value and returns it, checked; a table's schema is a dict of names and kinds.
"""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from vgg_demo.errors import ConfigError, FormatError
from vgg_demo.text import N_, Message, _, translate

Kind = Callable[[object], Any]

MOST_BYTES = 1_000_000  # of a file that is read whole: real ones have a thousandth of that
MOST_WHOLE = 2**53  # larger whole numbers are not exact in JSON
MOST_NUMBER = 1e100  # more than anything that is measured, and far from where sums become infinite
LATEST = 32_503_680_000.0  # the year 3000 in seconds since 1970: later ones some systems cannot write as a date
LONGEST = 1e9  # seconds, about 30 years
MOST_TEXT = 10_000


def parse_json(content: str | bytes) -> Any:
    """What a JSON document says. Raises FormatError when it is none, or is nested too deeply to be read."""
    try:
        return json.loads(content)
    except RecursionError:
        raise FormatError(N_("it is nested too deeply")) from None
    except ValueError as error:
        raise FormatError(N_("it is no JSON: {error}"), error=error) from None


def read_json(path: Path) -> Any:
    """What a file of one JSON document says. Raises OSError when it cannot be opened, and FormatError."""
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise FormatError(N_("it is no file"))
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise FormatError(N_("it is larger than {most:,} bytes"), most=MOST_BYTES)
    return parse_json(content)


def read_table(values: object, kinds: Mapping[str, Kind], required: Iterable[str] = ()) -> dict[str, Any]:
    """Those values of a table that have a kind, checked; others are left out, as a newer version may have written them.

    Raises FormatError, which names the value, when one is of another kind, or a required one is missing.
    """
    if not isinstance(values, dict):
        raise FormatError(N_("it is not a table of names and values"))
    for name in required:
        if name not in values:
            raise FormatError(N_("{name} is missing"), name=name)
    checked = {}
    for name, check in kinds.items():
        if name in values:
            try:
                checked[name] = check(values[name])
            except FormatError as error:
                raise FormatError("{name}: {error}", name=name, error=error) from None
    return checked


def table(kinds: Mapping[str, Kind], required: Iterable[str] = ()) -> Kind:
    """A table within another one, as read_table reads it."""
    return lambda value: read_table(value, kinds, required)


def kind(is_right: Callable[[Any], bool], what: str | Message) -> Kind:
    """The kind of those values for which is_right is true. what: the kind in words, for the message."""

    def check(value: object) -> Any:
        if not is_right(value):
            raise FormatError(N_("{given} was given; it is {what}"), given=shown(value), what=what)
        return value

    return check


def whole(low: int = 0, high: int = MOST_WHOLE) -> Kind:
    """A whole number from low to high; true and false are none."""
    return kind(
        lambda value: type(value) is int and low <= value <= high,
        Message(N_("a whole number from {low} to {high}"), low=low, high=high),
    )


def number(low: float = -MOST_NUMBER, high: float = MOST_NUMBER) -> Kind:
    """A number from low to high, as a float; never NaN, never infinite."""
    what = Message(N_("a number from {low:g} to {high:g}"), low=low, high=high)
    check = kind(lambda value: type(value) in (int, float) and low <= value <= high, what)
    return lambda value: float(check(value))


def one_of(*choices: str) -> Kind:
    """One of some texts."""
    return kind(lambda value: value in choices, Message(N_("one of {names}"), names=", ".join(choices)))


def _is_text(value: object) -> bool:
    """Half a character, which JSON can write, can neither be stored nor sent."""
    is_short = isinstance(value, str) and len(value) <= MOST_TEXT
    return is_short and not any("\ud800" <= letter <= "\udfff" for letter in str(value))


text = kind(_is_text, Message(N_("a text of at most {most:,} characters"), most=MOST_TEXT))
flag = kind(lambda value: isinstance(value, bool), Message(N_("true or false")))


def optional(other: Kind) -> Kind:
    """That kind, or null."""
    return lambda value: None if value is None else other(value)


def rows(kind_of_each: Kind, at_least: int = 0, at_most: int = 100_000) -> Kind:
    """A list of values of one kind."""
    what = Message(N_("a list of {low} to {high:,} values"), low=at_least, high=at_most)
    check = kind(lambda value: isinstance(value, list) and at_least <= len(value) <= at_most, what)
    return lambda value: [kind_of_each(part) for part in check(value)]


@cache
def field_types(dataclass: type) -> dict[str, Any]:
    """The declared types of a dataclass's fields; cached, because a page reads many configs."""
    return get_type_hints(dataclass)


def check_fields(config: Any, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Check that every field of a dataclass holds its declared type, within its range; an int may stand for a float.

    Raises ConfigError naming the field. Numbers that came as NaN are refused with the rest.
    """
    names = {
        int: N_("a whole number"),
        float: N_("a number"),
        bool: N_("true or false"),
        str: N_("a text"),
        type(None): N_("nothing"),
    }
    for name, hint in field_types(config.__class__).items():
        value = getattr(config, name)
        if get_origin(hint) is Literal:
            if value not in get_args(hint):
                raise ConfigError(
                    N_("{name}: {given} was given; it is one of {names}"),
                    name=name,
                    given=shown(value),
                    names=", ".join(get_args(hint)),
                )
            continue
        allowed = get_args(hint) or (hint,)
        if float in allowed and type(value) is int and abs(value) < MOST_WHOLE:
            object.__setattr__(config, name, float(value))
        elif type(value) not in allowed or (isinstance(value, float) and math.isnan(value)):
            alternatives = [translate(names[part]) for part in allowed]
            right = _("a finite number") if isinstance(value, float) else _(" or ").join(alternatives)
            raise ConfigError(
                N_("{name}: {given} was given; it is {right}"), name=name, given=shown(value), right=right
            )
        if name in ranges and value is not None:
            low, high = ranges[name]
            if not low <= value <= high:
                raise ConfigError(
                    N_("{name}: {given} was given; it is between {low:g} and {high:g}"),
                    name=name,
                    given=value,
                    low=low,
                    high=high,
                )


def shown(value: object) -> str:
    """A value as a message shows it: short, however long or deeply nested it is."""
    return reprlib.repr(value)


RESULT: dict[str, Kind] = {  # the figures of a training at its end, as train --json gives them
    "run": text,
    "preset": text,
    "steps": whole(),
    "average_loss": optional(number()),
    "val_accuracy": optional(number(0, 1)),
    "seconds": number(0, LONGEST),
    "images_per_second": optional(number(0)),
    "checkpoint": text,
}
