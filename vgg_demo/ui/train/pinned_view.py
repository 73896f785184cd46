"""Under a run's curve: the digits that it watches. While it trains the feed moves their bars (pinned_tiles.py);
while it is paused, and afterwards, its steps can be played back (replay.py). Nothing is shown without one."""

from __future__ import annotations

from functools import lru_cache, partial

import pandas as pd
import streamlit as st

from vgg_demo.errors import VggDemoError
from vgg_demo.runs.pinned import MOST_PINNED, Answers, PinnedDigit, pin, pinned_digits, unpin
from vgg_demo.runs.reader import Curve
from vgg_demo.runs.status import Status
from vgg_demo.runs.store import Run
from vgg_demo.text import _, plain
from vgg_demo.ui.shared import identity, pins, resources
from vgg_demo.ui.shared.kept_errors import show_error
from vgg_demo.ui.shared.networks import Network
from vgg_demo.ui.train import pinned_charts, pinned_tiles, replay


def show(run: Run, status: Status, curve: Curve) -> None:
    """Draw what belongs to the run's state, and what this browser may change."""
    digits = pinned_digits(run)
    if digits and status.state == "queued":
        st.caption(_("It watches these digits from the first step on."))
        show_tiles(pinned_tiles.tiles(digits))
    elif digits and stands_still(status):
        seen = {digit.id: answers(run, status, digit, digits, curve) for digit in digits}
        show_replay(run.name, status.identity, digits, {id: found for id, found in seen.items() if found})
    if identity.may_steer(status):
        show_changes(run, digits)
    show_error("pin_error")


def stands_still(status: Status) -> bool:
    """Whether the digits' steps can be played back, instead of bars that move with the training."""
    return status.is_over or status.state == "paused"


def answers(
    run: Run, status: Status, digit: PinnedDigit, digits: tuple[PinnedDigit, ...], curve: Curve
) -> Answers | None:
    """What a run said to a digit: as it was recorded, else, when it is over, what its network says now; or None."""
    if (recorded := curve.probabilities.get(digit.id)) or not status.is_over:
        return recorded
    try:
        network = Network(run.name, run.checkpoint_path)
        rows = read_by_network(network, network.version, digits)
    except (VggDemoError, OSError):
        return None
    return Answers([curve.last_step], [rows[digits.index(digit)]])


@lru_cache(maxsize=50)
def read_by_network(network: Network, _version: str, digits: tuple[PinnedDigit, ...]) -> list[list[float]]:
    """The ten probabilities for each digit. Raises CheckpointError or FileNotFoundError."""
    from vgg_demo.evaluation import predict_probabilities
    from vgg_demo.runs.probabilities import stacked

    rows: list[list[float]] = predict_probabilities(network.load(), stacked(digits)).tolist()
    return rows


@st.fragment
def show_replay(name: str, key: str, digits: tuple[PinnedDigit, ...], seen: dict[str, Answers]) -> None:
    """The bars of all digits after one of the steps, and the lines of one digit."""
    st.markdown(_("**Your digits, while it learned**"))
    read = [digit for digit in digits if digit.id in seen]
    if not read:
        show_tiles(pinned_tiles.tiles(digits))
        return
    digit = choose(read, key)
    words = pinned_charts.story_in_words(seen[digit.id], digit.label)
    if len({step for found in seen.values() for step in found.steps}) > 1:
        replay.show(key, digits, seen, digit, words)
    else:
        show_tiles(pinned_tiles.tiles(digits, [pinned_tiles.row(d, seen[d.id].probabilities[-1]) for d in read]))
    st.markdown(words)
    compare(name, digit, seen[digit.id])


def choose(digits: list[PinnedDigit], key: str) -> PinnedDigit:
    """Whose lines to see."""
    if len(digits) == 1:
        return digits[0]

    def called(place: int) -> str:
        return _("{place}: {name}").format(place=place + 1, name=pinned_tiles.name(digits[place]))

    place = st.segmented_control(_("Lines of"), range(len(digits)), default=0, format_func=called,
                                 key=f"lines-of-{key}-{len(digits)}", required=True)  # fmt: skip
    return digits[place or 0]


def compare(name: str, digit: PinnedDigit, own: Answers) -> None:
    """Beside the runs that are laid over the curve and watched the same digit: when each read it right."""
    runs = {name: own}
    for other in resources.overlaid():
        curve = resources.curve_of(other)
        if curve is not None and (found := curve.probabilities.get(digit.id)):
            runs[other] = found
    if len(runs) > 1:
        table = {plain(run): {_("this digit"): pinned_charts.story_in_words(a, digit.label)} for run, a in runs.items()}
        st.table(pd.DataFrame(table).T)


def show_tiles(html: str) -> None:
    """Digits with their bars."""
    st.html(f'<style>{pinned_tiles.CSS}</style><div class="pinned">{html}</div>')


def show_changes(run: Run, digits: tuple[PinnedDigit, ...]) -> None:
    """Watch this browser's digits here, too; watch one no more."""
    there = {digit.id for digit in digits}
    new = [digit for digit in pins.kept() if digit.id not in there][: MOST_PINNED - len(digits)]
    if not new and not digits:
        return
    with st.container(horizontal=True, gap="small", key="pinned_changes"):
        if new:
            label = _("Watch your digits in this run ({count})").format(count=len(new))
            st.button(label, icon=":material/visibility:", key="pin_kept", on_click=pins.change,
                      args=(run.name, partial(_pin_all, digits=new)))  # fmt: skip
        if digits:
            with st.popover(_("Watched digits"), icon=":material/edit:"):
                for place, digit in enumerate(digits, 1):
                    label = _("Remove {place}: {name}").format(place=place, name=pinned_tiles.name(digit))
                    st.button(label, key=f"unpin-{digit.id}", on_click=pins.change,
                              args=(run.name, partial(unpin, digit=digit)))  # fmt: skip


def _pin_all(run: Run, digits: list[PinnedDigit]) -> None:
    for digit in digits:
        pin(run, digit)
