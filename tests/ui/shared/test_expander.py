"""What was opened stays open: every expander of the page is made in one place, which takes care of it."""

from __future__ import annotations

import ast

import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers import PROJECT

UI = PROJECT / "vgg_demo" / "ui"


def page_with_an_expander() -> None:
    import streamlit as st

    from vgg_demo.ui.shared import expander

    if st.session_state.get("tab") != "another":
        with expander.kept(st.session_state.get("title", "One"), ":material/list:", "box") as is_open:
            st.write(f"open: {is_open}")


@pytest.fixture
def opened() -> AppTest:
    app = AppTest.from_function(page_with_an_expander)
    app.run()
    assert app.markdown[0].value == "open: False"
    app.session_state["box"] = True
    return app.run()


def test_expander_is_open_after_a_look_at_another_tab(opened: AppTest) -> None:
    for tab in ("another", "first"):
        opened.session_state["tab"] = tab
        opened.run()

    assert opened.expander[0].proto.expanded
    assert opened.markdown[0].value == "open: True"


def test_expander_is_open_and_shut_as_before_under_another_title(opened: AppTest) -> None:
    for title, is_open in (("Two", True), ("Three", False)):
        opened.session_state["box"] = is_open
        opened.run()
        opened.session_state["title"] = title
        opened.run()
        opened.run()

        assert opened.expander[0].label == title
        assert opened.markdown[0].value == f"open: {is_open}"


def test_expanders_are_made_in_one_place() -> None:
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted(UI.rglob("*.py"))
        if path.name != "expander.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "expander" and ast.unparse(node.value) == "st"
    ]

    assert found == []
