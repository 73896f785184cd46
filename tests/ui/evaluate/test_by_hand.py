"""A class's digits on the Evaluate tab: beside MNIST's, by digit and by hand."""

from __future__ import annotations

import time
from dataclasses import replace

from streamlit.testing.v1 import AppTest

from tests.collection.hands import drawing, fill
from vgg_demo.collection.store import open_collection
from vgg_demo.data import load_test
from vgg_demo.ui.evaluate import by_hand
from vgg_demo.ui.evaluate.results import DigitSet


def test_class_digits_are_evaluated_beside_mnist_and_hand_by_hand(app: AppTest) -> None:
    collection = open_collection("3b")
    fill(collection, hands=2)
    collection.add(replace(drawing(7, 48213907), digit=1))  # whoever was asked for a 1 has drawn a 7
    left_out = replace(drawing(7, 1001), digit=2)
    collection.add(left_out)
    collection.leave_out([left_out.id])
    app.query_params["tab"] = "Evaluate"
    app.session_state["evaluate_digits_shipped"] = "own"
    app.session_state["evaluate_section"] = "hands"

    app.run()
    next(button for button in app.button if button.label == "Evaluate on your own digits").click().run()
    deadline = time.monotonic() + 60
    while not app.metric and time.monotonic() < deadline:
        app.run()

    assert {metric.label: metric.value for metric in app.metric}["Right"] == "20 / 21"
    beside = app.table[0].value
    assert list(beside["digits"]) == ["this class", "MNIST's test digits"]
    assert list(beside["accuracy"]) == ["95.24 %", "99.61 %"]
    assert beside["95 % interval"][0] == "77.33 % – 99.15 %"  # Wilson's, of 20 in 21
    by_digit, hands = (frame.value for frame in app.dataframe[-2:])
    assert by_digit["this class"][1] == "2 / 3"
    assert by_digit["MNIST's test digits"][1].endswith(" / 1,135")
    assert list(hands["hand"]) == ["hand 4821 3907", "hand 0000 1001", "hand 0000 1002"]
    assert list(hands["read right"]) == ["0 / 1", "10 / 10", "10 / 10"]
    assert list(hands["misread"]) == ["1 as 7", "", ""]


def test_zip_of_a_collection_says_whose_hand_each_is_and_other_zips_do_not() -> None:
    own = DigitSet("own-x", "pictures", load_test, ["1/hand-7-00aa11.png", "2/hand-9-00aa11.png"])
    other = DigitSet("own-y", "pictures", load_test, ["1/hand-7-00aa11.png", "2/photo.png"])

    assert by_hand.hands(own) == [7, 9]
    assert by_hand.hands(other) == []
