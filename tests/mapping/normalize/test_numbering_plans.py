"""What a numbering plan answers is what libphonenumber answers; where it would not be, it says nothing."""

from __future__ import annotations

from typing import Any

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.mapping.normalize.phones import at_home, from_abroad, plan

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
EXAMPLES = [
    (region, number)
    for region in REGIONS
    for kind in range(11)
    if (number := phonenumbers.example_number_for_type(region, kind)) is not None
]


def by_libphonenumber(number: Any, region: Any = None) -> str | None:
    """E.164 without its `+` of a number that is valid, else None."""
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)[1:]


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("33612345678", "33612345678"),
        ("330612345678", "33612345678"),
        ("16505551212", "16505551212"),
        ("14165550123", "14165550123"),
        ("12684641234", "12684641234"),
        ("442079460018", "442079460018"),
        ("441481256789", "441481256789"),
        ("390612345678", "390612345678"),
        ("79123456789", "79123456789"),
    ],
)
def test_a_number_from_abroad_is_calling_code_and_number(digits: str, expected: str) -> None:
    assert from_abroad(digits) == expected


@pytest.mark.parametrize(
    ("digits", "country", "expected"),
    [
        ("0612345678", "fr", "33612345678"),
        ("612345678", "fr", "33612345678"),
        ("33612345678", "fr", "33612345678"),
        ("6505551212", "us", "16505551212"),
        ("16505551212", "us", "16505551212"),
        ("4165550123", "us", "14165550123"),
        ("16505551212", "ca", "16505551212"),
        ("02079460018", "gb", "442079460018"),
        ("01481256789", "gb", "441481256789"),
        ("0612345678", "it", "390612345678"),
        ("3931234567", "it", "393931234567"),
        ("89123456789", "ru", "79123456789"),
    ],
)
def test_a_number_at_home_loses_its_trunk_prefix_and_gains_the_calling_code(
    digits: str, country: str, expected: str
) -> None:
    assert at_home(digits, country) == expected


@pytest.mark.parametrize(
    "digits",
    [
        "",
        "0",
        "0033612345678",  # libphonenumber is patient with the zeros
        "33012345678",  # valid nowhere
        "3361234567",
        "336123456789",
        "9991234567",  # no such calling code
        "80012345678",  # of no country
        "15551234567",
        "12685551212",  # area of Antigua, none of its numbers
        "5434115550123",  # Argentina's prefix rewrites what follows it
    ],
)
def test_from_abroad_nothing_is_said_of_a_number_that_only_libphonenumber_may_judge(digits: str) -> None:
    assert from_abroad(digits) is None


@pytest.mark.parametrize(
    ("digits", "country"),
    [
        ("0612345678", "aq"),  # no telephones
        ("0612345678", "xx"),
        ("0033612345678", "fr"),  # dials out of France
        ("01133612345678", "us"),
        ("0712345678", "fr"),  # valid nowhere
        ("330612345678", "fr"),  # a calling code, or not
        ("33012345678", "fr"),
        ("39312345678901", "it"),  # too long at home
        ("01115550123", "ar"),
        ("5551234", "ag"),  # seven digits that the prefix completes with the area
    ],
)
def test_at_home_nothing_is_said_of_a_number_that_only_libphonenumber_may_judge(
    digits: str, country: str
) -> None:
    assert at_home(digits, country) is None


@pytest.mark.parametrize("region", REGIONS)
def test_every_country_has_a_plan_with_its_calling_code(region: Any) -> None:
    found = plan(region)
    assert found is not None
    assert found.calling_code == str(phonenumbers.country_code_for_region(region))


def test_every_example_of_every_country_is_answered_from_abroad() -> None:
    examples = [phonenumbers.format_number(n, phonenumbers.PhoneNumberFormat.E164)[1:] for _, n in EXAMPLES]
    assert len(examples) > 1_000
    rewritten = [digits for digits in examples if from_abroad(digits) != digits]
    # A trunk prefix may look like the beginning of a number: those go the long way.
    assert len(rewritten) < 0.02 * len(examples)
    assert all(from_abroad(digits) is None for digits in rewritten)


DIGITS = st.text("0123456789", max_size=3)


@st.composite
def dialled(draw: Any) -> Any:
    """A country, and digits that are or nearly are a number of one, with anything dialled before."""
    region, number = draw(st.sampled_from(EXAMPLES))
    national = phonenumbers.national_significant_number(number)
    cut = draw(st.integers(0, len(national)))
    changed = national[:cut] + draw(DIGITS) + national[cut + draw(st.integers(0, 3)) :]
    before = draw(st.sampled_from(["", "0", "1", "8", "00", "06", str(number.country_code)]))
    return draw(st.sampled_from([region, region, "FR", "US", "IT"])), before + changed


@settings(max_examples=1_500, deadline=None)
@given(dialled())
def test_what_a_plan_answers_libphonenumber_answers(home: Any) -> None:
    region, digits = home
    assert from_abroad(digits) in (None, by_libphonenumber("+" + digits))
    assert at_home(digits, region.lower()) in (None, by_libphonenumber(digits, region))
