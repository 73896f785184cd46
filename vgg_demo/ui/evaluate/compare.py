"""Two networks side by side on the same digits: the figures, what only one reads, and whether it could be chance."""

from __future__ import annotations

import contextlib

import streamlit as st

from vgg_demo.analysis.comparison import Comparison, compare
from vgg_demo.errors import VggDemoError
from vgg_demo.text import N_, _, ngettext, percent, plain, translate
from vgg_demo.ui.evaluate import gallery, results, reveal, sample_size
from vgg_demo.ui.evaluate.results import DigitSet, Result
from vgg_demo.ui.shared import networks
from vgg_demo.ui.shared.networks import Network

NO_OTHER = {
    "test": N_("There is no other network with an open test result. Train one, or reveal the test result of a run."),
    "validation": N_(
        "There is no other network that kept the same validation digits apart (same seed, same number). Train "
        "one, or compare on the test digits."
    ),
    "own": N_("There is no other network yet. Train one first, in the Train tab."),
}  # by the kind of digits


def others(network: Network, digit_set: DigitSet) -> dict[str, Network]:
    """The other networks that may be shown the same digits, by name."""
    found = {}
    for name, other in networks.choices().items():
        with contextlib.suppress(VggDemoError, FileNotFoundError):  # a checkpoint that cannot be read is left out
            if name != network.name and may_see(other, digit_set):
                found[name] = other
    return found


def may_see(network: Network, digit_set: DigitSet) -> bool:
    """Whether a network may be compared on these digits.

    Test digits: when its test result is open. Validation digits: when it kept the same digits apart, because any other
    has learned from some of them. Raises CheckpointError or FileNotFoundError.
    """
    if digit_set.kind == "validation":
        own = results.validation_set(network.config)
        return own is not None and own.key == digit_set.key
    return digit_set.kind == "own" or reveal.is_open(network)


def show(result: Result) -> None:
    """Pick another network, and put both side by side."""
    choices = others(result.network, result.digit_set)
    if not choices:
        st.info(translate(NO_OTHER[result.digit_set.kind]), icon=":material/info:")
        return
    with st.container(width=480):
        other = choices[st.selectbox(_("Compare with"), list(choices), key="compare_with")]
    count = len(result.predictions)
    second = results.remembered(other, result.digit_set, [count])
    if second is None:
        button = _("Evaluate {name} on the same digits").format(name=plain(other.name))
        second = sample_size.ask(other, result.digit_set, count, button, "compare")
    if second is not None:
        show_comparison(result, Result(other, result.digit_set, second))


def show_comparison(first: Result, second: Result) -> None:
    """The figures of both, McNemar's test in a sentence, and the digits that only one gets right."""
    found = compare(first.predictions, second.predictions)
    one, two = plain(first.network.name), plain(second.network.name)
    figures = [first.summary, second.summary]
    st.table(
        {
            _("network"): [one, two],
            _("accuracy"): [percent(f.accuracy) for f in figures],
            _("95 % interval"): [f"{percent(f.interval[0])} – {percent(f.interval[1])}" for f in figures],
            _("read right"): [f"{f.correct:,} / {f.n:,}" for f in figures],
            _("loss"): [f"{f.loss:.4f}" for f in figures],
        },
        hide_index=True,
    )
    st.markdown(in_words(found, one, two))
    sides = {"first": (one, found.only_first, second), "second": (two, found.only_second, first)}
    text = _("Only {name} reads these")
    chosen = st.segmented_control(
        _("The digits"),
        list(sides),
        format_func=lambda side: f"{text.format(name=sides[side][0])} ({len(sides[side][1]):,})",
        default="first",
        key="compare_side",
        required=True,
    )
    side = chosen or "first"
    _name, positions, wrong = sides[side]
    if not len(positions):
        st.caption(_("There is none."))
        return
    st.caption(_("Each with what {name} read in it instead.").format(name=plain(wrong.network.name)))
    order = wrong.predictions.confidences[positions].argsort(kind="stable")[::-1]
    gallery.show(wrong, positions[order], f"compare-{side}-{first.network.name}-{second.network.name}")


def in_words(result: Comparison, first: str, second: str) -> str:
    """McNemar's test in plain sentences."""
    one, two = len(result.only_first), len(result.only_second)
    counts = ngettext(
        "Of {n:,} digits both read {both:,} and neither reads {neither:,}. **{one:,}** is read by {first} alone, "
        "**{two:,}** by {second} alone.",
        "Of {n:,} digits both read {both:,} and neither reads {neither:,}. **{one:,}** are read by {first} alone, "
        "**{two:,}** by {second} alone.",
        one,
    ).format(
        n=result.n, both=result.both_right, neither=result.both_wrong, one=one, two=two, first=first, second=second
    )
    if one + two == 0:
        return counts + " " + _("They are right and wrong on the same digits: there is no difference to test.")
    chance = percent(result.p_value, 1) if result.p_value >= 0.001 else _("less than 0.1 %")
    test = _("If both were equally good, a split as uneven as {one:,} to {two:,} would come up in {chance} of cases")
    verdict = _("**so this difference may well be chance** (McNemar's test).")
    if result.is_significant:
        verdict = _("**so {name} is really better** on such digits (McNemar's test).")
    test, verdict = test.format(one=one, two=two, chance=chance), verdict.format(name=first if one > two else second)
    return f"{counts} {test}, {verdict}"
