"""Which language the words are in: each session of the page has its own, all else that of the environment.

The words are gettext's: English stands in the code, and every other language has a catalogue in locale/. Another folder
there with a catalogue is another language.
"""

from __future__ import annotations

import gettext
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).parent / "locale"
DOMAIN = "vgg_demo"
ENGLISH = "en"
VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set decides, as in gettext

_spoken: ContextVar[str | None] = ContextVar("language", default=None)
_of_session: Callable[[], str | None] = lambda: None  # noqa: E731


def _(text: str) -> str:
    """The text in the current language. Only for texts that stand in the call: see N_ for others."""
    return _catalogue(language()).gettext(text)


def ngettext(one: str, several: str, count: int) -> str:
    """The form of a text for so many things, in the current language; the number itself is filled in afterwards."""
    return _catalogue(language()).ngettext(one, several, count)


def N_(text: str) -> str:
    """Mark a text of a table for translators. It stays as it is: translate puts it into words when it is shown."""
    return text


def translate(text: str) -> str:
    """A text that was marked with N_, in the current language."""
    return _catalogue(language()).gettext(text) if text else ""  # a catalogue's header stands under ""


def language() -> str:
    """The current language: the one of a speaking block, else this session's, else the environment's."""
    return _spoken.get() or _of_session() or of_environment()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Use one of languages() in the block, in this thread or task alone."""
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def ask_session(of_session: Callable[[], str | None]) -> None:
    """Let the function say which language a page's session has; None outside of one."""
    global _of_session
    _of_session = of_session


@cache
def languages() -> tuple[str, ...]:
    """English, and all that have a catalogue."""
    return ENGLISH, *sorted(path.parent.parent.name for path in LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))


def first_known(wanted: Iterable[str]) -> str | None:
    """The first of some languages that there is: ko for ko_KR.UTF-8 or ko-KR. None when there is none."""
    known = {name.lower(): name for name in languages()}
    for name in wanted:
        full = re.split(r"[.@]", name.replace("-", "_").lower())[0]
        if found := known.get(full) or known.get(full.partition("_")[0]):
            return found
    return None


def of_environment() -> str:
    """The language that the environment asks for, or English."""
    asked = next((value for variable in VARIABLES if (value := os.environ.get(variable))), "")
    return first_known(asked.split(":")) or ENGLISH


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    """The texts of one of languages(); English has none, and gives back what it gets."""
    return gettext.translation(DOMAIN, LOCALE, [language], fallback=True)
