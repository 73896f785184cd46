"""How many digits a network is shown: all, or, where that takes long, a sample with its wider interval."""

from __future__ import annotations

import streamlit as st

from vgg_demo.metrics import wilson_interval
from vgg_demo.predictions import Predictions
from vgg_demo.text import _, format_duration, percent, translate
from vgg_demo.ui.evaluate import results, reveal
from vgg_demo.ui.evaluate.results import DigitSet
from vgg_demo.ui.shared import expander, jobs
from vgg_demo.ui.shared.networks import Network

SAMPLES = (100, 500, 2_000)


def predictions(network: Network, digit_set: DigitSet) -> Predictions | None:
    """The network's answers: remembered, or computed when asked. None while there are none."""
    images = len(digit_set.load())
    counts = [*(count for count in SAMPLES if count < images), images]
    known = results.remembered(network, digit_set, counts)
    if known is None:
        is_slow = results.is_slow(network, images)
        return offer_choice(network, digit_set, counts) if is_slow else evaluate(network, digit_set, images)
    if known.is_sample:
        with expander.kept(_("Evaluate it on more digits"), ":material/add:", "more_digits") as is_open:
            if is_open:
                larger = [count for count in counts if count > len(known)]
                known = offer_choice(network, digit_set, larger) or known
    return known


def offer_choice(network: Network, digit_set: DigitSet, counts: list[int]) -> Predictions | None:
    """The measured time first, then a choice of how many digits."""
    for count in counts:  # every viewer follows a job that is running
        job = jobs.memory().job(results.key_of(network, digit_set, count))
        if job is not None and not job.is_over:
            return evaluate(network, digit_set, count)

    def measure(progress: jobs.Progress) -> float:
        from vgg_demo.evaluation import seconds_per_image

        return seconds_per_image(network.load(), digit_set.load())

    button = _("Measure how long it takes")
    pace = jobs.ask(("pace", network.sha256), measure, button, "pace", "timer", at_once=True)
    if pace is None:
        return None
    text = _(
        "This is a large network: all {count:,} {digits} take about **{duration}** here. A sample is quicker and "
        "less certain."
    )
    duration = format_duration(pace * counts[-1])
    st.markdown(text.format(count=counts[-1], digits=translate(digit_set.title), duration=duration))

    def describe(count: int) -> str:
        low, high = wilson_interval(round(0.99 * count), count)
        text = _("{count:,} digits: about {duration}, give or take {margin} at 99 %")
        return text.format(count=count, duration=format_duration(pace * count), margin=percent((high - low) / 2, 1))

    middle = min(1, len(counts) - 1)
    count = st.radio(_("How many digits"), counts, format_func=describe, key="sample_size", index=middle)
    return evaluate(network, digit_set, count) if count else None


def evaluate(network: Network, digit_set: DigitSet, count: int) -> Predictions | None:
    """A button that evaluates on so many digits, and then the answers."""
    labels = {
        "test": _("Evaluate on the test set"),
        "validation": _("Evaluate on the validation digits"),
        "own": _("Evaluate on your own digits"),
    }
    is_wanted = digit_set.kind == "validation" and st.session_state.get("evaluate_now") == network.name
    if digit_set.kind == "test":
        st.caption(_("The test set is 10,000 digits by other writers that no network has learned from."))
        is_wanted = reveal.was_just_revealed(network)
    is_wanted = is_wanted and not results.is_slow(network, len(digit_set.load()))
    return ask(network, digit_set, count, labels[digit_set.kind], "evaluate", at_once=is_wanted)


def ask(
    network: Network, digit_set: DigitSet, count: int, button: str, name: str, at_once: bool = False
) -> Predictions | None:
    """The network's answers to so many of the digits, remembered or computed. name: for the elements' keys."""
    key, work = results.key_of(network, digit_set, count), results.prediction_work(network, digit_set, count)
    return jobs.ask(key, work, button, name, at_once=at_once)
