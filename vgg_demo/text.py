"""The page's words: every text passes through _(), so that it can be translated, and numbers are written in one way."""

from __future__ import annotations

import gettext
import re
from pathlib import Path

_translation = gettext.translation("vgg_demo", Path(__file__).parent / "locale", fallback=True)
_ = _translation.gettext


def N_(text: str) -> str:
    """Mark a text of a table for translators; the page translates it with _() when it draws it."""
    return text


TRAIN = _("Train")
EVALUATE = _("Evaluate")
DRAW = _("Draw")


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


def confidence_in_words(probability: float) -> str:
    """How sure an answer is: 98.7 % sure."""
    return _("over 99.9 % sure") if probability > 0.999 else _("{sure} sure").format(sure=percent(probability, 1))
