"""Tests of the page's languages: which one is spoken where, and that every text can be translated."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import PAGE, PROJECT
from vgg_demo import language

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def calls_in(tree: ast.AST, is_in_function: bool = False) -> Iterator[tuple[ast.Call, bool]]:
    """The calls of _, ngettext and N_, each with whether it runs when a function does, and not at import."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext", "N_"):
            yield node, is_in_function
        yield from calls_in(node, is_in_function or isinstance(node, FUNCTIONS))


def modules() -> list[Path]:
    return sorted((PROJECT / "vgg_demo").rglob("*.py"))


def test_texts_stand_in_the_call_and_none_is_translated_at_import() -> None:
    found = [(path, *call) for path in modules() for call in calls_in(ast.parse(path.read_text("utf-8")))]

    assert len(found) > 700
    for path, call, is_in_function in found:
        place = f"{path}:{call.lineno}: {ast.unparse(call)}"
        assert isinstance(call.func, ast.Name)
        texts = call.args[:2] if call.func.id == "ngettext" else call.args
        assert all(isinstance(text, ast.Constant) and isinstance(text.value, str) for text in texts), place
        assert is_in_function or call.func.id == "N_" or path == PAGE, place  # the page's script runs for each session


def test_variables_as_in_gettext_decide_the_first_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    found = [language.of_environment()]
    monkeypatch.setattr(language, "languages", lambda: ("en", "ko", "pt_BR"))

    for name, value in [
        ("LANG", "ko_KR.UTF-8"), ("LC_MESSAGES", "C.UTF-8"), ("LC_ALL", "pt_BR.UTF-8@x"), ("LANGUAGE", "de:ko:en"),
    ]:  # fmt: skip
        monkeypatch.setenv(name, value)
        found.append(language.of_environment())

    assert found == ["en", "ko", "en", "pt_BR", "ko"]


def test_language_that_there_is_not_gives_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "languages", lambda: ("en", "ko"))

    assert language.first_known(["de-DE", "../../etc", "ko-KR", "en"]) == "ko"
    assert language.first_known(["fr", ""]) is None
