"""Phone numbers: country code and number."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.mapping.normalize.phones import phone_digits
from consumer.mapping.values import MALFORMED, NO_COUNTRY


@pytest.mark.parametrize(
    "text",
    ["call me", "<>", "+", "00", "0000", "123456", "+123456", "1234567890123456", "+" + "1" * 300, "1" * 300],
)
def test_fewer_than_7_or_more_than_15_digits_are_malformed(text: str) -> None:
    assert phone_digits(text, None) is MALFORMED


@pytest.mark.parametrize("text", ["1234567", "123456789012345"])
def test_7_and_15_digits_are_a_number(text: str) -> None:
    assert phone_digits(text, None) == text


@pytest.mark.parametrize(
    "text", ["06 12 34 56 78", "0612345678", "(0)6 12 34 56 78", "0 800 123 456", "tel. 01/42868326"]
)
def test_a_national_number_without_a_country_is_no_number(text: str) -> None:
    assert phone_digits(text, None) is NO_COUNTRY


def test_a_national_number_that_is_not_valid_in_its_country_is_no_number() -> None:
    assert phone_digits("00 12", "fr") is MALFORMED
    assert phone_digits("0 12 34 56", "fr") is NO_COUNTRY
    assert phone_digits("06 12 34 56 78", "aq") is NO_COUNTRY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+33 (0)6 12 34 56 78", "33612345678"),
        ("+33612345678", "33612345678"),
        ("tel:+33-6-12-34-56-78", "33612345678"),
        ("mobile (+33) 6 12 34 56 78", "33612345678"),
        ("+33_0_6 12 34 56 78", "33612345678"),
        ("+39 06 1234 5678", "390612345678"),
        ("+1 (650) 555-1212", "16505551212"),
        ("+1 650 555 1212 ext. 123", "16505551212"),
        ("+1 800 flowers", "18003569377"),
        ("+49 30 12345678", "493012345678"),
        ("+44 (0) 20 7946 0018", "442079460018"),
        ("+٣٣ ٦ ١٢ ٣٤ ٥٦ ٧٨", "33612345678"),
        ("0033612345678", "33612345678"),
        ("00 33 (0)6 12 34 56 78", "33612345678"),
        ("(00)33612345678", "33612345678"),
        ("+33+612345678", "33612345678"),
        ("00 1 650 555 1212 ext. 5", "16505551212"),
        # not valid: the digits as they are, without leading zeros
        ("+1-555-123-4567 ext. 123", "15551234567123"),
        ("+001 (616) 954-78 88", "16169547888"),
        ("000555123456", "555123456"),
        ("+999 1234567", "9991234567"),
    ],
)
@pytest.mark.parametrize("country", [None, "fr", "us"])
def test_an_international_number_is_read_as_libphonenumber_reads_it_in_any_country(
    text: str, country: str | None, expected: str
) -> None:
    assert phone_digits(text, country) == expected


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("06.12.34.56.78", "fr", "33612345678"),
        ("06 12 34 56 78 (bureau)", "fr", "33612345678"),
        ("06_12_34_56_78", "fr", "33612345678"),
        ("٠٦ ١٢ ٣٤ ٥٦ ٧٨", "fr", "33612345678"),
        ("6 12 34 56 78", "fr", "33612345678"),
        ("33612345678", "fr", "33612345678"),
        ("(650)555-1212", "us", "16505551212"),
        ("1 650 555 1212", "us", "16505551212"),
        ("416 555 0123", "ca", "14165550123"),
        ("06 1234 5678", "it", "390612345678"),
        ("011 33 6 12 34 56 78", "us", "33612345678"),
        ("030 12345678", "de", "493012345678"),
        ("06+12345678", "fr", "33612345678"),
        ("011_15_2345_6789", "ar", "5491123456789"),
    ],
)
def test_a_national_number_is_read_as_dialled_in_its_country(text: str, country: str, expected: str) -> None:
    assert phone_digits(text, country) == expected


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("16505551212", None, "16505551212"),
        ("16505551212", "fr", "16505551212"),
        ("555 123 4567", None, "5551234567"),
        ("555%123%4567", "us", "5551234567"),
        ("!1@2#3$4%5^6&7*8(9)0", None, "1234567890"),
    ],
)
def test_digits_that_do_not_start_with_0_stay_when_they_are_not_valid(
    text: str, country: str | None, expected: str
) -> None:
    assert phone_digits(text, country) == expected


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("01 23 45 67 x89", "fr", NO_COUNTRY),
        ("020 7946 09 x58", "gb", NO_COUNTRY),
        ("0612345678,5", "br", NO_COUNTRY),
        ("234-5678 x901", "us", "2345678901"),
    ],
)
def test_an_extension_does_not_complete_a_number_that_is_too_short(
    text: str, country: str, expected: Any
) -> None:
    assert phone_digits(text, country) == expected


@given(
    st.text(st.sampled_from("0123456789+- ()ext.;x/٣abc")), st.sampled_from([None, "fr", "us", "it", "aq"])
)
def test_a_number_is_7_to_15_digits_or_unusable(text: Any, country: Any) -> None:
    number = phone_digits(text, country)
    assert number in (MALFORMED, NO_COUNTRY) or (
        isinstance(number, str) and number.isascii() and number.isdigit() and 7 <= len(number) <= 15
    )
