"""Numbers as a person writes them: one way for all sentences."""

from __future__ import annotations

import math
import re

import pytest

from tests.helpers import PROJECT
from vgg_demo.text import fill, short


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (29_041_440, "29,000,000"),
        (2_199_926, "2,200,000"),
        (3.4e9, "3.4·10⁹"),
        (7.25e13, "7.2·10¹³"),
        (999_999, "1,000,000"),
        (654_321, "650,000"),
        (1234, "1,200"),
        (12, "12"),
        (1, "1"),
        (0.17, "0.17"),
        (0.0999, "0.1"),
        (0.0012, "0.0012"),
        (0.00012, "1.2·10⁻⁴"),
        (2e-6, "2·10⁻⁶"),
        (1.5e-7, "1.5·10⁻⁷"),
        (1e-10, "10⁻¹⁰"),
        (-2e-6, "\N{MINUS SIGN}2·10⁻⁶"),
        (0.0, "0"),
        (-0.0, "0"),
        (math.nan, "–"),
        (math.inf, "∞"),
    ],
)
def test_short_number_has_two_digits_and_no_e(value: float, expected: str) -> None:
    assert short(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(-0.05, "\N{MINUS SIGN}0.05"), (1.23456, "1.235"), (123.44, "123.4"), (12_345, "12,340"), (1.2e-5, "1.2·10⁻⁵")],
)
def test_short_number_has_as_many_digits_as_are_asked_for(value: float, expected: str) -> None:
    assert short(value, 4) == expected


def test_fill_writes_percentages_with_a_space_and_numbers_short() -> None:
    text = fill("{a:0 %} and {b:2 %}, {c:short}, {d:,} and {e}", a=1.0, b=0.01819, c=1.5e-7, d=1234, e="x")

    assert text == "100 % and 1.82 %, 1.5·10⁻⁷, 1,234 and x"


def test_no_text_of_the_project_writes_a_percentage_without_a_space_or_an_e() -> None:
    for path in sorted({*(PROJECT / "vgg_demo").rglob("*.py")} - {PROJECT / "vgg_demo" / "text.py"}):
        assert not re.findall(r"\{[^{}\n]*:[^{}\n]*(?:\.\d%|\.\d?e)\}", path.read_text("utf-8")), path
