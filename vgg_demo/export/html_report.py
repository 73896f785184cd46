"""The report as one HTML file: everything is inside it, so that it opens without a network, now and in ten years."""

from __future__ import annotations

import base64
from html import escape

import numpy as np
import numpy.typing as npt

from vgg_demo.colours import BLUE, ORANGE
from vgg_demo.evaluation import Evaluation, summarise_predictions
from vgg_demo.export.result_files import Subject, curves_png, digit_png, matrix_png
from vgg_demo.language import language
from vgg_demo.metrics import selective_accuracy, worst_confusions
from vgg_demo.predictions import Predictions
from vgg_demo.text import _, fill, ngettext, percent, percent_or_dash, translate

MISTAKES = 60
SCREEN_DPI = 130
HEAD = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title><style>{style}</style></head><body>
"""
STYLE = f"""
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; display: block; overflow-x: auto; }}
th, td {{ border: 1px solid #8886; padding: .2rem .6rem; text-align: right; }}
img {{ max-width: 100%; height: auto; }}
figure {{ display: inline-block; margin: .4rem; width: 6.5rem; vertical-align: top; font-size: .8rem; }}
figure img {{ width: 5.6rem; image-rendering: pixelated; }}
.figure {{ font-size: 2rem; font-weight: 700; margin: 0; }}
.right {{ background: {BLUE}22; font-weight: 600; }} .wrong {{ background: {ORANGE}33; }}
@media print {{ figure, table {{ break-inside: avoid; }} }}
"""


def html_report(predictions: Predictions, images: npt.NDArray[np.uint8], subject: Subject, notes: list[str]) -> str:
    """The whole result as one HTML document without scripts or links.

    images: uint8 (available, 28, 28), the set that predictions.indices point into. notes: sentences to put on top.
    """
    result = summarise_predictions(predictions)
    title = _("{network} on {digits}").format(network=subject.network, digits=translate(subject.digits))
    parts = [
        f"<h1>{escape(title)}</h1>",
        _headline(result, predictions),
        *(f"<p>{escape(note)}</p>" for note in notes),
        _heading(_("Worst confusions")),
        _confusions(predictions),
        _heading(_("Confusion matrix")),
        _image(matrix_png(predictions, subject, SCREEN_DPI), _("The matrix; the table below has the same numbers")),
        _matrix_table(predictions),
        _heading(_("Figures per digit")),
        _per_digit(result),
        _heading(_("Can its probabilities be trusted?")),
        _image(curves_png(predictions, subject, SCREEN_DPI), _("Reliability, and accuracy over the share answered")),
        _selective_table(predictions),
        _heading(_("Mistakes, the most confident first")),
        _mistakes(predictions, images, subject),
        f"<p><small>{escape(_origin(subject))}</small></p>",
    ]
    return HEAD.format(language=language(), title=escape(title), style=STYLE) + "\n".join(parts) + "\n</body></html>\n"


def _heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _image(png: bytes, alt: str) -> str:
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def _headline(result: Evaluation, predictions: Predictions) -> str:
    low, high = result.interval
    text = _("{right:,} of {n:,} images are read right. 95 % interval (Wilson): {low:2 %} to {high:2 %}. "
             "Loss {loss:.4f} (mean cross-entropy; 2.303 knows nothing).")  # fmt: skip
    text = fill(text, right=result.correct, n=result.n, low=low, high=high, loss=result.loss)
    if predictions.is_sample:
        text += " " + _("This is a sample of {available:,} images.").format(available=predictions.available)
    return f'<p class="figure">{percent(result.accuracy)}</p><p>{escape(text)}</p>'


def _confusions(predictions: Predictions) -> str:
    line = _("{true} read as {answer}: {times}×")
    worst = worst_confusions(predictions.matrix)
    lines = "".join(f"<li>{line.format(true=true, answer=answer, times=times)}</li>" for true, answer, times in worst)
    return f"<ul>{lines}</ul>" if worst else f"<p>{_('Every image was read right.')}</p>"


def _matrix_table(predictions: Predictions) -> str:
    def cell(true: int, answer: int, count: int) -> str:
        kind = "right" if true == answer else "wrong" if count else ""
        return f'<td class="{kind}">{count:,}</td>'

    body = ""
    for true, row in enumerate(predictions.matrix):
        cells = "".join(cell(true, answer, count) for answer, count in enumerate(row))
        body += f'<tr><th scope="row">{true}</th>{cells}</tr>'
    heads = "".join(f'<th scope="col">{digit}</th>' for digit in range(10))
    caption = _("Rows: the true digit. Columns: the network's answer.")
    head = f"<caption>{escape(caption)}</caption><thead><tr><td></td>{heads}</tr></thead>"
    return f"<table>{head}<tbody>{body}</tbody></table>"


def _per_digit(result: Evaluation) -> str:
    rows = [
        [str(c.digit), percent_or_dash(c.precision), percent_or_dash(c.recall), percent_or_dash(c.f1), f"{c.support:,}"]
        for c in result.per_class
    ]
    return _table([_("digit"), _("precision"), _("recall"), _("F1"), _("images")], rows)


def _selective_table(predictions: Predictions) -> str:
    rows = [
        [percent(row.threshold), f"{row.answered:,}", percent(row.coverage),
         percent_or_dash(row.accuracy)]
        for row in selective_accuracy(predictions.confidences, predictions.is_right)
    ]  # fmt: skip
    return _table([_("sure at least"), _("images answered"), _("share answered"), _("of those right")], rows)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _mistakes(predictions: Predictions, images: npt.NDArray[np.uint8], subject: Subject) -> str:
    positions = predictions.mistakes()
    intro = ngettext(
        "One mistake. Some labels are doubtful even to people.",
        "{count:,} mistakes; the first {shown:,} are shown. Some labels are doubtful even to people.",
        len(positions),
    )
    parts = [f"<p>{escape(intro.format(count=len(positions), shown=min(MISTAKES, len(positions))))}</p>"]
    for position in positions[:MISTAKES].tolist():
        index, true, answer = (int(a[position]) for a in (predictions.indices, predictions.labels, predictions.answers))
        name = subject.names[index] if subject.names else _("image {index}").format(index=index)
        case = fill(
            _("{true} read as {answer}, {sure:1 %} sure"),
            true=true,
            answer=answer,
            sure=float(predictions.confidences[position]),
        )
        picture = _image(digit_png(images[index]), f"{name}: {case}")
        parts.append(f"<figure>{picture}<figcaption>{escape(case)}<br>{escape(name)}</figcaption></figure>")
    return "".join(parts)


def _origin(subject: Subject) -> str:
    parts = [_("Written by VGG Demo.")]
    if subject.preset:
        parts.append(_("Preset: {preset}.").format(preset=subject.preset))
    if subject.checkpoint_sha256:
        parts.append(_("Checkpoint sha256: {sha256}.").format(sha256=subject.checkpoint_sha256))
    return " ".join([*parts, _("MNIST is by Yann LeCun, Corinna Cortes and Christopher Burges, CC BY-SA 3.0.")])
