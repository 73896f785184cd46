"""Accuracy with its interval, the figures per digit, and whether the probabilities can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from vgg_demo.metrics import expected_calibration_error, reliability_bins, selective_accuracy, worst_confusions
from vgg_demo.predictions import Predictions
from vgg_demo.text import _, percent
from vgg_demo.ui.evaluate import charts
from vgg_demo.ui.evaluate.results import DigitSet, Network

if TYPE_CHECKING:
    from vgg_demo.evaluation import Evaluation

FIGURE_WIDTH = 150  # two of them and a gap fit side by side on a phone


def summary(predictions: Predictions) -> Evaluation:
    """The figures that follow from answers: some milliseconds."""
    from vgg_demo.evaluation import summarise_predictions

    return summarise_predictions(predictions)


def show(predictions: Predictions, digit_set: DigitSet) -> None:
    """Accuracy, count and loss, how certain the accuracy is, and the worst confusions in words."""
    result = summary(predictions)
    titles = {"test": _("Test accuracy"), "validation": _("Validation accuracy")}
    low, high = result.interval
    with st.container(horizontal=True, gap="medium"):
        st.metric(titles.get(digit_set.key.split("-")[0], _("Accuracy")), percent(result.accuracy), width=FIGURE_WIDTH)
        st.metric(_("Right"), f"{result.correct:,} / {result.n:,}", width=FIGURE_WIDTH + 20)
        st.metric(
            _("Loss"),
            f"{result.loss:.4f}",
            width=FIGURE_WIDTH,
            help=_("Mean cross-entropy: 2.303 knows nothing, 0 is perfect."),
        )
    interval = _(
        "With 95 % confidence its true accuracy on such digits lies between **{low}** and **{high}**. Two networks "
        "whose intervals overlap may differ all the same: *Two networks* tests it."
    )
    st.caption(interval.format(low=percent(low), high=percent(high)))
    if predictions.is_sample:
        text = _("A sample of {n:,} of {available:,} {digits}: the fewer digits, the wider the interval.")
        st.caption(text.format(n=result.n, available=predictions.available, digits=digit_set.title))
    if worst := worst_confusions(predictions.matrix, 3):
        st.caption(_("Worst confusions: {cases}.").format(cases=charts.confusions_in_words(worst)))


def show_per_digit(network: Network, digit_set: DigitSet, predictions: Predictions) -> None:
    """Precision, recall, F1 and support of each digit."""
    result = summary(predictions)
    st.caption(
        _(
            "Precision: of the images read as this digit, how many are. Recall: of this digit's images, how many are "
            "read as it. F1: both in one number."
        )
    )
    st.table(
        {
            _("digit"): [str(c.digit) for c in result.per_class],
            _("precision"): [percent(c.precision) for c in result.per_class],
            _("recall"): [percent(c.recall) for c in result.per_class],
            _("F1"): [percent(c.f1) for c in result.per_class],
            _("images"): [f"{c.support:,}" for c in result.per_class],
        },
        hide_index=True,
        width="content",
    )


def show_trust(network: Network, digit_set: DigitSet, predictions: Predictions) -> None:
    """The reliability diagram, and what answering only when sure is worth."""
    bins = reliability_bins(predictions.confidences, predictions.is_right)
    rows = selective_accuracy(predictions.confidences, predictions.is_right)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(_("**When it says 90 %, is it right in 90 of 100?**"))
        st.echarts_chart(
            charts.reliability(bins),
            height=320,
            key="reliability",
            alt=charts.reliability_in_words(bins),
        )
        st.metric(
            _("Expected calibration error"),
            percent(expected_calibration_error(bins)),
            help=_("How far being sure and being right are apart, on average over all answers. 0 is perfect."),
        )
        st.caption(
            _("Below the dashed line it is too sure of itself, above it too modest. Large points are many answers.")
        )
    with right:
        st.markdown(_("**What if it answers only when it is sure?**"))
        st.echarts_chart(charts.selective(rows), height=320, key="selective", alt=charts.selective_in_words(rows))
        threshold = st.select_slider(
            _("Answer only when at least this sure"),
            [row.threshold for row in rows],
            value=0.9,
            format_func=lambda share: percent(share, 2 if share > 0.999 else 1 if share > 0.99 else 0),
            key="threshold",
        )
        row = next(row for row in rows if row.threshold == threshold)
        if row.accuracy is None:
            st.markdown(_("It is never that sure, so it answers nothing."))
        else:
            text = _("It still answers **{answered:,}** of {n:,} ({coverage}), and **{accuracy}** of those are right.")
            st.markdown(
                text.format(
                    answered=row.answered,
                    n=len(predictions),
                    coverage=percent(row.coverage),
                    accuracy=percent(row.accuracy),
                )
            )
