"""Digits that this browser wants to watch while a network learns: kept in its session, and pinned to its runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from vgg_demo.errors import RunError
from vgg_demo.runs.pinned import MOST_PINNED, PinnedDigit, pin, pinned_digits, unpin
from vgg_demo.runs.store import Run, get_run
from vgg_demo.text import N_, TRAIN, _, plain
from vgg_demo.ui.shared import identity
from vgg_demo.ui.shared.kept_errors import keep_error, show_error


def kept() -> list[PinnedDigit]:
    """The digits that the next runs of this browser watch, in the order in which they were chosen."""
    return list(_kept().values())


def show_button(pixels: bytes, label: int | None, key: str) -> None:
    """Watch this digit, 28×28 bytes, from now on; once it is watched: what it is meant to be, and the way back.

    label: which digit it is thought to be; None where nobody knows.
    """
    digit = _kept().get(PinnedDigit(pixels).id)
    if digit is None:
        text = _("While a network trains, see how its ten probabilities for this very digit change.")
        new = PinnedDigit(pixels, label)
        st.button(_("Watch it while training"), type="primary", icon=":material/visibility:", key=key, help=text,
                  on_click=watch, args=(new,))  # fmt: skip
        show_error("pin_error")
        return
    st.caption(_where(digit))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key=f"{key}-watched"):
        labels: list[int | None] = [*range(10), None]
        st.selectbox(
            _("It is meant as"), labels, index=labels.index(digit.label), key=f"{key}-label-{digit.id}", width=110,
            format_func=lambda label: "–" if label is None else str(label),
            on_change=_relabel, args=(digit.id, f"{key}-label-{digit.id}"),
        )  # fmt: skip
        if st.button(_("Train"), type="primary", icon=":material/play_arrow:", key=f"{key}-train",
                     on_click=_go_training):  # fmt: skip
            st.rerun()  # the whole page: the tab changes
        st.button(_("Forget it"), icon=":material/close:", key=f"{key}-forget", on_click=forget, args=(digit,))
    show_error("pin_error")


def show_small_button(pixels: bytes, label: int, key: str) -> None:
    """The same in one word, below a picture whose label is known."""
    digit = PinnedDigit(pixels, label)
    is_kept = digit.id in _kept()
    text = _("See what a network says to this digit while it trains.")
    st.button(_("Watched") if is_kept else _("Watch it"), key=key, type="tertiary", disabled=is_kept, help=text,
              on_click=_watch_and_say, args=(digit,))  # fmt: skip


def show_kept(key: str) -> None:
    """That the next run watches digits, where there are any, and the way back."""
    if digits := kept():
        with st.container(gap=None, key=key):
            st.caption(_("Your next training watches {count} of your digits.").format(count=len(digits)))
            st.button(_("Forget them"), type="tertiary", key=f"{key}-forget", on_click=lambda: _kept().clear())


def watch(digit: PinnedDigit) -> None:
    """Keep a digit for this browser's next runs, and pin it to the one that goes on or waits."""
    with keep_error("pin_error"):
        digits = _kept()
        if digit.id not in digits and len(digits) >= MOST_PINNED:
            text = N_("At most {count} digits can be watched: forget one of them first.")
            raise RunError(text, count=MOST_PINNED)
        if own := identity.own_active_run():
            pin(own[0], digit)
            st.session_state.setdefault("pinned_to", {})[digit.id] = own[0].name
        digits[digit.id] = digit


def forget(digit: PinnedDigit) -> None:
    """Watch it no more, neither in the run that goes on nor in later ones."""
    with keep_error("pin_error"):
        _kept().pop(digit.id, None)
        if own := identity.own_active_run():
            unpin(own[0], digit)


def change(name: str, action: Callable[[Run], None]) -> None:
    """Do something with the digits of a run, if this browser may."""
    with keep_error("pin_error"):
        run = get_run(name)
        if not identity.may_steer(run.status()):
            raise RunError(N_("Another browser started this run: digits cannot be pinned to it from here."))
        action(run)


def _kept() -> dict[str, PinnedDigit]:
    state: Any = st.session_state
    digits: dict[str, PinnedDigit] = state.setdefault("pinned_digits", {})
    return digits


def _where(digit: PinnedDigit) -> str:
    if name := st.session_state.get("pinned_to", {}).get(digit.id):
        return _("Watched in **{name}**, and in your next trainings.").format(name=plain(name))
    return _("Your next training watches it.")


def _relabel(digit_id: str, key: str) -> None:
    """Give a digit another label, also in all runs of this browser that watch it already."""
    if digit := _kept().get(digit_id):
        named = PinnedDigit(digit.pixels, st.session_state[key])
        watch(named)
        with keep_error("pin_error"):
            for run in identity.own_runs():
                if any(other.id == named.id and other.label != named.label for other in pinned_digits(run)):
                    pin(run, named)


def _watch_and_say(digit: PinnedDigit) -> None:
    watch(digit)
    if "pin_error" in st.session_state:
        st.toast(plain(st.session_state.pop("pin_error")), icon=":material/error:")
    else:
        st.toast(_where(digit), icon=":material/visibility:")


def _go_training() -> None:
    st.session_state["tab"] = TRAIN
