"""Postal codes, as short as they can be written."""

from __future__ import annotations

import pytest

from consumer.mapping.normalize.places import compact_postal_code, padded_postal_code, without_cedex


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("-", None, ""),
        ("cedex", "fr", ""),
        ("sw1a 2aa", "gb", "sw1a2aa"),
        ("94035-1234", None, "94035"),
        ("94035-1234", "us", "94035"),
        ("94035 1234", "us", "94035"),
        ("940351234", "us", "94035"),
        ("94035\u20131234", None, "94035"),
        ("94035", "us", "94035"),
        ("9403", "us", "9403"),
        ("a94035", "us", "a94035"),
        # without a country, only the form tells
        ("940351234", None, "940351234"),
        ("94035-123", None, "94035123"),
        ("94035-1234", "fr", "940351234"),
        ("01310-100", "br", "01310100"),
        ("00-950", None, "00950"),
        ("00-950", "pl", "00950"),
        ("f-75001", "fr", "75001"),
        ("f - 75001", "fr", "75001"),
        ("fr-75001", None, "75001"),
        ("a-1010", None, "1010"),
        ("b-1000", None, "1000"),
        ("ch-8001", "ch", "8001"),
        ("d-10115", None, "10115"),
        ("de\u201310115", None, "10115"),
        ("i-00118", None, "00118"),
        ("it-00118", None, "00118"),
        ("l-1009", None, "1009"),
        ("lv-1010", "lv", "lv1010"),
        ("f75001", "fr", "f75001"),
        ("1f-75001", None, "1f75001"),
        ("f-x75001", None, "fx75001"),
        ("75008 cedex 08", "fr", "75008"),
        ("75008 cedex", None, "75008"),
        ("75008cedex08", None, "75008"),
        ("k1a\u00a00a6", "ca", "k1a0a6"),
    ],
)
def test_a_code_loses_what_is_written_for_the_eye(text: str, country: str | None, expected: str) -> None:
    assert compact_postal_code(text, country) == expected


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("1000", None, "1000"),
        ("1000", "be", "1000"),
        ("100", "fr", "100"),
        ("10000", "fr", "10000"),
        ("-100", "fr", "-100"),
        ("1000", "fr", "01000"),
        ("2134", "us", "02134"),
        ("1067", "de", "01067"),
        ("9100", "it", "09100"),
        ("8001", "es", "08001"),
    ],
)
def test_a_number_gets_its_leading_zero_back_where_codes_have_five_digits(
    text: str, country: str | None, expected: str
) -> None:
    assert padded_postal_code(text, country) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("paris", "paris"),
        ("cedexia", "cedexia"),
        ("ancedex", "ancedex"),
        ("paris cedex", "paris "),
        ("paris cedex 08", "paris "),
        ("paris-cedex-08", "paris-"),
        ("paris\ncedex 8\nfrance", "paris\n"),
        ("lyon cedex 3e", "lyon "),
        ("paris_cedex_08", "paris_"),
    ],
)
def test_a_final_cedex_is_cut_off_with_what_follows(text: str, expected: str) -> None:
    assert without_cedex(text) == expected
