"""A network of the story that learns all the same: seen in its losses, and said on the page as what it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.test_app import texts
from tests.ui.train.test_diagnosis_view import FADING, ONE, SPREAD, recorded
from vgg_demo.diagnosis.verdict import escape_step
from vgg_demo.presets import STORY_ESCAPES, get_preset
from vgg_demo.ui.train import story_view

# 300 steps of blog-mini on one thread, with seeds 4, 6 and 1: the second falls below 2.29 for a while and comes back
CURVES: dict[str, list[float]] = json.loads((Path(__file__).parent / "story_curves.json").read_text("utf-8"))
BLOG_MINI = get_preset("blog-mini").config


def test_escape_of_a_real_curve_is_found_where_it_begins_to_fall() -> None:
    step = escape_step(CURVES["escapes"])

    assert step is not None
    assert 100 < step < 140  # by eye: 2.30 up to step 100, 2.24 around 120, 2.0 at 160


@pytest.mark.parametrize("name", ["dips", "stays"])
def test_escape_of_a_real_curve_that_ends_where_it_began_is_none(name: str) -> None:
    assert escape_step(CURVES[name]) is None


@pytest.mark.parametrize(
    ("losses", "step"),
    [
        ([], None),
        ([1.0] * 19, None),  # too few to say
        ([1.0] * 20, 20),
        ([2.302] * 100, None),
        ([2.302] * 100 + [2.0] * 100, 104),  # 4 of the last 20: their mean is 2.2416, below 2.251
        ([2.302] * 100 + [2.0] * 100 + [2.302] * 100, None),  # and fell back
        ([2.302] * 100 + [float("nan")] * 100, None),
    ],
)
def test_escape_step_is_the_first_whose_last_twenty_losses_are_well_below_the_class_frequencies(
    losses: list[float], step: int | None
) -> None:
    assert escape_step(losses) == step


@pytest.mark.parametrize(
    ("escapes", "said"),
    [((0, 100), "rare: of 100 that were tried"), ((3, 120), "about one in 40 does")],
)
def test_view_of_a_run_that_escaped_says_at_which_step_and_how_often(
    app: AppTest, home: Path, monkeypatch: pytest.MonkeyPatch, escapes: tuple[int, int], said: str
) -> None:
    monkeypatch.setattr(story_view, "STORY_ESCAPES", escapes)
    recorded(BLOG_MINI.with_changes(steps=300), FADING, SPREAD, CURVES["escapes"])

    app.run()

    assert f"found its way out at step {escape_step(CURVES['escapes'])}" in texts(app)
    assert said in texts(app)


@pytest.mark.parametrize("changes", [{"init": "he"}, {"width": 0.5}])
def test_view_of_another_network_that_learns_speaks_of_no_escape(
    app: AppTest, home: Path, changes: dict[str, object]
) -> None:
    recorded(BLOG_MINI.with_changes(steps=300, **changes), FADING, SPREAD, CURVES["escapes"])

    app.run()

    assert "found its way out" not in texts(app)


def test_lesson_with_a_run_that_escaped_says_so_and_goes_on(app: AppTest, home: Path) -> None:
    run = recorded(BLOG_MINI.with_changes(steps=300), FADING, SPREAD, CURVES["escapes"])
    app.query_params["lesson"] = f"1~{run.name}~"
    app.run()

    app.radio(key="lesson-guess-1").set_value(1).run()

    assert not app.exception
    assert "found its way out at step" in texts(app)
    assert "As you said" not in texts(app)
    assert "Not so" not in texts(app)
    app.button(key="lesson_next").click().run()
    app.radio(key="lesson-guess-2").set_value(0).run()
    assert not app.exception
    assert "Not so" in texts(app)
    assert app.button(key="lesson_next")


def test_lesson_with_a_run_that_stays_judges_the_guess(app: AppTest, home: Path) -> None:
    run = recorded(BLOG_MINI.with_changes(steps=300), FADING, ONE, CURVES["stays"])
    app.query_params["lesson"] = f"1~{run.name}~"
    app.run()

    app.radio(key="lesson-guess-1").set_value(1).run()

    assert "As you said" in texts(app)
    assert "found its way out" not in texts(app)


def test_escapes_measured_are_two_counts() -> None:
    escaped, tried = STORY_ESCAPES

    assert 0 <= escaped < tried
