"""A result to take along: one JSON document, two tables as CSV, pictures for print, and a page that opens offline."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vgg_demo import __version__
from vgg_demo.colours import BLUE, ORANGE
from vgg_demo.config import CLASSES
from vgg_demo.evaluation import summarise_predictions
from vgg_demo.metrics import expected_calibration_error, reliability_bins, selective_accuracy, worst_confusions
from vgg_demo.predictions import Predictions
from vgg_demo.text import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRINT_DPI = 300


@dataclass(frozen=True)
class Subject:
    """What a report is about. digits: which set, in words that N_ marked; files other than
    the report have them in English. names: what to call each image, when it has a name."""

    network: str
    digits: str
    checkpoint_sha256: str = ""
    preset: str = ""
    names: list[str] | None = None


def to_document(predictions: Predictions, subject: Subject) -> dict[str, Any]:
    """The whole result as plain JSON values; shares are fractions."""
    bins = reliability_bins(predictions.confidences, predictions.is_right)
    return {
        "network": subject.network,
        "preset": subject.preset,
        "checkpoint_sha256": subject.checkpoint_sha256,
        "digits": subject.digits,
        "images_available": predictions.available,
        **summarise_predictions(predictions).to_dict(),
        "worst_confusions": [
            {"true": true, "answer": answer, "times": times}
            for true, answer, times in worst_confusions(predictions.matrix, CLASSES**2)
        ],
        "expected_calibration_error": expected_calibration_error(bins),
        "reliability": [asdict(part) for part in bins],
        "selective": [asdict(row) for row in selective_accuracy(predictions.confidences, predictions.is_right)],
        "predictions": [
            {"index": index, "true": true, "answer": answer, "probabilities": probabilities}
            for index, true, answer, probabilities in zip(
                predictions.indices.tolist(),
                predictions.labels.tolist(),
                predictions.answers.tolist(),
                predictions.probabilities.round(6).tolist(),
                strict=True,
            )
        ],
        "written_by": f"VGG Demo {__version__}",
    }


def predictions_csv(predictions: Predictions, subject: Subject) -> str:
    """One line an image: its place or name, the true digit, the answer, ten probabilities."""
    rows: list[list[Any]] = [["image", "true", "answer", "right", *(f"p{digit}" for digit in range(CLASSES))]]
    for position, index in enumerate(predictions.indices.tolist()):
        name = _safe_cell(subject.names[index]) if subject.names else index
        probabilities = [f"{p:.6f}" for p in predictions.probabilities[position]]
        rows.append([name, predictions.labels[position], predictions.answers[position],
                     int(predictions.is_right[position]), *probabilities])  # fmt: skip
    return _to_csv(rows)


def figures_csv(predictions: Predictions) -> str:
    """One line a digit: precision, recall, F1, support, and its row of the confusion matrix."""
    rows: list[list[Any]] = [
        ["digit", "precision", "recall", "f1", "support", *(f"read_as_{d}" for d in range(CLASSES))]
    ]
    for c in summarise_predictions(predictions).per_class:
        figures = ["" if share is None else f"{share:.6f}" for share in (c.precision, c.recall, c.f1)]
        rows.append([c.digit, *figures, c.support, *predictions.matrix[c.digit]])
    return _to_csv(rows)


def _to_csv(rows: list[list[Any]]) -> str:
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(rows)
    return table.getvalue()


def matrix_png(predictions: Predictions, subject: Subject, dpi: int = PRINT_DPI) -> bytes:
    """The confusion matrix for print: errors in orange by their number, right answers in blue."""
    counts = np.array(predictions.matrix)
    wrong = counts * (1 - np.eye(CLASSES, dtype=int))
    figure = new_figure(5.4, 5.2)
    axes = figure.add_subplot()
    strength = np.log1p(wrong) / np.log1p(max(1, wrong.max()))  # a log scale: one error must show beside fifty
    axes.imshow(_colours(strength, counts), aspect="equal")
    for true in range(CLASSES):
        for answer in range(CLASSES):
            if counts[true, answer]:
                dark = true == answer or strength[true, answer] > 0.6
                axes.text(answer, true, f"{counts[true, answer]:,}", ha="center", va="center", fontsize=7,
                          color="white" if dark else "black")  # fmt: skip
    axes.set(xticks=range(CLASSES), yticks=range(CLASSES), xlabel="the network's answer", ylabel="the true digit")
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    figure.suptitle(f"{subject.network}, {subject.digits}: {len(predictions):,} images", fontsize=9)
    return to_png(figure, dpi)


def curves_png(predictions: Predictions, subject: Subject, dpi: int = PRINT_DPI) -> bytes:
    """The reliability diagram and the trade-off of answering only when sure, for print."""
    bins = reliability_bins(predictions.confidences, predictions.is_right)
    rows = [row for row in selective_accuracy(predictions.confidences, predictions.is_right) if row.answered]
    figure = new_figure(8.4, 3.8)
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1, label="as sure as right")
    left.plot([b.confidence for b in bins], [b.accuracy for b in bins], color=BLUE, marker="o", label="this network")
    left.set(xlabel="how sure it is", ylabel="share that is right")
    left.set_title(f"expected calibration error {percent(expected_calibration_error(bins))}", fontsize=9)
    left.legend(fontsize=8)
    right.plot([row.coverage * 100 for row in rows], [(row.accuracy or 0) * 100 for row in rows],
               color=ORANGE, marker="s")  # fmt: skip
    right.set(xlabel="digits it still answers, %", ylabel="of those right, %")
    right.set_title("answering only when sure enough", fontsize=9)
    figure.suptitle(f"{subject.network}, {subject.digits}", fontsize=9)
    return to_png(figure, dpi)


def digit_png(image: npt.NDArray[np.uint8]) -> bytes:
    """One digit as a small PNG: uint8 (28, 28), ink light on dark."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def _colours(strength: npt.NDArray[Any], counts: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Colours of the matrix's cells, (10, 10, 3) in [0, 1]."""
    from matplotlib.colors import to_rgb

    blue, orange, white = (np.array(to_rgb(code)) for code in (BLUE, ORANGE, "white"))
    cells = white + strength[..., None] * (orange - white)
    diagonal = np.arange(CLASSES)
    cells[diagonal, diagonal] = np.where(counts.diagonal()[:, None] > 0, blue, white)
    return np.asarray(cells)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches."""
    from matplotlib.figure import Figure  # not pyplot: it keeps figures, and is not made for threads

    return Figure(figsize=(width, height), layout="constrained")


def to_png(figure: Figure, dpi: int) -> bytes:
    """The figure as a PNG."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    return file.getvalue()


def _safe_cell(text: str) -> str:
    """A name that a spreadsheet will not take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
