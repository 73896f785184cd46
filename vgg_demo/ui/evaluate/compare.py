"""Two networks side by side on the same digits: the figures, what only one reads, and whether it could be chance."""

from __future__ import annotations

import contextlib

import streamlit as st

from vgg_demo.analysis.comparison import Comparison, compare
from vgg_demo.errors import VggDemoError
from vgg_demo.predictions import Predictions
from vgg_demo.runs.store import get_run, shipped_names
from vgg_demo.text import _, percent, plain
from vgg_demo.ui.evaluate import gallery, honest, results, size
from vgg_demo.ui.evaluate.figures import summary
from vgg_demo.ui.evaluate.results import DigitSet, Network
from vgg_demo.ui.shared import resources


def others(network: Network, digit_set: DigitSet) -> dict[str, Network]:
    """The other networks that may be shown the same digits, by name.

    Test digits: those whose test result is open. Validation digits: those that kept the same digits apart, because any
    other has learned from some of them.
    """
    found = {}
    for name, path in resources.checkpoint_choices().items():
        if name == network.name:
            continue
        with contextlib.suppress(VggDemoError, FileNotFoundError):  # one that cannot be read is none to compare with
            run = None if name in shipped_names() else get_run(name)
            other = Network(name, path, run)
            if digit_set.key.startswith("validation"):
                same = results.validation_set(other.config)
                if same is None or same.key != digit_set.key:
                    continue
            elif digit_set.key == "test" and not honest.is_open(other):
                continue
            found[name] = other
    return found


def show(network: Network, digit_set: DigitSet, predictions: Predictions) -> None:
    """Pick another network, and put both side by side."""
    choices = others(network, digit_set)
    if not choices:
        if digit_set.key == "test":
            text = _(
                "There is no other network with an open test result. Train one, or reveal the test result of a run."
            )
        elif digit_set.key == "own":
            text = _("There is no other network yet. Train one first, in the Train tab.")
        else:
            text = _(
                "There is no other network that kept the same validation digits apart (same seed, same number). Train "
                "one, or compare on the test digits."
            )
        st.info(text, icon=":material/info:")
        return
    if st.session_state.get("compare_with") not in choices:
        st.session_state["compare_with"] = next(iter(choices))
    with st.container(width=480):
        other = choices[st.selectbox(_("Compare with"), list(choices), key="compare_with")]
    counts = [len(predictions)]
    second = results.remembered(other, digit_set, counts)
    if second is None:
        second = size.ask_for(other, digit_set, len(predictions), "compare")
    if second is not None:
        show_comparison(network, other, digit_set, predictions, second)


def show_comparison(
    network: Network, other: Network, digit_set: DigitSet, first: Predictions, second: Predictions
) -> None:
    """The figures of both, McNemar's test in a sentence, and the digits that only one gets right."""
    result = compare(first, second)
    one, two = plain(network.name), plain(other.name)
    figures = [summary(first), summary(second)]
    intervals = [f"{percent(f.interval[0])} – {percent(f.interval[1])}" for f in figures]
    st.table(
        {
            _("network"): [one, two],
            _("accuracy"): [percent(f.accuracy) for f in figures],
            _("95 % interval"): intervals,
            _("right"): [f"{f.correct:,} / {f.n:,}" for f in figures],
            _("loss"): [f"{f.loss:.4f}" for f in figures],
        },
        hide_index=True,
    )
    st.markdown(in_words(result, one, two))
    tabs = {
        "first": (_("Only {name} reads these").format(name=one), result.only_first, second, other),
        "second": (_("Only {name} reads these").format(name=two), result.only_second, first, network),
    }
    side = st.segmented_control(
        _("The digits"),
        list(tabs),
        format_func=lambda key: f"{tabs[key][0]} ({len(tabs[key][1]):,})",
        default="first",
        key="compare_side",
        required=True,
    )
    _title, positions, shown, whose = tabs[side or "first"]
    if not len(positions):
        st.caption(_("There is none."))
        return
    st.caption(_("Each with what {name} read in it instead.").format(name=plain(whose.name)))
    order = shown.confidences[positions].argsort(kind="stable")[::-1]
    gallery.show(shown, positions[order], whose, digit_set, f"compare-{side}-{network.name}-{other.name}")


def in_words(result: Comparison, first: str, second: str) -> str:
    """McNemar's test in plain sentences."""
    one, two = len(result.only_first), len(result.only_second)
    counts = _(
        "Of {n:,} digits both read {both:,} and neither reads {neither:,}. **{one:,}** are read by {first} alone, "
        "**{two:,}** by {second} alone."
    ).format(
        n=result.n, both=result.both_right, neither=result.both_wrong, one=one, two=two, first=first, second=second
    )
    if one + two == 0:
        return counts + " " + _("They are right and wrong on the same digits: there is no difference to test.")
    chance = percent(result.p_value, 1) if result.p_value >= 0.001 else _("less than 0.1 %")
    test = _(
        "If both were equally good, a split as uneven as {one:,} to {two:,} would come up in {chance} of cases"
    ).format(one=one, two=two, chance=chance)
    if result.is_significant:
        better = first if one > two else second
        verdict = _("**so {name} is really better** on such digits (McNemar's test).").format(name=better)
    else:
        verdict = _("**so this difference may well be chance** (McNemar's test).")
    return f"{counts} {test}, {verdict}"
