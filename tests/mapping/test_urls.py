"""Addresses of pages: what is taken out, and that the rest stays byte for byte."""

from __future__ import annotations

import time
from typing import Any

import pytest

from consumer.domain.decision import WarningCode
from consumer.mapping.redaction import clean_url, click_id
from consumer.mapping.values import InvalidValue

SHOP = "https://shop.example.com"


@pytest.mark.parametrize(
    "url",
    [
        SHOP,
        f"{SHOP}/",
        f"{SHOP}?",
        f"{SHOP}#",
        f"{SHOP}/?#",
        "http://shop.example.com:8080/a",
        "HTTPS://Shop.EXAMPLE.com/A%2fb/./../c//d",
        f"{SHOP}/?b=2&a=1&&c&=&d==&a=1",
        f"{SHOP}/caf%C3%A9/café?q=un+caf%e9&x=%zz&y=100%",
        f"{SHOP}/?next=https%3A%2F%2Fother.example.org%2F%3Fa%3D1#top",
        f"{SHOP}/a b?c d#e f",
        f"{SHOP}/a\nb?c\nd#e\nf",
        f"{SHOP}/@handle/status?via=@handle&at=5@home",
        f"{SHOP}/?mailing=1&emails=2&myphone=3&addresses=4",
        "https://[2001:db8::1]:443/x",
        f"{SHOP}/" + "a/" * 2_000,
    ],
)
def test_an_address_without_personal_data_stays_byte_for_byte(url: Any) -> None:
    assert clean_url(url) == (url, False)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://ann@shop.example.com/", f"{SHOP}/"),
        ("https://ann:secret@shop.example.com:8080/x", f"{SHOP}:8080/x"),
        ("https://ann@example.com:secret@shop.example.com", SHOP),
        ("https://@shop.example.com/", f"{SHOP}/"),
        (f"{SHOP}/?email=x", f"{SHOP}/"),
        (f"{SHOP}/?a=1&email=x&b=2", f"{SHOP}/?a=1&b=2"),
        (f"{SHOP}/?a=1&email&b=2", f"{SHOP}/?a=1&b=2"),
        (f"{SHOP}/?E-Mail=x&First_Name=x&PHONE+number=x&birth%20day=x&b=2", f"{SHOP}/?b=2"),
        (f"{SHOP}/?%65mail=x&%2565mail=x&b=%65", f"{SHOP}/?b=%65"),
        (f"{SHOP}/?u=ann@example.com&b", f"{SHOP}/?b"),
        (f"{SHOP}/?u=ann%40example.com&b", f"{SHOP}/?b"),
        (f"{SHOP}/?u=ann%2540example.com&b", f"{SHOP}/?b"),
        (f"{SHOP}/?u=ann%40example%2Ecom&b", f"{SHOP}/?b"),
        (f"{SHOP}/?u=mail+to+ann@example.com+now&b", f"{SHOP}/?b"),
        (f"{SHOP}/?ann@example.com=1&b", f"{SHOP}/?b"),
        (f"{SHOP}/?next=https%3A%2F%2Fx.example%2F%3Fu%3Dann%2540example.com&b", f"{SHOP}/?b"),
        (f"{SHOP}/account/ann@example.com/orders", f"{SHOP}/account/*****/orders"),
        (f"{SHOP}/ann%40example.com", f"{SHOP}/*****"),
        (f"{SHOP}/ann%2540example.com?b", f"{SHOP}/*****?b"),
        (f"{SHOP}/a/#ann@example.com", f"{SHOP}/a/#*****"),
        (f"{SHOP}/a?b#/account/ann%40example.com", f"{SHOP}/a?b#*****"),
        (f"  {SHOP}/?email=x ", f"{SHOP}/"),
    ],
)
def test_personal_data_is_taken_out(url: str, expected: Any) -> None:
    assert clean_url(url) == (expected, True)


def test_trimming_is_not_cleaning() -> None:
    assert clean_url(f" {SHOP}/ \n") == (f"{SHOP}/", False)


@pytest.mark.parametrize("url", [f"{SHOP}/?u=ann%252540example.com", f"{SHOP}/ann%252540example.com"])
def test_two_decodings_are_enough(url: str) -> None:
    assert clean_url(url) == (url, False)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("", "malformed"),
        ("/relative", "malformed"),
        ("shop.example.com/", "malformed"),
        ("//shop.example.com/", "malformed"),
        ("ftp://shop.example.com/", "malformed"),
        ("javascript:alert(1)", "malformed"),
        ("https:/shop.example.com", "malformed"),
        ("https://", "malformed"),
        ("https:///path", "malformed"),
        ("https://?a=1", "malformed"),
        ("https://:80/", "malformed"),
        ("https://ann@/", "malformed"),
        ("https://shop example.com/", "malformed"),
        ("https://shop\u00a0example.com/", "malformed"),
        ("https://shop.example.com\\@other.example.org/", "malformed"),
        ("https://shop.example.com\\x/", "malformed"),
        ("https://ann%40example.com/", "personal_data"),
        (5, "wrong_type"),
        (None, "wrong_type"),
        ([SHOP], "wrong_type"),
        ({"href": SHOP}, "wrong_type"),
    ],
)
def test_what_is_no_absolute_web_address_is_unusable(url: Any, word: str) -> None:
    assert clean_url(url) == InvalidValue(WarningCode(word))


@pytest.mark.parametrize(
    "text", ["@" * 200_000, "a@" * 100_000, "a" * 200_000 + "@", "&" * 200_000, "%40" * 70_000]
)
def test_cleaning_takes_time_in_proportion(text: str) -> None:
    begun = time.process_time()
    clean_url(f"{SHOP}/{text}?{text}#{text}")
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"{SHOP}/?fbclid=AbC_-9", "AbC_-9"),
        (f"{SHOP}/?a=1&fbclid=AbC#x", "AbC"),
        (f"{SHOP}/?fbclid=first&fbclid=second", "first"),
        (f"{SHOP}/?fbclid=%41%42", "AB"),
        (f"{SHOP}/?fbclid=%2541", "%41"),
        (f"{SHOP}/?fbclid=a+b", "a+b"),
        (f"{SHOP}/?fbclid=", ""),
        (f"{SHOP}/?fbclid", ""),
        (f"{SHOP}/?FBCLID=x", None),
        (f"{SHOP}/?xfbclid=x", None),
        (f"{SHOP}/#?fbclid=x", None),
        (f"{SHOP}/fbclid=x", None),
        (SHOP, None),
    ],
)
def test_a_click_id_is_the_first_fbclid_parameter(url: Any, expected: str | None) -> None:
    assert click_id(url) == expected
