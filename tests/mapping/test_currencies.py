"""Currency codes."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.mapping.values import EMPTY, MALFORMED, WRONG_TYPE, currency_code


@pytest.mark.parametrize("value", [None, 978, True, ["EUR"], {}])
def test_a_currency_is_text(value: Any) -> None:
    assert currency_code(value) is WRONG_TYPE


def test_blank_text_is_no_currency() -> None:
    assert currency_code(" ") is EMPTY


@pytest.mark.parametrize("text", ["€", "EU", "EURO", "ABC", "FRF", "XXX", "XTS", "XAU", "XDR", "978"])
def test_what_is_no_code_or_no_money_is_malformed(text: str) -> None:
    assert currency_code(text) is MALFORMED


@pytest.mark.parametrize(
    ("text", "expected"),
    [("EUR", "EUR"), (" eur ", "EUR"), ("usd", "USD"), ("Kwd", "KWD"), ("XPF", "XPF"), ("xof", "XOF")],
)
def test_a_code_is_in_capitals(text: str, expected: str) -> None:
    assert currency_code(text) == expected
