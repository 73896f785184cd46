"""The page's words: every text passes through _(), so that it can be translated, and numbers are written in one way."""

from __future__ import annotations

import gettext
from pathlib import Path

_translation = gettext.translation("vgg_demo", Path(__file__).parent.parent / "locale", fallback=True)
_ = _translation.gettext

TRAIN = _("Train")
EVALUATE = _("Evaluate")
DRAW = _("Draw")


def find_tab(text: str) -> str | None:
    """The tab of that name, in small or capital letters, or None."""
    return next((tab for tab in (TRAIN, EVALUATE, DRAW) if tab.lower() == text.lower()), None)


def percent(share: float, digits: int = 2) -> str:
    """A fraction as a percentage: 0.9912 is 99.12 %."""
    return f"{share * 100:.{digits}f} %"
