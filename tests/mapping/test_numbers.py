"""Money and whole numbers."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.mapping.values import (
    AMBIGUOUS,
    EMPTY,
    MALFORMED,
    WRONG_TYPE,
    InvalidValue,
    money,
    quantity,
    whole_number,
)


@pytest.mark.parametrize("value", [None, True, False, [], {}, [1]])
def test_money_is_a_number_or_text(value: Any) -> None:
    assert money(value, "EUR") is WRONG_TYPE


@pytest.mark.parametrize("value", [-1, -0.01, math.nan, math.inf, -math.inf, 2**64])
def test_a_negative_or_endless_number_is_no_money(value: Any) -> None:
    assert money(value, "EUR") is MALFORMED


@pytest.mark.parametrize("value", [0, 0.0, 12, 12.5, 1e300, 2**64 - 1])
def test_json_numbers_stay_as_they_are(value: Any) -> None:
    assert money(value, None) == value
    assert type(money(value, None)) is type(value)


@pytest.mark.parametrize("text", ["", " ", "\u00a0\n"])
def test_blank_text_is_no_money(text: str) -> None:
    assert money(text, "EUR") is EMPTY


@pytest.mark.parametrize(
    "text",
    [
        "free",
        "€",
        "EUR",
        "-5",
        "+5",
        "1e5",
        "0x10",
        "NaN",
        "inf",
        ".5",
        "5.",
        "5,",
        "1,2,3",
        "1.2.3",
        "1,234,56",
        "1.234.56",
        "1 23",
        "1 2345",
        "1234 567",
        "1 234\u00a0567",
        "1,234,567,89",
        "1.234.567.89",
        "1.234,567,890",
        "1 234,567.89",
        "0 500",
        "000.123.456",
        "12,50 € EUR",
        "€ 12 €",
        "€€12",
        "US$ 12",
        "12 EURO",
        "12 EU",
        "12 €/kg",
        "٣",
        "１２",
        "1_000",
        "9" * 21,
        "18446744073709551616",
        "9" * 5000,
        "9" * 400 + ".5",
    ],
)
def test_text_that_is_not_one_amount_is_malformed(text: str) -> None:
    assert money(text, "EUR") is MALFORMED


@pytest.mark.parametrize("text", ["1.234", "1,234", "12.345", "999,999", "€1.234", "1.234 EUR", " 1,234 "])
@pytest.mark.parametrize("currency", [None, "EUR", "USD", "JPY", "IQD"])
def test_three_digits_after_the_only_mark_are_ambiguous(text: str, currency: str | None) -> None:
    assert money(text, currency) is AMBIGUOUS


@pytest.mark.parametrize("currency", ["BHD", "JOD", "KWD", "LYD", "OMR", "TND"])
def test_three_digits_after_the_only_mark_are_decimals_in_a_currency_with_three(currency: str) -> None:
    assert money("1.234", currency) == 1.234
    assert money("1,234", currency) == 1.234


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("12", 12),
        (" 12 ", 12),
        ("007", 7),
        ("12.5", 12.5),
        ("12,50", 12.5),
        ("0.500", 0.5),
        ("0,5", 0.5),
        ("012.345", 12.345),
        ("1234.567", 1234.567),
        ("1234,56", 1234.56),
        ("12.3456", 12.3456),
        ("1 234", 1234),
        ("1 234,56", 1234.56),
        ("1 234.56", 1234.56),
        ("1\u00a0234,56", 1234.56),
        ("1\u202f234\u202f567,89", 1234567.89),
        ("1'234.50", 1234.5),
        ("1’234’567", 1234567),
        ("1,234.56", 1234.56),
        ("1.234,56", 1234.56),
        ("1,234,567", 1234567),
        ("1.234.567", 1234567),
        ("1.234.567,8", 1234567.8),
        ("12.345,678", 12345.678),
        ("18446744073709551615", 18446744073709551615),
        ("000000000000000000000000012", 12),
    ],
)
def test_text_that_can_be_read_in_one_way_is_that_number(text: str, expected: float) -> None:
    assert money(text, "EUR") == expected
    assert type(money(text, "EUR")) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        "€12,50",
        "€ 12,50",
        "12,50€",
        "12,50\u00a0€",
        "EUR 12,50",
        "12,50EUR",
        "12.50 eur",
        "$12.50",
        "¥12.50",
        "12.50₿",
    ],
)
def test_one_currency_before_or_behind_is_dropped(text: str) -> None:
    assert money(text, "EUR") == 12.5


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, WRONG_TYPE),
        (True, WRONG_TYPE),
        ([1], WRONG_TYPE),
        (0, MALFORMED),
        (-1, MALFORMED),
        (1.5, MALFORMED),
        (math.inf, MALFORMED),
        ("", EMPTY),
        ("two", MALFORMED),
        ("0", MALFORMED),
        ("1.5", MALFORMED),
        ("2 EUR", MALFORMED),
        ("1.000", AMBIGUOUS),
        (1, 1),
        (2.0, 2),
        ("3", 3),
        (" 3 ", 3),
        ("2.0", 2),
        ("1 000", 1000),
    ],
)
def test_a_quantity_is_a_whole_number_from_1(value: Any, expected: Any) -> None:
    assert quantity(value) == expected


def test_a_whole_number_has_the_least_value_it_is_asked_for() -> None:
    assert whole_number(0, 0) == 0
    assert whole_number("0", 0) == 0
    assert whole_number(4, 5) is MALFORMED


@given(st.decimals(0, 10**9, places=2))
def test_every_way_of_writing_an_amount_is_the_same_money(amount: Any) -> None:
    expected = float(amount)
    for group, mark in ((",", "."), (".", ","), (" ", ","), ("'", ".")):
        marks: dict[str, str | int | None] = {",": group, ".": mark}
        written = f"{amount:,}".translate(str.maketrans(marks))
        assert money(written, "EUR") == expected


@given(st.text(st.sampled_from("0123456789., '’\u00a0€$EURx-")), st.sampled_from([None, "EUR", "KWD"]))
def test_money_out_of_text_is_finite_and_not_negative_or_unusable(text: Any, currency: Any) -> None:
    amount = money(text, currency)
    assert isinstance(amount, InvalidValue) or (math.isfinite(amount) and amount >= 0)
