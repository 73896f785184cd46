"""What the page says came of a training with a class's digits: better, worse, or nothing that could be shown."""

from __future__ import annotations

import numpy as np
import pytest

from vgg_demo.collection.outcome import Change
from vgg_demo.predictions import Predictions
from vgg_demo.ui.train.class_training import held_out_in_words, mnist_in_words


def answers(wrong: range, n: int) -> Predictions:
    """All right but those at these places."""
    logits = np.zeros((n, 10), np.float32)
    logits[:, 0] = 1
    logits[list(wrong), 1] = 2
    return Predictions(logits, np.zeros(n, np.int64), np.arange(n), n)


@pytest.mark.parametrize(
    ("before", "after", "held_out", "mnist", "evidence"),
    [
        (range(3), range(2, 4), "**For new hands it made no difference that 40 drawings could show**",
         "**It has forgotten nothing of MNIST that 40 digits could show**",
         "newly right: 2, newly wrong: 1; by chance as uneven in 100.0 % of cases"),
        (range(9), range(0), "**It reads new hands better than before**",
         "**MNIST's digits, too, it reads better than before**",
         "newly right: 9, newly wrong: 0; by chance as uneven in 0.4 % of cases"),  # 2 · 0.5⁹
        (range(0), range(15), "**It reads new hands worse than before**", "**It has forgotten some of MNIST**",
         "newly right: 0, newly wrong: 15; by chance as uneven in less than 0.1 % of cases"),
        (range(4), range(4), "**For new hands it made no difference that 40 drawings could show**",
         "**It has forgotten nothing of MNIST that 40 digits could show**", "the same digits are right and wrong"),
    ],
)  # fmt: skip
def test_outcome_in_words_says_what_the_counts_can_show(
    before: range, after: range, held_out: str, mnist: str, evidence: str
) -> None:
    change = Change(answers(before, 40), answers(after, 40))

    for words, expected in ((held_out_in_words(change), held_out), (mnist_in_words(change), mnist)):
        assert words.startswith(expected)
        assert evidence in words
