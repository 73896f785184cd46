"""A student's side of a collection, on the Draw tab: draw the digit that is asked for and send it, until all are there.

The network's answer is not shown: it would teach the class to draw as the network likes it.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

import streamlit as st

from vgg_demo.collection.contents import Contents
from vgg_demo.collection.drawing import make_drawing
from vgg_demo.collection.store import MOST_OF_A_HAND, Collection, get_collection, next_digit, read_collections
from vgg_demo.errors import CollectionError, VggDemoError
from vgg_demo.text import _, plain
from vgg_demo.ui.collect.wall import hand_name
from vgg_demo.ui.draw import canvas
from vgg_demo.ui.shared import identity

ADDRESS = "collect"  # the parameter that names the collection this browser draws for
STYLE = """<style>
.st-key-sketch { --canvas-ratio: 1; }
.st-key-class_send { max-width: 280px; }
@media (max-width: 640px) { div.st-key-class_send { max-width: none; } }
</style>"""
PRESSED, WAITED = "pressed", "waited"  # what has become of Send
STROKE_SECONDS = 0.3  # the canvas says 0.2 s after a stroke what is on it


@dataclass(frozen=True)
class Task:
    """What is asked for now. id: of the drawing that is going to answer it."""

    hand: int
    digit: int
    id: str


def chosen() -> Collection | None:
    """The collection that the address asks to draw for; None, with a sentence, where it names none that is there."""
    name = st.query_params.get(ADDRESS)
    try:
        return get_collection(name) if name else None
    except CollectionError as error:
        del st.query_params[ADDRESS]
        st.toast(plain(error), icon=":material/info:")
        return None


def offer() -> None:
    """Ask for help with each collection that is open."""
    for collection, contents in read_collections():
        if contents.is_open:
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"offer-{collection.id}"):
                text = _("Your class collects digits: **{title}**.")
                st.markdown(text.format(title=plain(contents.title)), width="content")
                st.button(_("Draw for the class"), icon=":material/groups:", key=f"draw-for-{collection.id}",
                          on_click=_enter, args=(collection,))  # fmt: skip


def show(collection: Collection) -> None:
    """The digit that is asked for with the canvas; or that all are drawn, or the collection is closed."""
    contents = collection.contents()
    hand = current_hand(collection, contents)
    done = len(contents.of_hand(hand))
    digit = next_digit(contents, hand)
    if not contents.is_open:
        text = _("The collection **{title}** is closed. It has {done} drawings of yours.")
        st.info(text.format(title=plain(contents.title), done=done), icon=":material/lock:")
    elif digit is None:
        text = _("Thank you: all your {done} digits are in the collection.")
        st.success(text.format(done=done), icon=":material/check_circle:")
        st.caption(_("In it you are {hand}.").format(hand=hand_name(hand)))
        st.button(_("Somebody else draws on this device"), icon=":material/person_add:", key="next_person",
                  on_click=_pass_on, args=(collection,))  # fmt: skip
    else:
        _ask(collection, _task(collection, hand, digit), done)
    st.button(_("Back to the Draw tab"), icon=":material/arrow_back:", key="leave_class", on_click=_leave)


def current_hand(collection: Collection, contents: Contents) -> int:
    """The number of the person who draws in this browser. The same after a reload; another in each collection.

    Of several people on one device, the last who has drawn.
    """
    key = f"class-turn-{collection.id}"
    if key not in st.session_state:
        turn, hands = 0, set(contents.hands)
        while identity.number(f"{collection.id} {turn + 1}") in hands:
            turn += 1
        st.session_state[key] = turn
    return identity.number(f"{collection.id} {st.session_state[key]}")


def _ask(collection: Collection, task: Task, done: int) -> None:
    st.html(STYLE)
    st.header(_("Draw a **{digit}**").format(digit=task.digit), anchor=False)
    with st.container(key="sketch"):
        sketch = canvas.stroke_pad(f"class-{task.id}")
    with st.container(key="class_send", gap="small"):
        st.button(_("Send"), type="primary", icon=":material/send:", key="send_drawing", width="stretch",
                  on_click=_press_send, args=(task,))  # fmt: skip
        if st.session_state.get("sent_drawing") == (task.id, PRESSED):
            time.sleep(STROKE_SECONDS)
            st.session_state["sent_drawing"] = task.id, WAITED
            st.rerun()  # with all strokes; of the whole page, as this may be a run of the whole page
        if st.session_state.get("sent_drawing") == (task.id, WAITED):
            del st.session_state["sent_drawing"]
            _send(collection, task, sketch)
        text = _("{done} of {all} kept · you are {hand}")
        st.progress(done / MOST_OF_A_HAND, text.format(done=done, all=MOST_OF_A_HAND, hand=hand_name(task.hand)))
    st.caption(_("Draw it as you always do. Your strokes are kept under this number, and no name."))


def _press_send(task: Task) -> None:
    """Remember the press: a run that a stroke interrupts is run again, but its button counts as not pressed then."""
    st.session_state["sent_drawing"] = task.id, PRESSED


def _send(collection: Collection, task: Task, sketch: dict[str, Any] | None) -> None:
    """Keep the drawing and ask for the next; one that cannot be kept stays on the canvas."""
    try:
        collection.add(make_drawing(task.id, task.digit, task.hand, time.time(), sketch))
    except VggDemoError as error:
        words = _("It was not kept: {reason}").format(reason=plain(error))
        st.error(words)
        st.toast(words, icon=":material/error:")  # on a small phone the other is below the screen
        return
    del st.session_state[_task_key(collection)]
    st.rerun()


def _task(collection: Collection, hand: int, digit: int) -> Task:
    """What this page asks for until it was sent. hand, digit: whom to ask for what when there is nothing yet."""
    key = _task_key(collection)
    task: Task | None = st.session_state.get(key)
    if task is None or task.hand != hand:
        task = st.session_state[key] = Task(hand, digit, secrets.token_hex(8))
    return task


def _task_key(collection: Collection) -> str:
    return f"class-task-{collection.id}"


def _enter(collection: Collection) -> None:
    st.query_params[ADDRESS] = collection.id


def _leave() -> None:
    st.query_params.pop(ADDRESS, None)


def _pass_on(collection: Collection) -> None:
    st.session_state[f"class-turn-{collection.id}"] += 1
