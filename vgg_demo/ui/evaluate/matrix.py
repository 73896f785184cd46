"""The confusion matrix, and the very images behind each of its cells."""

from __future__ import annotations

from typing import Any

import streamlit as st

from vgg_demo.metrics import worst_confusions
from vgg_demo.predictions import Predictions
from vgg_demo.text import _, ngettext
from vgg_demo.ui.evaluate import charts, gallery
from vgg_demo.ui.evaluate.results import Result
from vgg_demo.ui.shared import expander, resources

HEIGHT = 440
DIGITS = list(range(10))
PER_PAGE = 6


@st.fragment
def show(result: Result) -> None:
    """The matrix beside the images of the cell that was chosen: in it, or by the two selection boxes."""
    st.markdown(
        _(
            "**Confusion matrix**: each row is a true digit, each column the network's answer. Blue is right, orange "
            "is wrong."
        )
    )
    matrix, images = st.columns([1.15, 1], gap="medium")
    with matrix:
        show_matrix(result.predictions)
    with images:
        show_cell(result)


def show_matrix(predictions: Predictions) -> None:
    """The heat map, how it is drawn, and the same numbers as a table."""
    by_share, is_dimmed = st.session_state.get("matrix_by_share", False), st.session_state.get("matrix_dimmed", False)
    chosen = (st.session_state.get("cell_true"), st.session_state.get("cell_answer"))
    with st.container(key="matrix"):
        st.echarts_chart(
            charts.confusion(predictions.matrix, by_share, is_dimmed, chosen),
            height=HEIGHT,
            key="confusion",
            on_select=_choose,
            alt=charts.confusion_in_words(predictions.matrix),
        )
    with st.container(horizontal=True, gap="medium"):
        st.toggle(_("Share of the row, in %"), key="matrix_by_share", persist_state=resources.KEPT)
        st.toggle(_("Dim the right answers"), key="matrix_dimmed", persist_state=resources.KEPT)
    with expander.kept(_("The matrix as a table"), ":material/table:", "matrix_table") as is_open:
        if is_open:
            st.caption(_("Rows: the true digit. Columns: the network's answer."))
            columns = {
                _("true"): [str(digit) for digit in DIGITS],
                **{str(answer): [f"{predictions.matrix[true][answer]:,}" for true in DIGITS] for answer in DIGITS},
            }
            st.table(columns, hide_index=True, width="content")


def show_cell(result: Result) -> None:
    """The images of the chosen cell."""
    with st.container(horizontal=True):
        true = st.selectbox(_("True digit"), DIGITS, index=None, key="cell_true", placeholder=_("choose"))
        answer = st.selectbox(_("The network's answer"), DIGITS, index=None, key="cell_answer", placeholder=_("choose"))
    if true is None or answer is None:
        st.caption(_("Choose a cell, in the matrix or here, to see the images behind its number."))
        offer_worst(result.predictions)
        return
    positions = result.predictions.cell(true, answer)
    heading = ngettext(
        "**{true} read as {answer}**: one image", "**{true} read as {answer}**: {count:,} images", len(positions)
    )
    st.markdown(heading.format(true=true, answer=answer, count=len(positions)))
    if len(positions):
        name = f"cell-{true}-{answer}-{result.network.name}-{result.digit_set.key}"
        gallery.show(result, positions, name, PER_PAGE)


def offer_worst(predictions: Predictions) -> None:
    """One click to the images of the mistake that was made most often, where there is any."""
    for true, answer, _times in worst_confusions(predictions.matrix, 1):
        label = _("Show its most common mistake: {true} read as {answer}").format(true=true, answer=answer)
        st.button(label, type="primary", icon=":material/image_search:", key="worst_cell", on_click=_show_cell,
                  args=(true, answer))  # fmt: skip


def _show_cell(true: int, answer: int) -> None:
    state: Any = st.session_state
    state["cell_true"], state["cell_answer"] = true, answer


def _choose() -> None:
    """Take over a cell that was clicked; the selection boxes show it and can change it."""
    state: Any = st.session_state
    for group in state["confusion"].selection.selected:
        state["cell_clicked"] = charts.cell_of(group["data_indices"][0])
    if "cell_clicked" in state:  # a second click on a cell clears the chart's own selection, and means the cell again
        _show_cell(*state["cell_clicked"])
