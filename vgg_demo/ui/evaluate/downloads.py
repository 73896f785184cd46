"""The whole result as files to download. Each is made when it is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import streamlit as st

from vgg_demo.language import language, speaking
from vgg_demo.runs.reveals import count_reveals
from vgg_demo.text import _, ngettext
from vgg_demo.ui.evaluate.results import Result


def show(result: Result) -> None:
    """A button for each file."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{result.network.name}-{result.digit_set.key}")
    st.caption(
        _("The report is one file that opens in any browser, without a network; the pictures are made for print.")
    )
    with st.container(horizontal=True):
        for label, icon, ending, mime, make in _files(result):
            name, key, icon = f"{stem}{ending}", f"download{ending}", f":material/{icon}:"
            st.download_button(label, make, name, mime, key=key, on_click="ignore", icon=icon, width=240)


def _files(result: Result) -> list[tuple[str, str, str, str, Callable[[], str | bytes]]]:
    """Label, icon, ending of the name, MIME type and maker of each file."""
    from vgg_demo.export import result_files as files
    from vgg_demo.export.html_report import html_report

    network, digit_set, predictions = result.network, result.digit_set, result.predictions
    subject = files.Subject(network.name, digit_set.title, network.sha256, network.config.preset, digit_set.names)

    def document() -> str:
        return json.dumps(files.to_document(predictions, subject), ensure_ascii=False, indent=1)

    spoken = language()

    def report() -> str:  # made in a thread that has no session
        with speaking(spoken):
            images = digit_set.load().images[:, 0].cpu().numpy()
            return html_report(predictions, images, subject, _notes(result))

    def images() -> str:
        return files.predictions_csv(predictions, subject)

    def figures() -> str:
        return files.figures_csv(predictions)

    def matrix() -> bytes:
        return files.matrix_png(predictions, subject)

    def curves() -> bytes:
        return files.curves_png(predictions, subject)

    return [
        (_("Report (HTML)"), "article", "-report.html", "text/html", report),
        (_("Everything (JSON)"), "data_object", ".json", "application/json", document),
        (_("Every image (CSV)"), "table", "-images.csv", "text/csv", images),
        (_("Figures per digit (CSV)"), "table", "-digits.csv", "text/csv", figures),
        (_("Matrix (PNG)"), "grid_on", "-matrix.png", "image/png", matrix),
        (_("Curves (PNG)"), "show_chart", "-curves.png", "image/png", curves),
    ]


def _notes(result: Result) -> list[str]:
    """What a reader of the report should know."""
    run = result.network.run
    if run is None or result.digit_set.kind != "test":
        return []
    count = count_reveals(run)
    text = ngettext(
        "The test result of this run was looked at once.",
        "The test result of this run was looked at {count} times.",
        count,
    )
    return [text.format(count=count)]
