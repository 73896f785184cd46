"""Take it along: the whole result as files. They are made when they are asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import streamlit as st

from vgg_demo.predictions import Predictions
from vgg_demo.runs.reveals import count_reveals
from vgg_demo.text import _
from vgg_demo.ui.evaluate.results import DigitSet, Network


def show(network: Network, digit_set: DigitSet, predictions: Predictions) -> None:
    """A button for each file."""
    from vgg_demo.export.result_files import Subject

    subject = Subject(network.name, digit_set.title, network.sha256, network.config.preset, digit_set.names)
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{network.name}-{digit_set.key}")
    st.caption(
        _("The report is one file that opens in any browser, without a network; the pictures are made for print.")
    )
    with st.container(horizontal=True):
        for label, icon, ending, mime, make in _files(predictions, subject, digit_set, _notes(network, digit_set)):
            st.download_button(
                label,
                make,
                f"{stem}{ending}",
                mime,
                key=f"take{ending}",
                on_click="ignore",
                icon=f":material/{icon}:",
                width=240,
            )


def _files(
    predictions: Predictions, subject: object, digit_set: DigitSet, notes: list[str]
) -> list[tuple[str, str, str, str, Callable[[], str | bytes]]]:
    """Label, icon, ending of the name, MIME type and maker of each file."""
    from vgg_demo.export import result_files
    from vgg_demo.export.html_report import html_report

    assert isinstance(subject, result_files.Subject)

    def document() -> str:
        return json.dumps(result_files.to_document(predictions, subject), ensure_ascii=False, indent=1)

    def page() -> str:
        return html_report(predictions, digit_set.load().images[:, 0].cpu().numpy(), subject, notes)

    return [
        (_("Report (HTML)"), "article", "-report.html", "text/html", page),
        (_("Everything (JSON)"), "data_object", ".json", "application/json", document),
        (
            _("Every image (CSV)"),
            "table",
            "-images.csv",
            "text/csv",
            lambda: result_files.predictions_csv(predictions, subject),
        ),
        (
            _("Figures per digit (CSV)"),
            "table",
            "-digits.csv",
            "text/csv",
            lambda: result_files.figures_csv(predictions),
        ),
        (
            _("Matrix (PNG)"),
            "grid_on",
            "-matrix.png",
            "image/png",
            lambda: result_files.matrix_png(predictions, subject),
        ),
        (
            _("Curves (PNG)"),
            "show_chart",
            "-curves.png",
            "image/png",
            lambda: result_files.curves_png(predictions, subject),
        ),
    ]


def _notes(network: Network, digit_set: DigitSet) -> list[str]:
    """What a reader of the report should know."""
    if network.run is None or digit_set.key != "test":
        return []
    return [_("The test result of this run was looked at {count} times.").format(count=count_reveals(network.run))]
