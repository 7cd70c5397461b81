"""States and provinces."""

import pytest

from consumer.core.states import CANADA, US, code


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
def test_a_state_is_its_code_where_meta_knows_one_else_its_name(text, country, expected):
    assert code(text, country) == expected


def test_the_us_has_50_states_a_district_and_6_territories_and_canada_13_provinces():
    assert len(set(US.values())) == 57
    assert len(set(CANADA.values())) == 13


def test_no_code_is_the_name_of_another_place():
    every = {**US, **CANADA}
    assert {every.get(short, short) for short in every.values()} == set(every.values())
