"""The page's words: every text passes through _(), so that it can be translated, and numbers are written in one way."""

from __future__ import annotations

import math
import re
import string
from typing import Any

from vgg_demo.language import N_, _, ngettext, translate

__all__ = ["N_", "_", "ngettext", "translate"]  # of language.py: whoever writes words needs both
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
    return f"{share * 100:.{digits}f} %"


def percent_or_dash(share: float | None) -> str:
    """The same, with a dash for a share of nothing."""
    return "–" if share is None else percent(share)


_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def short(value: float) -> str:
    """A number that may be very large or very small, to two digits: 29 million, 0.17, 1.5·10⁻⁷. NaN is a dash."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "\N{MINUS SIGN}∞"
    rounded = float(f"{value:.1e}")
    size = abs(rounded)
    if size == 0 or 0.001 <= size < 100:
        text = f"{rounded:g}"
    elif 100 <= size < 1e6:
        text = f"{rounded:,.0f}"
    elif 1e6 <= size < 1e9:
        text = _("{count} million").format(count=f"{rounded / 1e6:g}")
    elif 1e9 <= size < 1e12:
        text = _("{count} billion").format(count=f"{rounded / 1e9:g}")
    else:
        digits, _e, power = f"{rounded:.1e}".partition("e")
        text = f"{digits.removesuffix('.0')}·10{str(int(power)).translate(_RAISED)}"
    return text.replace("-", "\N{MINUS SIGN}")


class _Filler(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "short":
            return short(value)
        if format_spec.endswith(" %"):
            return percent(value, int(format_spec.removesuffix(" %")))
        return str(super().format_field(value, format_spec))


def fill(text: str, **values: object) -> str:
    """text.format(…) that also knows {x:short}, as short writes it, and {x:1 %}, as percent does with one digit."""
    return _Filler().format(text, **values)


def confidence_in_words(probability: float) -> str:
    """How sure an answer is: 98.7 % sure."""
    return _("over 99.9 % sure") if probability > 0.999 else _("{sure} sure").format(sure=percent(probability, 1))
