"""The board's own page."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.collection.hands import fill
from tests.ui.test_app import click, enter_teacher_code, labels, texts
from vgg_demo.collection.store import open_collection
from vgg_demo.runs.class_settings import ClassSettings, Lead, change_class_settings, read_class_settings
from vgg_demo.ui.board import join

ROOM = {"lo": ["127.0.0.1"], "eth0": ["192.168.1.20"], "wlan0": ["10.0.0.3"]}


@pytest.fixture
def board(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The board of a server that the room reaches under two addresses."""
    monkeypatch.setattr(join, "own_interfaces", lambda: ROOM)
    options = {"server.address": "0.0.0.0", "server.port": 8501}
    monkeypatch.setattr(join, "option", options.get)
    app.query_params["view"] = "board"
    return app


def page_html(app: AppTest) -> str:
    return "\n".join(str(part.proto.body) for part in app.get("html"))


def test_board_offers_the_addresses_of_the_room_the_first_as_a_code(board: AppTest) -> None:
    board.run()

    assert not board.exception
    assert board.selectbox(key="board_address").options == ["192.168.1.20:8501", "10.0.0.3:8501"]
    assert 'alt="QR code that opens http://192.168.1.20:8501/"' in page_html(board)
    assert not board.tabs

    board.selectbox(key="board_address").set_value("http://10.0.0.3:8501/").run()
    assert 'alt="QR code that opens http://10.0.0.3:8501/"' in page_html(board)


def test_board_of_a_server_for_this_computer_alone_says_how_to_start_it(
    board: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join, "option", {"server.address": "127.0.0.1", "server.port": 8501}.get)

    board.run()

    assert "Only this computer can open the page yet." in texts(board)
    assert "--server.address 0.0.0.0" in board.code[0].value
    assert "<img" not in page_html(board)


def test_board_with_settings_in_its_address_has_them_and_what_is_hidden_in_its_code(board: AppTest) -> None:
    board.query_params.update(preset="lesson", epochs="5", hide="settings")

    board.run()

    link = "http://192.168.1.20:8501/?preset=lesson&amp;epochs=5&amp;hide=settings"
    assert f'alt="QR code that opens {link}"' in page_html(board)
    change_class_settings(hidden=("settings",))
    board.run()
    assert "?preset=lesson&amp;hide=settings" in page_html(board)


def test_board_with_settings_that_make_no_sense_says_so_and_leaves_them_out(board: AppTest) -> None:
    board.query_params.update(preset="unheard-of")

    board.run()

    assert "The address asks for settings that make no sense" in board.toast[0].value
    assert 'alt="QR code that opens http://192.168.1.20:8501/"' in page_html(board)


def test_view_that_there_is_not_opens_the_page_with_a_sentence(app: AppTest) -> None:
    app.query_params["view"] = "<b>"

    app.run()

    assert [toast.value for toast in app.toast] == [
        "The address asks for a view that there is not; this is the page itself."
    ]
    assert len(app.tabs) == 3


def test_board_without_a_code_lets_everybody_lead(board: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VGG_DEMO_TEACHER_CODE", raising=False)
    board.run()
    assert "No teacher's code is set" in texts(board)

    board.toggle(key="queue_paused").set_value(True).run()
    board.toggle(key="leading").set_value(True).run()
    board.get("button_group")[0].set_value("Draw").run()
    board.multiselect(key="class_hidden").set_value(["settings", "lesson"]).run()
    board.selectbox(key="class_preset").set_value("lesson").run()

    settings = read_class_settings()
    assert settings.lead is not None
    assert (settings.lead.tab, settings.lead.name) == ("Draw", "")
    assert (settings.queue_paused, settings.hidden, settings.preset) == (True, ("settings", "lesson"), "lesson")
    board.toggle(key="leading").set_value(False).run()
    assert read_class_settings().lead is None


def test_board_with_a_code_is_free_to_see_and_led_by_the_teacher_alone(
    board: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VGG_DEMO_TEACHER_CODE", "Kreide-7")
    board.run()
    assert not board.toggle
    assert "No teacher's code is set" not in texts(board)
    assert "<img" in page_html(board)

    enter_teacher_code(board, "Kreide-7")
    board.toggle(key="queue_paused").set_value(True).run()
    assert read_class_settings().queue_paused
    click(board, "Leave the teacher's role")

    assert not board.toggle
    assert "Leave the teacher's role" not in labels(board)


def test_board_refuses_a_change_once_the_role_was_left_on_another_page(
    board: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VGG_DEMO_TEACHER_CODE", raising=False)
    board.run()
    monkeypatch.setenv("VGG_DEMO_TEACHER_CODE", "Kreide-7")

    board.toggle(key="queue_paused").set_value(True).run()

    assert "Only the teacher leads the class" in texts(board)
    assert read_class_settings() == ClassSettings()


def test_board_refuses_to_hide_every_tab(board: AppTest) -> None:
    board.run()

    board.multiselect(key="class_hidden").set_value(["train", "evaluate", "draw"]).run()

    assert "at least one stays" in texts(board)
    assert board.multiselect(key="class_hidden").value == []


def test_board_shows_what_another_board_has_changed(board: AppTest) -> None:
    board.run()

    change_class_settings(queue_paused=True, hidden=("draw",), lead=Lead("1", "another", "Evaluate", "best"))
    board.run()

    assert board.toggle(key="queue_paused").value
    assert not board.toggle(key="leading").value  # somebody else leads
    assert board.multiselect(key="class_hidden").value == ["draw"]
    assert board.session_state["lead_tab"] == "Evaluate"


def test_board_shows_the_drawings_of_the_open_collection_as_soon_as_there_is_one(board: AppTest) -> None:
    board.run()
    assert not board.header

    fill(closed := open_collection("last year"), hands=1)
    closed.set_open(False)
    fill(open_collection("3b *a*"), hands=2)
    board.run()

    assert [title.value for title in board.header] == [r"3b \*a\*"]
    assert "Drawings: **20** · hands: **2**" in texts(board)
