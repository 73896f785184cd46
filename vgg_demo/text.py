"""The page's words: every text passes through _(), so that it can be translated, and numbers are written in one way."""

from __future__ import annotations

import math
import re
import string
from typing import Any

from vgg_demo.language import N_, _, ngettext, translate

__all__ = ["N_", "_", "ngettext", "translate"]  # of language.py: code with words needs both
TRAIN, EVALUATE, DRAW = "Train", "Evaluate", "Draw"  # the tabs, as the address names them in every language


def find_tab(text: str) -> str | None:
    """The tab of that name, in small or capital letters, or None."""
    return next((tab for tab in (TRAIN, EVALUATE, DRAW) if tab.lower() == text.lower()), None)


_UNSEEN = "\u2060"  # a word joiner: it has no width, and no line breaks there
_SPECIAL = re.compile(r"[\\`*_\[\]<>~$&|]")
# what is made into links, emoji, icons and symbols even where it is escaped, each with the place that parts it
_MADE = re.compile(r"(www)(?=\.)|(:)(?=\S)|(@)|(?<!\S)([<>~-])(?=[=>-])", re.IGNORECASE)


def plain(text: object) -> str:
    """A name, a reason or a message as it is, for a place that reads Markdown: nothing in it is taken for a link, an
    image, emphasis, a formula, an icon or a list. On one line."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in str(text)).split())
    escaped = _SPECIAL.sub(r"\\\g<0>", _MADE.sub(rf"\g<0>{_UNSEEN}", line))
    return re.sub(r"^(\d*)(?=[#+=.)-])", r"\1\\", escaped)


def percent(share: float, digits: int = 2) -> str:
    """A fraction as a percentage: 0.9912 is 99.12 %."""
    return per_cent(f"{share * 100:.{digits}f}")


def per_cent(number: str) -> str:
    """A number, or what a chart writes in its place, with the sign for hundredths."""
    return _("{number} %").format(number=number)


def percent_or_dash(share: float | None) -> str:
    """The same, with a dash for a share of nothing."""
    return "–" if share is None else percent(share)


_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def short(value: float, digits: int = 2) -> str:
    """A number that may be very large or very small, to so many digits: 29,000,000, 0.17, 1.5·10⁻⁷. NaN is a dash."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "\N{MINUS SIGN}∞"
    rounded = float(f"{value:.{digits - 1}e}") + 0.0  # there is no -0
    size = abs(rounded)
    if size == 0 or 0.001 <= size < 1e9:
        text = f"{rounded:,.10g}"
    else:
        mantissa, power = f"{rounded:.{digits - 1}e}".split("e")
        times = "" if float(mantissa) == 1 else f"{float(mantissa):g}·"
        text = f"{times}10{str(int(power)).translate(_RAISED)}"
    return text.replace("-", "\N{MINUS SIGN}")


def format_duration(seconds: float) -> str:
    """A duration as a person says it: 8 s, 2 min, 15 h."""
    if seconds < 90:
        return _("{count} s").format(count=max(1, round(seconds)))
    if seconds < 90 * 60:
        return _("{count} min").format(count=round(seconds / 60))
    return _("{count} h").format(count=round(seconds / 3600))


def format_bytes(count: float) -> str:
    """A size of memory as a person says it: 640 MB, 3.2 GB."""
    return f"{count / 1e6:.0f} MB" if count < 999.5e6 else f"{count / 1e9:.1f} GB"


class _Filler(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "short":
            return short(value)
        if format_spec == "duration":
            return format_duration(value)
        if format_spec == "sure":
            return confidence_in_words(value)
        if format_spec.endswith(" %"):
            return percent(value, int(format_spec.removesuffix(" %")))
        return str(super().format_field(value, format_spec))


def fill(text: str, **values: object) -> str:
    """text.format(…) that also knows {x:short}, {x:duration} and {x:sure}, and {x:1 %}, as percent writes it."""
    return _Filler().format(text, **values)


class Message:
    """A text, marked with N_, and the values for its {names}: put into words when it is shown, and not before."""

    def __init__(self, text: str, /, **values: object) -> None:
        self.text, self.values = text, values

    def __str__(self) -> str:
        return fill(translate(self.text), **self.values) if self.values else translate(self.text)


def confidence_in_words(probability: float) -> str:
    """How sure an answer is: 98.7 % sure."""
    return _("over 99.9 % sure") if probability > 0.999 else _("{sure} sure").format(sure=percent(probability, 1))
