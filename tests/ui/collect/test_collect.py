"""Collecting on the Draw tab, without a browser: who sees what, and what a page that is out of date may still do."""

from __future__ import annotations

import random
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.collection.hands import drawing, fill, list_collections, sketch
from vgg_demo.collection import store
from vgg_demo.collection.contents import Contents
from vgg_demo.collection.store import Collection, open_collection
from vgg_demo.ui.collect import students
from vgg_demo.ui.collect.wall import hand_name
from vgg_demo.ui.shared import identity

SECRET = "s" * 32


@pytest.fixture
def app(app: AppTest) -> AppTest:
    app.query_params["tab"] = "Draw"
    app.session_state["browser"] = SECRET
    return app


def texts(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.info, *app.error, *app.success, *app.warning]
    return "\n".join(str(part.value) for part in parts)


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def own_hand(collection: Collection, monkeypatch: pytest.MonkeyPatch, turn: int = 0) -> int:
    """The number of the page's browser, as the page has it."""
    state: dict[str, Any] = {"browser": SECRET}
    with monkeypatch.context() as patch:
        patch.setattr(identity.st, "session_state", state)
        return identity.number(f"{collection.id} {turn}")


def test_student_is_asked_only_while_a_collection_is_open(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VGG_DEMO_TEACHER_CODE", "abc")
    app.run()
    assert "Draw for the class" not in labels(app)
    first, second = open_collection("3b *a*"), open_collection("the others")

    app.run()

    assert labels(app).count("Draw for the class") == 2
    assert r"3b \*a\*" in texts(app)
    assert "Collect digits from the class" not in [box.label for box in app.expander]  # the teacher alone has it
    first.set_open(False)
    second.delete()
    assert "Draw for the class" not in labels(app.run())


def test_drawing_sent_while_the_whole_page_runs_is_kept_and_the_next_is_asked_for(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = open_collection("3b")
    app.query_params["collect"] = collection.id
    chance = random.Random(0)
    monkeypatch.setattr(students.canvas, "stroke_pad", lambda _key: sketch(7, chance))
    app.run()

    press(app, "Send")  # AppTest always runs the whole page

    assert not app.exception
    assert len(collection.contents().drawings) == 1
    assert "Send" in labels(app)
    assert "sent_drawing" not in app.session_state


@pytest.mark.parametrize("reads", [1, 2, 3])
def test_collection_deleted_while_the_page_reads_it_takes_nothing_from_the_page(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, reads: int
) -> None:
    read, left = Collection.contents, reads
    app.session_state["collections"] = True

    def contents(collection: Collection) -> Contents:
        nonlocal left
        found, left = read(collection), left - 1
        if left == 0:
            collection.delete()
        return found

    open_collection("3b")
    monkeypatch.setattr(Collection, "contents", contents)

    app.run()

    assert not app.exception
    assert not app.error


def test_student_who_has_drawn_all_is_thanked_and_hands_the_device_on(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = open_collection("3b")
    hand = own_hand(collection, monkeypatch)
    for digit in range(10):
        for _time in range(2):
            collection.add(drawing(digit, hand))
    app.query_params["collect"] = collection.id

    app.run()

    assert "Thank you: all your 20 digits are in the collection." in texts(app)
    assert f"In it you are {hand_name(hand)}." in texts(app)
    assert "Send" not in labels(app)
    press(app, "Somebody else draws on this device")
    assert "Send" in labels(app)
    collection.set_open(False)
    app.run()
    assert "is closed. It has 0 drawings of yours." in texts(app)
    press(app, "Back to the Draw tab")
    assert "collect" not in app.query_params


def test_address_of_a_collection_that_is_not_there_is_the_plain_draw_tab(app: AppTest) -> None:
    for name in ("nosuch", "../../etc", "x" * 1_000):
        app.query_params["collect"] = name

        app.run()

        assert not app.exception
        assert "Send" not in labels(app)
        assert "collect" not in app.query_params
        assert [toast.value for toast in app.toast] == ["there is no such collection; its teacher may have deleted it"]


def test_second_click_on_delete_does_not_reach_the_next_collection(app: AppTest) -> None:
    first, second = open_collection("3a"), open_collection("3b")
    app.session_state["collections"] = True
    app.run()
    (button,) = (button for button in app.button if button.label == "Yes, delete all")

    button.click().run()

    assert list_collections() in ([first], [second])
    (other,) = (button for button in app.button if button.label == "Yes, delete all")
    assert other.key != button.key  # so that the browser makes another one, in a popover that is closed


def test_teacher_opens_closes_and_deletes_a_collection(app: AppTest) -> None:
    app.session_state["collections"] = True
    app.run()
    press(app, "Open a collection")
    (collection,) = list_collections()
    assert "Nothing has been drawn yet" in texts(app)
    fill(collection, hands=1)

    press(app, "Close it")

    assert not collection.contents().is_open
    assert "Drawings: **10** · hands: **1**" in texts(app)
    press(app, "Yes, delete all")
    assert list_collections() == []
    assert not app.exception


def test_teacher_leaves_out_all_of_one_hand_and_takes_it_in_again(app: AppTest) -> None:
    collection = open_collection("3b")
    app.session_state["collections"] = True
    app.run()
    assert "Choose a drawing to leave it out" not in texts(app)
    fill(collection, hands=2)
    app.run()
    assert "Choose a drawing to leave it out" in texts(app)
    assert next(button for button in app.button if button.label == "Leave out all of this hand").disabled

    app.selectbox(key=f"wall-hand-{collection.id}").set_value(1001).run()
    press(app, "Leave out all of this hand")

    assert {drawing.hand for drawing in collection.contents().used} == {1002}
    assert "left out: **10**" in texts(app)
    press(app, "Take in all of this hand")
    assert len(collection.contents().used) == 20
    assert not app.exception


@pytest.mark.parametrize("label", ["Yes, delete all", "Leave out all of this hand"])
def test_page_of_somebody_who_is_no_teacher_any_more_changes_nothing(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, label: str
) -> None:
    collection = open_collection("3b")
    fill(collection, hands=1)
    app.session_state["collections"] = True
    app.run()
    app.selectbox(key=f"wall-hand-{collection.id}").set_value(1001).run()
    monkeypatch.setenv("VGG_DEMO_TEACHER_CODE", "abc")

    press(app, label)

    assert list_collections() == [collection]
    assert len(collection.contents().used) == 10


def test_limit_of_collections_is_said_on_the_page(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_COLLECTIONS", 1)
    open_collection("3b")
    app.session_state["collections"] = True
    app.run()

    press(app, "Open a collection")

    assert "there are 1 collections; delete one" in texts(app)
