"""The result to take along: what is in the files equals the predictions."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score, confusion_matrix

from vgg_demo.export.html_report import html_report
from vgg_demo.export.result_files import Subject, curves_png, figures_csv, matrix_png, predictions_csv, to_document
from vgg_demo.predictions import Predictions

SUBJECT = Subject("my <b>network</b>", "test digits", "ab" * 32, "classroom")


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 10, 80)
    logits = rng.normal(size=(80, 10)).astype(np.float32)
    logits[np.arange(80), labels] += 2
    return Predictions(logits, labels, np.arange(80), 80)


@pytest.fixture(scope="module")
def images() -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng(2).integers(0, 256, (80, 28, 28)).astype(np.uint8)


def test_document_through_json_holds_what_scikit_learn_counts(predictions: Predictions) -> None:
    document = json.loads(json.dumps(to_document(predictions, SUBJECT)))

    rows = document["predictions"]
    true, answers = [row["true"] for row in rows], [row["answer"] for row in rows]
    assert document["accuracy"] == accuracy_score(true, answers)
    assert document["confusion_matrix"] == confusion_matrix(true, answers).tolist()
    assert all(np.argmax(row["probabilities"]) == row["answer"] for row in rows)
    assert document["accuracy_interval"][0] < document["accuracy"] < document["accuracy_interval"][1]
    assert document["selective"][0]["answered"] == 80


def test_csv_has_a_line_an_image_and_a_line_a_digit(predictions: Predictions) -> None:
    images = list(csv.DictReader(io.StringIO(predictions_csv(predictions, SUBJECT))))
    digits = list(csv.DictReader(io.StringIO(figures_csv(predictions))))

    assert [int(row["true"]) for row in images] == predictions.labels.tolist()
    assert sum(int(row["right"]) for row in images) == predictions.is_right.sum()
    assert sum(float(images[0][f"p{digit}"]) for digit in range(10)) == pytest.approx(1, abs=1e-5)
    assert [int(row["support"]) for row in digits] == np.bincount(predictions.labels, minlength=10).tolist()


def test_csv_with_a_name_like_a_formula_is_no_formula(predictions: Predictions) -> None:
    subject = Subject("n", "d", names=["=1+1", *(f"{i}.png" for i in range(1, 80))])

    first = next(csv.DictReader(io.StringIO(predictions_csv(predictions, subject))))

    assert first["image"] == "'=1+1"


@pytest.mark.parametrize("make", [matrix_png, curves_png])
def test_png_is_made_for_print(predictions: Predictions, make: object) -> None:
    with Image.open(io.BytesIO(make(predictions, SUBJECT))) as image:  # type: ignore[operator]
        assert image.format == "PNG"
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert image.width > 1_500
        assert len(image.convert("RGB").resize((50, 50)).getcolors(2_500) or []) > 5  # something is on it


class Sources(HTMLParser):
    """Collects everything that a page would fetch, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.urls += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")]


def test_html_report_is_self_contained_and_escapes_names(
    predictions: Predictions,
    images: np.ndarray,  # type: ignore[type-arg]
) -> None:
    page = html_report(predictions, images, SUBJECT, ["Looked at <once>."])

    sources = Sources()
    sources.feed(page)
    assert sources.urls
    assert all(url.startswith("data:image/png;base64,") for url in sources.urls)
    assert not {"script", "link", "iframe", "b"} & set(sources.tags)
    assert "url(" not in page
    assert "Looked at &lt;once&gt;." in page
    right = int(predictions.is_right.sum())
    assert f"{right:,} of 80 images are read right" in page
    assert len(re.findall("<figure>", page)) == min(60, 80 - right)
