""" "Follow me": students' pages go to the tab and the run that the teacher shows, until they choose otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import streamlit as st

from vgg_demo.runs.class_settings import Lead, move_lead, read_class_settings
from vgg_demo.text import DRAW, EVALUATE, TRAIN, _, plain
from vgg_demo.ui.draw import canvas
from vgg_demo.ui.shared import identity, locks, tabs
from vgg_demo.ui.shared.kept_errors import keep_error

Step = Literal["stay", "go", "ask", "leave"]


@dataclass(frozen=True)
class Place:
    """A tab, and the run or network that is shown there; "" for none in particular."""

    tab: str
    name: str = ""

    def is_at(self, other: Place) -> bool:
        """Whether somebody at the other place sees the same."""
        return self.tab == other.tab and (self.name == other.name or "" in (self.name, other.name))


def next_step(target: Place, here: Place, followed: Place | None, is_drawing: bool) -> Step:
    """What a page does about the place that the teacher shows.

    followed: where it went with the teacher last, None before that. A page that is elsewhere now was taken there by
    hand, and is left alone. is_drawing: a drawing is on its screen, from which nobody is taken away without a question.
    """
    if followed is not None and not followed.is_at(here):
        return "leave"
    if target in (followed, here):
        return "stay"
    return "ask" if is_drawing else "go"


def follow() -> None:
    """Before the tabs are drawn: take this page where the teacher is, unless it has left or somebody draws on it.

    It comes after locks.leave_hidden_tab. While the teacher's tab is hidden on this page, the page stays where it is
    and follows from there later, whatever its student chooses until then.
    """
    lead = read_class_settings().lead
    st.session_state["asked_to_follow"] = False
    if lead is None or leads(lead) or not lead.tab or has_left(lead):
        return
    target, here, followed = place_of(lead), here_now(), _followed(lead)
    if _is_hidden(target):
        target = followed = here
    is_drawing = here.tab == DRAW and canvas.has_strokes()
    match next_step(target, here, followed, is_drawing):
        case "leave":
            leave(lead)
        case "ask":
            st.session_state["asked_to_follow"] = True
            st.session_state["followed"] = lead.id, followed or here
        case "go":
            go(lead)
        case "stay":
            st.session_state["followed"] = lead.id, target


def show() -> None:
    """In a line or two: that this page follows, or the way back to it."""
    lead = read_class_settings().lead
    if lead is None or not (lead.tab or leads(lead)):
        return

    def say(text: str) -> None:
        st.caption(text, width="content")

    with st.container(key="follow", horizontal=True, vertical_alignment="center", gap="small"):
        if leads(lead):
            say(_("Students follow this page. The board ends it."))
        elif st.session_state.get("asked_to_follow"):
            text = _("Your teacher shows **{place}**. Your drawing stays here.")
            st.markdown(text.format(place=in_words(place_of(lead))), width="content")
            st.button(_("Go there"), type="primary", key="follow_go", on_click=go, args=(lead,))
            st.button(_("Stay here"), key="follow_stay", on_click=leave, args=(lead,))
        elif has_left(lead):
            say(_("Your teacher leads the class; this page does not follow."))  # it gets no message at each place
            st.button(_("Follow again"), type="tertiary", key="follow_again", on_click=go, args=(lead,))
        elif _is_hidden(place_of(lead)):
            say(_("Your teacher shows a tab that is hidden on this page."))
        else:
            say(_("This page follows your teacher."))


def report() -> None:
    """After the page is drawn: let students know where this page is, if it is the one that they follow."""
    lead = read_class_settings().lead
    if lead is None or not leads(lead):
        return
    place = here_now(shown=True)
    if st.session_state.get("reported") == (lead.id, place):
        return
    st.session_state["reported"] = lead.id, place
    if place != place_of(lead):
        with keep_error("teacher_refused"):
            move_lead(replace(lead, tab=place.tab, name=place.name))


def in_words(place: Place) -> str:
    """A place as the page names it."""
    tab = tabs.titles()[place.tab]
    return f"{tab} · {plain(place.name)}" if place.name else tab


def place_of(lead: Lead) -> Place:
    """Where the teacher is."""
    return Place(lead.tab, lead.name)


def here_now(shown: bool = False) -> Place:
    """Where this page is: what its address and its boxes say; or, shown, what it has drawn for that."""
    tab = st.session_state.get("tab", TRAIN)
    if tab == TRAIN:
        name = st.session_state.get("shown_run", "") if shown else st.query_params.get("run", "")
    else:
        name = st.session_state.get(_box(tab), "")
    return Place(tab, name)


def leads(lead: Lead) -> bool:
    """Whether this browser is the one that the class follows."""
    return lead.leader == identity.owner() and identity.may_teach()


def follows(lead: Lead | None) -> bool:
    """Whether this page goes where the teacher goes."""
    return lead is not None and not leads(lead) and not has_left(lead)


def go(lead: Lead) -> None:
    """Take this page where the teacher is, and follow from there."""
    place = place_of(lead)
    st.session_state["tab"] = place.tab
    if place.tab != TRAIN and place.name:
        st.session_state[_box(place.tab)] = place.name
    elif place.name:
        st.query_params["run"] = place.name
    elif place.tab == TRAIN:
        st.query_params.pop("run", None)
    st.session_state["followed"] = lead.id, place
    _left().discard((lead.id, identity.owner()))


def leave(lead: Lead) -> None:
    """Leave this browser alone until it follows again, or following is turned on again."""
    left = _left()
    left -= {entry for entry in tuple(left) if entry[0] != lead.id}
    left.add((lead.id, identity.owner()))


def has_left(lead: Lead) -> bool:
    """Whether somebody in this browser has chosen otherwise."""
    return (lead.id, identity.owner()) in _left()


def _is_hidden(place: Place) -> bool:
    return place.tab.lower() in locks.hidden()


def _followed(lead: Lead) -> Place | None:
    lead_id, place = st.session_state.get("followed", ("", None))
    return place if lead_id == lead.id else None


def _box(tab: str) -> str:
    """The key of the box in which a network is chosen on the tab."""
    return "evaluate_checkpoint" if tab == EVALUATE else "draw_checkpoint"


@st.cache_resource(show_spinner=False)
def _left() -> set[tuple[str, str]]:
    """The lead and the browser, of those that have left it; kept over a reload, as long as the server lives."""
    return set()
