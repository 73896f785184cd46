"""When a student's page goes where the teacher goes, and when it is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers import PAGE
from tests.ui.test_app import click, labels, over, texts
from vgg_demo.runs.class_settings import ClassSettings, Lead, change_class_settings, move_lead, read_class_settings
from vgg_demo.ui.board import follow
from vgg_demo.ui.board.follow import Place, next_step

TRAIN, EVALUATE, DRAW = Place("Train"), Place("Evaluate"), Place("Draw")
ONE, TWO = Place("Train", "one"), Place("Train", "two")


@pytest.mark.parametrize(
    ("target", "here", "followed", "is_drawing", "expected"),
    [
        (EVALUATE, TRAIN, None, False, "go"),  # it has just been turned on
        (EVALUATE, DRAW, None, True, "ask"),
        (TRAIN, TRAIN, None, False, "stay"),
        (EVALUATE, EVALUATE, EVALUATE, False, "stay"),
        (EVALUATE, TRAIN, TRAIN, False, "go"),  # the teacher went on
        (EVALUATE, DRAW, DRAW, True, "ask"),
        (EVALUATE, TRAIN, EVALUATE, False, "leave"),  # the tab was chosen by hand
        (EVALUATE, DRAW, TRAIN, True, "leave"),
        (ONE, TWO, ONE, False, "leave"),  # another run was chosen, or started
        (TWO, ONE, ONE, False, "go"),
        (ONE, TRAIN, ONE, False, "stay"),  # the run is gone: nobody has chosen that
    ],
)
def test_next_step_follows_until_somebody_chooses_and_asks_who_draws(
    target: Place, here: Place, followed: Place | None, is_drawing: bool, expected: str
) -> None:
    assert next_step(target, here, followed, is_drawing) == expected


def lead_to(place: Place, lead_id: str = "first", leader: str = "the teacher") -> None:
    change_class_settings(lead=Lead(lead_id, leader, place.tab, place.name))


def here(app: AppTest) -> tuple[str, str]:
    run = app.query_params.get("run", "")
    return app.session_state["tab"], run if isinstance(run, str) else run[-1]


def test_page_goes_with_the_teacher_and_is_left_alone_once_its_tab_was_chosen(app: AppTest) -> None:
    over("one")
    over("two")
    app.run()
    lead_to(ONE)
    app.run()
    assert here(app) == ("Train", "one")
    assert "This page follows your teacher." in texts(app)
    lead_to(Place("Evaluate", "best"))
    app.run()
    assert app.session_state["tab"] == "Evaluate"

    app.session_state["tab"] = "Draw"
    lead_to(TWO)
    app.run()

    assert app.session_state["tab"] == "Draw"
    assert "this page does not follow" in texts(app)
    click(app, "Follow again")
    assert here(app) == ("Train", "two")
    assert "This page follows your teacher." in texts(app)


def test_page_that_was_left_alone_follows_once_the_teacher_turns_it_on_again(app: AppTest) -> None:
    app.run()
    lead_to(EVALUATE)
    app.run()
    app.session_state["tab"] = "Train"
    app.run()
    assert "Follow again" in labels(app)

    lead_to(EVALUATE, "second")
    app.run()

    assert app.session_state["tab"] == "Evaluate"


def test_page_left_by_hand_is_left_alone_after_a_reload(app: AppTest) -> None:
    app.run()
    lead_to(EVALUATE)
    app.run()
    app.session_state["tab"] = "Train"
    app.run()

    again = AppTest.from_file(PAGE, default_timeout=60)
    again.session_state["browser"] = app.session_state["browser"]
    again.run()

    assert "Follow again" in labels(again)


def test_page_with_strokes_is_asked_and_goes_or_stays_as_its_student_says(app: AppTest) -> None:
    app.query_params["tab"] = "Draw"
    app.run()
    app.session_state["strokes"] = 2
    lead_to(EVALUATE)

    app.run()

    assert app.session_state["tab"] == "Draw"
    assert "Your teacher shows **Evaluate**. Your drawing stays here." in texts(app)
    click(app, "Stay here")
    assert app.session_state["tab"] == "Draw"
    lead_to(TRAIN, "second")
    app.session_state["strokes"] = 2
    app.run()
    click(app, "Go there")
    assert app.session_state["tab"] == "Train"


def test_page_of_the_one_who_leads_tells_where_it_is_and_goes_nowhere(app: AppTest) -> None:
    over("one")
    app.run()
    me = follow.identity.hashlib.sha256(app.session_state["browser"].encode()).hexdigest()[:32]
    change_class_settings(lead=Lead("first", me))

    app.run()
    assert read_class_settings().lead == Lead("first", me, "Train", "one")
    app.session_state["tab"] = "Draw"
    app.run()

    assert read_class_settings().lead == Lead("first", me, "Draw", "best")
    assert "Students follow this page." in texts(app)


def test_page_stays_while_the_teachers_tab_is_hidden_and_follows_from_there(app: AppTest) -> None:
    app.run()
    lead_to(EVALUATE)
    app.run()

    change_class_settings(hidden=("evaluate",))
    app.run()
    assert app.session_state["tab"] == "Train"
    assert "Your teacher shows a tab that is hidden on this page." in texts(app)
    app.run()
    assert "Follow again" not in labels(app)

    lead_to(DRAW)
    app.run()
    assert app.session_state["tab"] == "Draw"
    assert "This page follows your teacher." in texts(app)


def test_page_that_follows_again_stays_where_it_is_while_the_teachers_tab_is_hidden(app: AppTest) -> None:
    app.run()
    lead_to(TRAIN)
    app.run()
    app.session_state["tab"] = "Draw"
    change_class_settings(hidden=("evaluate",))
    app.run()
    lead_to(EVALUATE)
    app.run()

    click(app, "Follow again")

    assert app.session_state["tab"] == "Draw"
    lead_to(TRAIN)
    app.run()
    assert app.session_state["tab"] == "Train"


@pytest.mark.parametrize("lead", [None, Lead("second", "another")])
def test_lead_that_is_over_is_not_moved(home: Path, lead: Lead | None) -> None:
    change_class_settings(lead=lead)

    move_lead(Lead("first", "the teacher", "Draw"))

    assert read_class_settings().lead == lead


def test_page_alone_says_nothing_of_a_teacher(app: AppTest) -> None:
    app.run()

    assert "teacher" not in texts(app)
    assert read_class_settings() == ClassSettings()
