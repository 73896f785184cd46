"""Names, reasons and file names stand on the page as they are: no link, no image, no formula is made of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from tests.helpers import PROJECT, TINY
from vgg_demo.checkpoint import save_checkpoint
from vgg_demo.model import VGG
from vgg_demo.runs.store import create_run
from vgg_demo.text import plain

UI = PROJECT / "vgg_demo" / "ui"
EVIL = "![x](http://evil.example/x.png) www.example.com me@example.com :smile: :red[x] $x^2$ <b> `c` **d** -> e"
MADE = re.compile(r"!\[x\]|www\.|http://|@example|:smile|:red|(?<!\\)(\$x|<b>|`c`|\*\*d)|\s->\s")
READ_AS_MARKDOWN = {
    "badge", "button", "caption", "checkbox", "download_button", "error", "expander", "header", "info", "markdown",
    "metric", "multiselect", "number_input", "popover", "progress", "radio", "segmented_control", "selectbox", "slider",
    "spinner", "subheader", "success", "text_input", "title", "toast", "toggle", "warning", "write",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("classroom-1", "classroom-1"),
        ("[x](y)", r"\[x\](y)"),
        ("_a_ *b* `c` ~d~ <e> $f$ g|h &amp; i\\j", r"\_a\_ \*b\* \`c\` \~d\~ \<e\> \$f\$ g\|h \&amp; i\\j"),
        ("www.example.com", "www\u2060.example.com"),
        ("https://example.com", "https:\u2060//example.com"),
        ("me@example.com", "me@\u2060example.com"),
        (":smile: at 12: noon", ":\u2060smile: at 12: noon"),
        ("a -> b -- c <= d", "a -\u2060\\> b -\u2060- c \\<\u2060= d"),
        ("1. x", r"1\. x"),
        ("# x", r"\# x"),
        ("- x", r"\- x"),
        ("one\n\n    two\u202e\x00", "one two"),
        (KeyError("x"), "'x'"),
    ],
)
def test_plain_text_is_escaped_and_parted(text: object, expected: str) -> None:
    assert plain(text) == expected


def test_every_name_and_error_on_the_page_passes_through_plain() -> None:
    found = [f"{path.name}:{line}" for path in sorted(UI.rglob("*.py")) for line in unescaped(path)]

    assert found == []


def unescaped(path: Path) -> Iterator[int]:
    """The lines where a name, a reason or an error goes straight into what is read as Markdown."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READ_AS_MARKDOWN:
            texts = [*node.args[:1], *(k.value for k in node.keywords if k.arg in ("label", "help", "text"))]
            yield from (part.lineno for text in texts for part in parts(text) if is_suspect(part))


def parts(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions within one that plain() does not stand around."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "plain":
        return
    if isinstance(node, ast.expr):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from parts(child)


def is_suspect(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "str"
    if isinstance(node, ast.Attribute):
        return node.attr in ("name", "reason", "error")
    return isinstance(node, ast.Name) and node.id in ("name", "names", "reason", "error", "refused")


@pytest.fixture
def page(app: AppTest) -> AppTest:
    """The page of a store with a run of such a name and reason, and its list of runs opened."""
    run = create_run(TINY, "www.example.com")
    save_checkpoint(run.checkpoint_path, VGG(TINY.model), TINY, {})
    run.update_status(state="failed", reason=EVIL)
    app.session_state["runs_list"] = True
    return app


def markdown_texts(app: AppTest) -> list[str]:
    """Every text of the page that a browser reads as Markdown: bodies, labels and help."""
    found = []
    for element in app.main:
        proto = getattr(element, "proto", None)
        if isinstance(proto, Message):
            found += [str(getattr(proto, name, "")) for name in ("body", "label", "help")]
    return found


def assert_nothing_is_made_of_names(app: AppTest) -> None:
    assert not app.exception
    for text in markdown_texts(app):
        assert not MADE.search(text), text


def test_page_of_a_run_with_an_evil_name_and_reason_makes_nothing_of_them(page: AppTest) -> None:
    page.query_params["run"] = "www.example.com"
    page.session_state["steer_error"] = EVIL
    page.session_state["list_error"] = EVIL
    page.session_state["train_error"] = EVIL

    page.run()

    assert_nothing_is_made_of_names(page)
    assert any("evil.example" in text for text in markdown_texts(page))  # it is said, as plain text


@pytest.mark.parametrize("tab", ["Evaluate", "Draw"])
def test_tab_with_an_evil_name_and_error_makes_nothing_of_them(page: AppTest, tab: str) -> None:
    page.query_params["tab"] = tab
    page.session_state[f"{tab.lower()}_checkpoint"] = "www.example.com"
    page.session_state["draw_image_error"] = EVIL

    page.run()

    assert_nothing_is_made_of_names(page)
