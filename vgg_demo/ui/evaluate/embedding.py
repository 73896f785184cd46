"""What the network thinks alike: a map of digits by its last hidden layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from vgg_demo.predictions import Predictions
from vgg_demo.text import _
from vgg_demo.ui.evaluate import charts, gallery, results
from vgg_demo.ui.evaluate.results import Result
from vgg_demo.ui.shared import jobs

if TYPE_CHECKING:
    from vgg_demo.model import VGG

SHOWN_DIGITS = 1_000


def show(result: Result) -> None:
    """The map of a sample of the digits that were evaluated; a point opens its image."""
    st.caption(
        _(
            "Every point is a digit. Points are near each other when the last hidden layer makes nearly the same of "
            "them (t-SNE). Tight, separate islands are digits it tells apart; look at points on a wrong island."
        )
    )
    network, digit_set = result.network, result.digit_set
    positions = _sample(result.predictions)
    indices = result.predictions.indices[positions]

    def work(vgg: VGG, progress: jobs.Progress) -> npt.NDArray[np.float32]:
        import torch

        from vgg_demo.analysis.embedding import hidden_features, project

        return project(hidden_features(vgg, digit_set.load()[torch.from_numpy(indices)], progress))

    key = ("embedding", network.sha256, digit_set.key, len(result.predictions), len(positions))
    button = _("Draw the map of {count:,} digits").format(count=len(positions))
    plane = jobs.ask(key, results.unchanged(network, work), button, "embedding", icon="scatter_plot")
    if plane is not None:
        show_map(result, positions, plane)


@st.fragment
def show_map(result: Result, positions: npt.NDArray[np.int64], plane: npt.NDArray[np.float32]) -> None:
    """The points, and the images of those that were chosen: one of each digit, so that they can be compared.

    positions: (N,), of the digits in the predictions. plane: (N, 2), where each lies on the map.
    """
    predictions, digit_set = result.predictions, result.digit_set
    members: list[list[int]] = [[] for _digit in range(10)]  # positions by true digit, in the order of the points
    points: list[list[tuple[float, float, str, str]]] = [[] for _digit in range(10)]
    for (x, y), position in zip(plane.tolist(), positions.tolist(), strict=True):
        true, answer = int(predictions.labels[position]), int(predictions.answers[position])
        picture = gallery.data_uri(digit_set.image(int(predictions.indices[position])).tobytes())
        points[true].append((x, y, picture, _("{true} read as {answer}").format(true=true, answer=answer)))
        members[true].append(position)
    chart, chosen = st.columns([3, 1])
    with chart:
        alt = _("Map of {count} digits, by what the last hidden layer makes of them.").format(count=len(positions))
        key = f"map-{result.network.name}-{digit_set.key}"
        event: Any = st.echarts_chart(charts.embedding(points), height=560, key=key, on_select="rerun", alt=alt)
    with chosen:
        picked = [
            members[group["series_index"]][place]
            for group in event.selection.selected
            for place in group["data_indices"]
            if place < len(members[group["series_index"]])
        ]
        if not picked:
            st.caption(_("Hover a point to see its image; click it to open it here."))
        for position in picked:
            gallery.tile(result, position, "map")


def _sample(predictions: Predictions) -> npt.NDArray[np.int64]:
    """Positions of SHOWN_DIGITS digits, spread over all; a fifth of them are mistakes, where there are so many."""
    wrong = predictions.mistakes()[: SHOWN_DIGITS // 5]
    rest = np.random.default_rng(0).permutation(len(predictions))
    rest = rest[~np.isin(rest, wrong)][: SHOWN_DIGITS - len(wrong)]
    return np.sort(np.concatenate([wrong, rest])).astype(np.int64)
