"""Digits whose names say by whose hand they are: a class's. How well each hand is read, and all beside MNIST's."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vgg_demo.collection.files import hand_of
from vgg_demo.config import CLASSES
from vgg_demo.metrics import Flags, wilson_interval
from vgg_demo.predictions import Predictions
from vgg_demo.text import N_, _, percent, translate
from vgg_demo.ui.collect.wall import hand_name
from vgg_demo.ui.evaluate import gallery, results
from vgg_demo.ui.evaluate.results import DigitSet, Result
from vgg_demo.ui.shared import sections


def hands(digit_set: DigitSet) -> list[int]:
    """The hand of each digit; [] where the names do not all say it."""
    found = [hand_of(name) for name in digit_set.names or []]
    return [] if None in found else [hand for hand in found if hand is not None]


def beside(result: Result) -> dict[str, Predictions]:
    """The answers to these digits and, where they are known already, to MNIST's, each with what to call it."""
    found = {_("this class"): result.predictions}
    if (mnist := _mnist(result)) and (known := results.remembered(result.network, mnist, [len(mnist.load())])):
        found[_("MNIST's {digits}").format(digits=translate(mnist.title))] = known
    return found


def show_beside(result: Result) -> None:
    """The accuracy on a class's digits beside that on MNIST's. Nothing where the digits are not a class's."""
    if not hands(result.digit_set):
        return
    found = beside(result)
    table = {
        _("digits"): list(found),
        _("accuracy"): [percent(float(each.is_right.mean())) for each in found.values()],
        _("95 % interval"): [_interval(each) for each in found.values()],
    }
    st.table(table, hide_index=True, width="content")
    if len(found) == 1 and (mnist := _mnist(result)):
        text = _("Evaluate this network on the {digits}, too, to see both beside each other.")
        st.caption(text.format(digits=translate(mnist.title)))


def show(result: Result) -> None:
    """By digit, beside MNIST's; by hand, the worst read first; and what was misread."""
    predictions = result.predictions
    of_each = np.asarray(hands(result.digit_set))[predictions.indices]  # (N,)
    wrong = {int(hand): int((~predictions.is_right[of_each == hand]).sum()) for hand in np.unique(of_each)}
    order = sorted(wrong, key=lambda hand: (-wrong[hand], hand))
    left, right = st.columns([1, 1.4], gap="large")
    with left:
        columns = {
            name: [_share(each, each.labels == d) for d in range(CLASSES)] for name, each in beside(result).items()
        }
        st.dataframe({_("digit"): list(range(CLASSES)), **columns}, hide_index=True, alt=_("Read right, by digit"))
    with right:
        table = {
            _("hand"): [hand_name(hand) for hand in order],
            _("read right"): [_share(predictions, of_each == hand) for hand in order],
            _("misread"): [_misread(predictions, of_each == hand) for hand in order],
        }
        st.dataframe(table, hide_index=True, alt=_("The hands, the worst read first"))
    hand = st.selectbox(
        _("Misread digits of"), [None, *order], key="misread_hand", width=260,
        format_func=lambda hand: _("all hands") if hand is None else hand_name(hand),
    )  # fmt: skip
    chosen = ~predictions.is_right if hand is None else ~predictions.is_right & (of_each == hand)
    if chosen.any():
        gallery.show(result, predictions.by_confidence(chosen), f"hand-{hand}-{result.network.name}")
    else:
        st.success(_("All of these were read right."), icon=":material/check_circle:")


SECTIONS: sections.Sections[Result] = {"hands": (N_("By digit and by hand"), show)}


def _mnist(result: Result) -> DigitSet | None:
    """MNIST's digits that this network may be shown: test digits where it ships, else those that its run kept apart."""
    network = result.network
    return results.test_set() if network.run is None else results.validation_set(network.config)


def _share(predictions: Predictions, chosen: Flags) -> str:
    return f"{int(predictions.is_right[chosen].sum()):,} / {int(chosen.sum()):,}"


def _misread(predictions: Predictions, chosen: Flags) -> str:
    """What was misread, and as what: 7 as 1, 4 as 9."""
    places = np.flatnonzero(chosen & ~predictions.is_right)
    pairs = zip(predictions.labels[places].tolist(), predictions.answers[places].tolist(), strict=True)
    return ", ".join(_("{true} as {answer}").format(true=true, answer=answer) for true, answer in pairs)


def _interval(predictions: Predictions) -> str:
    low, high = wilson_interval(int(predictions.is_right.sum()), len(predictions))
    return f"{percent(low)} – {percent(high)}"
