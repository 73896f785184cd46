"""The Evaluate tab: a network, its accuracy, the matrix; and, a step away, every way to look closer."""

from __future__ import annotations

import streamlit as st

from vgg_demo.errors import VggDemoError
from vgg_demo.text import N_, _, plain, translate
from vgg_demo.ui.evaluate import (
    by_hand,
    compare,
    downloads,
    embedding,
    figures,
    gallery,
    matrix,
    own_digits,
    results,
    reveal,
    robustness,
    sample_size,
)
from vgg_demo.ui.evaluate.results import DigitSet, Result
from vgg_demo.ui.network import view
from vgg_demo.ui.shared import networks, resources, sections, source_code
from vgg_demo.ui.shared.networks import Network

SETS = {"validation": N_("Validation digits"), "test": N_("Test digits"), "own": N_("Your own digits")}


def show(is_open: bool) -> None:
    """Draw the tab, when it is open."""
    if not is_open:
        return
    st.html(gallery.STYLE)
    try:
        network = networks.pick_network("evaluate_checkpoint")
        if network is None:
            return
        digit_set = pick_digits(network)
        if digit_set is None:
            return
        predictions = sample_size.predictions(network, digit_set)
        if predictions is not None:
            show_result(Result(network, digit_set, predictions))
            source_code.show_closed(source_code.EVALUATE, "evaluate_code")
    except VggDemoError as error:
        st.error(plain(error))
    except FileNotFoundError:
        st.error(_("This checkpoint has just been deleted; pick another one."))


def pick_digits(network: Network) -> DigitSet | None:
    """Choose what the network is shown. Returns None when that is not there yet; the page then says what to do."""
    # a key for each kind: after a shipped network's test digits, a run's are still closed
    kind, options = ("shipped", ["test", "own"]) if network.run is None else ("run", ["validation", "test", "own"])
    chosen = st.segmented_control(
        _("Show it"),
        options,
        format_func=lambda kind: translate(SETS[kind]),
        default=options[0],
        key=f"evaluate_digits_{kind}",
        persist_state=resources.KEPT,
        required=True,
    )
    if chosen == "own":
        return own_digits.pick()
    if chosen == "validation":
        return reveal.pick_validation(network)
    if network.run is None or reveal.is_open(network):
        return results.test_set()
    reveal.offer(network, network.run)
    return None


def show_result(result: Result) -> None:
    """The figures, the matrix, and one closer look that was asked for."""
    figures.show(result)
    if result.network.run is not None and result.digit_set.kind == "test":
        reveal.show_count(result.network.run)
    by_hand.show_beside(result)
    matrix.show(result)
    closer = {**by_hand.SECTIONS, **SECTIONS} if by_hand.hands(result.digit_set) else SECTIONS
    sections.show(_("Look closer"), closer, "evaluate_section", result)


def show_mistakes(result: Result) -> None:
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
    positions = result.predictions.mistakes(digit, bool(least))
    if not len(positions):
        st.success(_("There is no mistake to show: all of these were read right."), icon=":material/check_circle:")
        return
    gallery.show(result, positions, f"mistakes-{least}-{digit}-{result.network.name}")
    st.caption(
        _(
            "Look before you blame the network: some labels of MNIST are doubtful even to people, and a very confident "
            "mistake is often one of these."
        )
    )


def show_network(result: Result) -> None:
    """Its layers; Draw shows what they do with a digit."""
    view.show(result.network.config.model, "evaluate_network", result.network.load())


SECTIONS: sections.Sections[Result] = {
    "mistakes": (N_("Mistakes"), show_mistakes),
    "digits": (N_("Figures per digit"), figures.show_per_digit),
    "trust": (N_("Can it be trusted?"), figures.show_trust),
    "robustness": (N_("How robust is it?"), robustness.show),
    "embedding": (N_("What it thinks alike"), embedding.show),
    "compare": (N_("Two networks"), compare.show),
    "network": (N_("Look at the network"), show_network),
    "downloads": (N_("Take it along"), downloads.show),
}
