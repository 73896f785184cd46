"""The Evaluate tab: a network, its accuracy, the matrix; and, a step away, every way to look closer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from vgg_demo.errors import RunError, VggDemoError
from vgg_demo.predictions import Predictions
from vgg_demo.runs.store import SHIPPED_MODEL, get_run, shipped_names
from vgg_demo.text import _, plain
from vgg_demo.ui.evaluate import (
    alike as evaluate_alike,
)
from vgg_demo.ui.evaluate import (
    compare as evaluate_compare,
)
from vgg_demo.ui.evaluate import (
    figures as evaluate_figures,
)
from vgg_demo.ui.evaluate import (
    gallery,
    honest,
    results,
    size,
)
from vgg_demo.ui.evaluate import (
    matrix as evaluate_matrix,
)
from vgg_demo.ui.evaluate import (
    own as evaluate_own,
)
from vgg_demo.ui.evaluate import (
    robust as evaluate_robust,
)
from vgg_demo.ui.evaluate import (
    take as evaluate_take,
)
from vgg_demo.ui.evaluate.results import DigitSet, Network
from vgg_demo.ui.shared import resources

SETS = {"validation": _("Validation digits"), "test": _("Test digits"), "own": _("Your own digits")}


def show(is_open: bool) -> None:
    """Draw the tab, when it is open."""
    if not is_open:
        return
    st.html(gallery.STYLE)
    try:
        network = pick_network("evaluate_checkpoint")
        if network is None:
            return
        digit_set = pick_digits(network)
        if digit_set is None:
            return
        predictions = size.predictions(network, digit_set)
        if predictions is not None:
            show_result(network, digit_set, predictions)
    except VggDemoError as error:
        st.error(plain(error))
    except FileNotFoundError:
        st.error(_("This checkpoint has just been deleted; pick another one."))


def pick_network(key: str) -> Network | None:
    """Choose a network. Returns None when there is none to choose."""
    with st.container(width=480):
        path = pick_checkpoint(key)
    return None if path is None else network_named(st.session_state[key], path)


def network_named(name: str, path: Path) -> Network:
    """A checkpoint with the run that it belongs to."""
    if name in shipped_names():
        return Network(name, path, None)
    try:
        return Network(name, path, get_run(name))
    except RunError:
        raise FileNotFoundError(path) from None


def pick_checkpoint(key: str) -> Path | None:
    """Choose among the shipped checkpoints and those of runs. Returns None when there is none."""
    choices = resources.checkpoint_choices()
    if not choices:
        st.info(_("There is no trained network yet. Train one first, in the Train tab."), icon=":material/info:")
        return None
    names = list(choices)
    if st.session_state.get(key) not in choices:
        st.session_state[key] = SHIPPED_MODEL if SHIPPED_MODEL in choices else names[0]
    # the box begins with the choice: a browser that shows it anew may send what it began with before it hears the rest
    index = names.index(st.session_state[key])
    name = st.selectbox(_("Network"), names, index=index, key=key, persist_state=resources.KEPT, format_func=label)
    return choices[name]


def label(name: str) -> str:
    """A checkpoint's name as it is shown."""
    return _("{name} (ships with the project)").format(name=name) if name in shipped_names() else name


def pick_digits(network: Network) -> DigitSet | None:
    """Choose what the network is shown. Returns None when that is not there yet; the page then says what to do."""
    # a run's test digits stay a step away also for who has just looked at a shipped network's
    kind, options = ("shipped", ["test", "own"]) if network.run is None else ("run", ["validation", "test", "own"])
    chosen = st.segmented_control(
        _("Show it"),
        options,
        format_func=SETS.__getitem__,
        default=options[0],
        key=f"evaluate_digits_{kind}",
        persist_state=resources.KEPT,
        required=True,
    )
    if chosen == "own":
        return evaluate_own.pick()
    if chosen == "validation":
        return honest.pick_validation(network)
    if honest.is_open(network):
        return results.test_set()
    honest.offer(network)
    return None


def show_result(network: Network, digit_set: DigitSet, predictions: Predictions) -> None:
    """The figures, the matrix, and one closer look that was asked for."""
    evaluate_figures.show(predictions, digit_set)
    if network.run is not None and digit_set.key == "test":
        honest.show_count(network.run)
    evaluate_matrix.show(network, digit_set, predictions)
    section = st.segmented_control(
        _("Look closer"),
        list(SECTIONS),
        format_func=lambda name: SECTIONS[name][0],
        key="evaluate_section",
        persist_state=resources.KEPT,
    )
    if section is not None:
        with st.container(key="closer"):
            SECTIONS[section][1](network, digit_set, predictions)


def show_mistakes(network: Network, digit_set: DigitSet, predictions: Predictions) -> None:
    """The gallery of what was misread."""
    orders = {False: _("Most confident first"), True: _("Least confident first")}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        least = st.segmented_control(
            _("Order"), list(orders), format_func=orders.__getitem__, default=False, key="mistakes_order", required=True
        )
        digit = st.selectbox(
            _("True digit"),
            [None, *range(10)],
            format_func=lambda d: _("all") if d is None else str(d),
            key="mistakes_digit",
            width=140,
        )
    positions = predictions.mistakes(digit, bool(least))
    if not len(positions):
        st.success(_("There is no mistake to show: all of these were read right."), icon=":material/check_circle:")
        return
    gallery.show(predictions, positions, network, digit_set, f"mistakes-{least}-{digit}-{network.name}")
    st.caption(
        _(
            "Look before you blame the network: some labels of MNIST are doubtful even to people, and a very confident "
            "mistake is often one of these."
        )
    )


SECTIONS: dict[str, tuple[str, Callable[[Network, DigitSet, Predictions], None]]] = {
    "mistakes": (_("Mistakes"), show_mistakes),
    "digits": (_("Figures per digit"), evaluate_figures.show_per_digit),
    "trust": (_("Can it be trusted?"), evaluate_figures.show_trust),
    "robust": (_("How robust is it?"), evaluate_robust.show),
    "alike": (_("What it thinks alike"), evaluate_alike.show),
    "compare": (_("Two networks"), evaluate_compare.show),
    "take": (_("Take it along"), evaluate_take.show),
}
