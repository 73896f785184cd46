"""The code that the page shows is the code in the files."""

from __future__ import annotations

import textwrap

import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers import PROJECT
from vgg_demo.ui.shared.source_code import DRAW, EVALUATE, TRAIN, Part, source_of


@pytest.mark.parametrize("part", dict.fromkeys((*TRAIN, *EVALUATE, *DRAW)), ids=lambda part: part.name)
def test_code_shown_stands_in_the_file_at_that_line(part: Part) -> None:
    path, line, code = source_of(part)

    shown = code.splitlines()
    written = (PROJECT / path).read_text("utf-8").splitlines()[line - 1 : line - 1 + len(shown)]
    assert shown == textwrap.dedent("\n".join(written)).splitlines()
    assert any(part.name.split(".")[-1] in text for text in shown[:3])


def test_train_tab_shows_the_loop_and_the_script_of_the_chosen_settings(app: AppTest) -> None:
    app.session_state["train_code"] = True
    app.run()

    shown = [code.value for code in app.code]

    assert any("def run(self)" in code and "self.optimizer.step()" in code for code in shown)
    assert "BATCH_SIZE = 96" in shown[-1]  # classroom's
    compile(shown[-1], "script", "exec")
