"""States and provinces."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.mapping.normalize.places import CANADA, US, state_code
from consumer.mapping.values import casefold_nfc

# ISO 3166-2, as people write the names; the Yukon with Meta's code.
OF_THE_US = """
    AL Alabama · AK Alaska · AZ Arizona · AR Arkansas · CA California · CO Colorado · CT Connecticut
    DE Delaware · FL Florida · GA Georgia · HI Hawaii · ID Idaho · IL Illinois · IN Indiana · IA Iowa
    KS Kansas · KY Kentucky · LA Louisiana · ME Maine · MD Maryland · MA Massachusetts · MI Michigan
    MN Minnesota · MS Mississippi · MO Missouri · MT Montana · NE Nebraska · NV Nevada
    NH New Hampshire · NJ New Jersey · NM New Mexico · NY New York · NC North Carolina · ND North Dakota
    OH Ohio · OK Oklahoma · OR Oregon · PA Pennsylvania · RI Rhode Island · SC South Carolina
    SD South Dakota · TN Tennessee · TX Texas · UT Utah · VT Vermont · VA Virginia · WA Washington
    WV West Virginia · WI Wisconsin · WY Wyoming · DC District of Columbia · DC Washington, D.C.
    AS American Samoa · GU Guam · MP Northern Mariana Islands · PR Puerto Rico
    UM U.S. Minor Outlying Islands · UM United States Minor Outlying Islands · VI Virgin Islands
    VI Virgin Islands, U.S. · VI U.S. Virgin Islands · VI United States Virgin Islands
"""
OF_CANADA = """
    AB Alberta · BC British Columbia · MB Manitoba · NB New Brunswick · NL Newfoundland
    NL Newfoundland and Labrador · NT Northwest Territories · NS Nova Scotia · NU Nunavut · ON Ontario
    PE Prince Edward Island · QC Quebec · QC Québec · SK Saskatchewan · YT Yukon · YT Yukon Territory
"""


def pairs(table: Any) -> list[Any]:
    """Pairs of a name and its code."""
    cells = table.replace("\n", "·").split("·")
    return [(name, short) for short, _, name in (cell.strip().partition(" ") for cell in cells) if name]


@pytest.mark.parametrize(
    ("country", "name", "short"),
    [("us", *pair) for pair in pairs(OF_THE_US)] + [("ca", *pair) for pair in pairs(OF_CANADA)],
)
def test_each_name_of_a_state_or_province_becomes_its_code(country: Any, name: Any, short: Any) -> None:
    for written in (name, name.upper(), f" {country}-{name} ", short):
        assert state_code(casefold_nfc(written), country) == short.lower()
        assert state_code(casefold_nfc(written), None) == short.lower()


def test_the_names_are_those_and_no_others() -> None:
    assert len(pairs(OF_THE_US)) == len(US) == 62
    assert len(pairs(OF_CANADA)) == len(CANADA) == 16


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("!@#$%", None, ""),
        ("california", None, "ca"),
        ("california.", "us", "ca"),
        ("c/a/lifo,rnia", None, "ca"),
        ("new york", "us", "ny"),
        ("n.y.", None, "ny"),
        ("west virginia", None, "wv"),
        ("district of columbia", "us", "dc"),
        ("puerto rico", "us", "pr"),
        ("guam", None, "gu"),
        ("american samoa", "us", "as"),
        ("northern mariana islands", "us", "mp"),
        ("u.s. virgin islands", "us", "vi"),
        ("virgin islands, u.s.", "us", "vi"),
        ("ontario", None, "on"),
        ("ontario", "ca", "on"),
        ("québec", "ca", "qc"),
        ("québec", None, "qc"),
        ("quebec", "ca", "qc"),
        ("newfoundland and labrador", "ca", "nl"),
        ("prince edward island", None, "pe"),
        ("yukon", None, "yt"),
        ("us-ca", None, "ca"),
        ("ca-on", None, "on"),
        ("us-california", "us", "ca"),
        ("us-ca", "us", "ca"),
        ("ca-qc", "ca", "qc"),
        ("fr-75", "fr", "75"),
        ("gb-eng", "gb", "eng"),
        # another country's prefix is part of the name
        ("us-ca", "fr", "usca"),
        ("ca-on", "us", "caon"),
        ("f-l", None, "fl"),
        # only in front is it a prefix
        ("corpus-ca", None, "corpusca"),
        ("orca-us-x", None, "orcausx"),
        ("île-de-france", "fr", "îledefrance"),
        ("île-de-france", None, "îledefrance"),
        ("nsw", "au", "nsw"),
        ("75", "fr", "75"),
        # names of the US and of Canada mean nothing elsewhere
        ("georgia", "ge", "georgia"),
        ("ontario", "us", "ontario"),
        ("california", "ca", "california"),
        ("zz", None, "zz"),
    ],
)
def test_a_state_is_its_code_where_meta_knows_one_else_its_name(
    text: str, country: str | None, expected: str
) -> None:
    assert state_code(text, country) == expected


def test_the_us_has_50_states_a_district_and_6_territories_and_canada_13_provinces() -> None:
    assert len(set(US.values())) == 57
    assert len(set(CANADA.values())) == 13


def test_no_code_is_the_name_of_another_place() -> None:
    every = {**US, **CANADA}
    assert {every.get(short, short) for short in every.values()} == set(every.values())
