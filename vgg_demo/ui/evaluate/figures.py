"""Accuracy with its interval, the figures per digit, and whether the probabilities can be trusted."""

from __future__ import annotations

import streamlit as st

from vgg_demo.metrics import expected_calibration_error, reliability_bins, selective_accuracy, worst_confusions
from vgg_demo.text import _, percent, percent_or_dash, translate
from vgg_demo.ui.evaluate import charts
from vgg_demo.ui.evaluate.results import Result

FIGURE_WIDTH = 130  # two of them and a gap fit side by side on a phone of 320 pixels


def show(result: Result) -> None:
    """Accuracy, count and loss, how certain the accuracy is, and the worst confusions in words."""
    figures, predictions = result.summary, result.predictions
    titles = {"test": _("Test accuracy"), "validation": _("Validation accuracy"), "own": _("Accuracy")}
    low, high = figures.interval
    with st.container(horizontal=True, gap="small"):
        st.metric(titles[result.digit_set.kind], percent(figures.accuracy), width=FIGURE_WIDTH)
        meaning = _("Mean cross-entropy: 2.303 knows nothing, 0 is perfect.")
        st.metric(_("Loss"), f"{figures.loss:.4f}", width=FIGURE_WIDTH, help=meaning)
        st.metric(_("Right"), f"{figures.correct:,} / {figures.n:,}", width=FIGURE_WIDTH + 40)
    interval = _(
        "With 95 % confidence its true accuracy on such digits lies between **{low}** and **{high}**. Two networks "
        "whose intervals overlap may differ all the same: *Two networks* tests it."
    )
    st.caption(interval.format(low=percent(low), high=percent(high)))
    if predictions.is_sample:
        text = _("A sample of {n:,} of {available:,} {digits}: the fewer digits, the wider the interval.")
        st.caption(text.format(n=figures.n, available=predictions.available, digits=translate(result.digit_set.title)))
    if worst := worst_confusions(predictions.matrix, 3):
        st.caption(_("Worst confusions: {cases}.").format(cases=charts.confusions_in_words(worst)))


def show_per_digit(result: Result) -> None:
    """Precision, recall, F1 and support of each digit."""
    st.caption(
        _(
            "Precision: of the images read as this digit, how many are. Recall: of this digit's images, how many are "
            "read as it. F1: both in one number. –: there is no such image."
        )
    )
    rows = result.summary.per_class
    columns = {
        _("digit"): [str(row.digit) for row in rows],
        _("precision"): [percent_or_dash(row.precision) for row in rows],
        _("recall"): [percent_or_dash(row.recall) for row in rows],
        _("F1"): [percent_or_dash(row.f1) for row in rows],
        _("images"): [f"{row.support:,}" for row in rows],
    }
    st.table(columns, hide_index=True, width="content")


def show_trust(result: Result) -> None:
    """The reliability diagram, and what answering only when sure is worth."""
    left, right = st.columns(2, gap="large")
    with left:
        show_calibration(result)
    with right:
        show_selective(result)


def show_calibration(result: Result) -> None:
    """Confidence against accuracy."""
    bins = reliability_bins(result.predictions.confidences, result.predictions.is_right)
    st.markdown(_("**When it says 90 %, is it right in 90 of 100?**"))
    st.echarts_chart(charts.reliability(bins), height=320, key="reliability", alt=charts.reliability_in_words(bins))
    meaning = _("How far being sure and being right are apart, on average over all answers. 0 is perfect.")
    st.metric(_("Expected calibration error"), percent(expected_calibration_error(bins)), help=meaning)
    st.caption(_("Below the dashed line it is too sure of itself, above it too modest. Large points are many answers."))


def show_selective(result: Result) -> None:
    """How many digits it still answers from a confidence on, and how many of those are right."""
    rows = selective_accuracy(result.predictions.confidences, result.predictions.is_right)
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
    text = _("It still answers **{answered:,}** of {n:,} ({coverage}), and **{accuracy}** of those are right.")
    if row.accuracy is None:
        text = _("It is never that sure, so it answers nothing.")
    coverage, accuracy = percent(row.coverage), percent(row.accuracy or 0)
    n = len(result.predictions)
    st.markdown(text.format(answered=row.answered, n=n, coverage=coverage, accuracy=accuracy))
