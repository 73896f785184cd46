"""Tests of the page's languages: which one is spoken where, and that every text can be translated."""

from __future__ import annotations

import ast
import re
import string
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.catalogues import as_text, compiled, is_translated, read, updated
from tests.helpers import PAGE, PROJECT
from vgg_demo import errors, language
from vgg_demo.errors import ConfigError
from vgg_demo.presets import get_preset
from vgg_demo.text import Message, _, ngettext, percent

CATALOGUES = sorted(language.LOCALE.glob("*/LC_MESSAGES/*.po"))
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


def test_errors_that_a_page_may_show_have_texts_that_can_be_translated() -> None:
    shown = {name for name, value in vars(errors).items() if isinstance(value, type)} - {"QuestionError"}  # in the log
    terminal = {PROJECT / "vgg_demo" / name for name in ("__main__.py", "terminal.py")}
    found = [
        (path, call)
        for path in modules()
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in shown and call.args
    ]

    assert len(found) > 70
    for path, call in found:
        text = call.args[0]
        is_bare = isinstance(text, ast.JoinedStr | ast.BinOp) or (
            isinstance(text, ast.Constant) and re.search("[a-z]{2}", re.sub(r"{.*?}", "", str(text.value)))
        )
        assert not is_bare or path in terminal, f"{path}:{call.lineno}: {ast.unparse(call)}"


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


def test_threads_speak_each_its_own_language_and_an_error_that_of_its_reader() -> None:
    with pytest.raises(ConfigError) as raised:
        get_preset("nowhere")
    said: dict[str, list[str]] = {}
    both = threading.Barrier(2)

    def speak(name: str) -> None:
        with language.speaking(name):
            both.wait()
            said[name] = [_("Start training"), percent(0.5), str(raised.value), str(Message("{a:duration}", a=120))]
            said[name].append(ngettext("{count:,} file is left out", "{count:,} files are left out", 2))
            both.wait()

    threads = [threading.Thread(target=speak, args=(name,)) for name in ("en", "ko")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert said["en"][:2] == ["Start training", "50.00 %"]
    assert said["ko"][:2] == ["학습 시작", "50.00%"]
    assert said["en"][2].startswith("preset: there is no 'nowhere'; it is one of classroom, ")
    assert said["ko"][2].startswith("preset: 'nowhere'은(는) 없습니다. classroom, ")
    assert [said["en"][3:], said["ko"][3:]] == [
        ["2 min", "{count:,} files are left out"],
        ["2분", "파일 {count:,}개 제외"],
    ]
    assert _("Start training") == "Start training"


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_compiled_catalogue_is_that_of_its_texts(path: Path) -> None:
    assert path.with_suffix(".mo").read_bytes() == compiled(read(path)), "python -m tests.catalogues"


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_translations_have_the_values_and_the_bold_words_of_their_texts(path: Path) -> None:
    def marks(text: str) -> tuple[set[str | None], int]:
        return {name for _text, name, _format, _conversion in string.Formatter().parse(text)} - {None}, text.count("**")

    for message in read(path):
        if message.id and message.string:
            texts = [message.id] if isinstance(message.id, str) else list(message.id)
            forms = [message.string] if isinstance(message.string, str) else list(message.string)
            wanted = marks(texts[-1])
            assert all(marks(form) == wanted for form in forms if form), message.id


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_catalogue_has_every_text_translated_and_no_others(path: Path) -> None:
    catalog = updated(path)

    left = [message.id for message in catalog if message.id and not is_translated(message.string)]
    assert not left, "python -m tests.catalogues"
    assert path.read_bytes() == as_text(catalog), "python -m tests.catalogues"
