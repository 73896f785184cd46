"""Ten lines over the steps, and when a digit was read right, in words."""

from __future__ import annotations

import pytest

from vgg_demo.runs.pinned import Answers
from vgg_demo.ui.train.pinned_charts import MOST_POINTS, at_step, story_in_words, ten_lines, thinned


def said(*digits: int) -> Answers:
    """Answers of 91 % after the steps 0, 10, 20 …"""
    rows = [[0.91 if place == digit else 0.01 for place in range(10)] for digit in digits]
    return Answers([10 * step for step in range(len(digits))], rows)


@pytest.mark.parametrize(
    ("seen", "label", "words"),
    [
        (said(1, 7, 7), 7, "It has read this 7 right from step 10 on."),
        (said(1, 7, 1, 7), 7, "It has read this 7 right from step 30 on, and for the first time at step 10."),
        (said(7, 1), 7, "It first read this 7 right at step 0, but its last answer is 1 (91.0 %)."),
        (said(1, 1), 7, "It never read this 7 right; its last answer is 1 (91.0 %)."),
        (said(4), None, "Its last answer is 4 (91.0 %)."),
    ],
)
def test_story_says_when_the_digit_was_read_right(seen: Answers, label: int | None, words: str) -> None:
    assert story_in_words(seen, label) == words


def test_lines_of_a_long_run_are_thinned_and_keep_both_ends() -> None:
    steps = list(range(0, 90_000, 9))

    kept = thinned(steps)

    assert (kept[0], kept[-1]) == (0, steps[-1])
    assert MOST_POINTS / 2 < len(kept) <= MOST_POINTS + 1
    assert thinned([3]) == [3]
    assert thinned([]) == []


def test_bars_after_a_step_are_those_measured_last_before_it() -> None:
    seen = said(1, 7, 4)

    assert at_step(seen, 19) == seen.probabilities[1]
    assert at_step(seen, 20) == at_step(seen, 99) == seen.probabilities[2]
    assert at_step(Answers([5], [seen.probabilities[0]]), 0) == seen.probabilities[0]


def test_lines_are_ten_and_the_digit_that_is_meant_is_bold() -> None:
    drawn = ten_lines(said(1, 7, 7), 7)

    assert drawn["x"] == [0, 10, 20]
    lines = {line["name"]: line for line in drawn["lines"]}
    assert list(lines) == [str(digit) for digit in range(10)]
    assert lines["7"]["values"] == [1.0, 91.0, 91.0]
    assert lines["7"]["width"] > lines["1"]["width"] > lines["4"]["width"]
    assert lines["7"]["colour"] not in (lines["1"]["colour"], lines["4"]["colour"])
