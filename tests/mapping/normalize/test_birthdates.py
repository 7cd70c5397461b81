"""Birthdates, as YYYYMMDD."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.mapping.normalize.fields import birthdate_digits
from consumer.mapping.rules import BirthdateOrder
from consumer.mapping.values import AMBIGUOUS, MALFORMED

TODAY = datetime.date(2026, 3, 1)
ORDERS = [None, BirthdateOrder.DMY, BirthdateOrder.MDY]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "hello world",
        "1997-02-30",
        "1997-00-10",
        "1997-13-01",
        "32-05-1990",
        "13-13-1990",
        "00-15-1990",
        "29-02-1999",
        "199012311999",
        "1997-02/16",
        "1997--02-16",
        "97-02-16",
        "16-02-97",
        "1997-002-16",
        "1997,02,16",
        "1997-02-16x",
        "1997-02-16t",
        "1997-02-16t00",
        "1997-02-16t:00",
        "1997-02-16 010:00",
        "1997-02-16 10:0",
        "1997-02-16 10:x0",
        "1997--16",
        "1997-02-",
        "1997-02-016",
        "-02-1997",
        "16--1997",
        "016-02-1997",
        "16-002-1997",
        "16-02-19970",
        "19970-02-16",
        "1997a02a16",
        "1997-02-16-10:00",
        "-19970216",
        "١٩٩٧-٠٢-١٦",
        "0000-01-01",
    ],
)
def test_what_is_no_date_is_malformed(text: str, order: Any) -> None:
    assert birthdate_digits(text, order, TODAY) is MALFORMED


@pytest.mark.parametrize(
    "text", ["1899-12-31", "1900-01-01", "1970-01-01", "01.01.1970", "2026-03-02", "9999-12-31"]
)
def test_a_date_that_is_nobodys_birthdate_is_malformed(text: str) -> None:
    assert birthdate_digits(text, None, TODAY) is MALFORMED


@pytest.mark.parametrize("text", ["02/03/1997", "2.3.1997", "12-11-1997", "11/12/1997", "02 03 1997 10:00"])
def test_a_date_with_two_readings_is_ambiguous(text: str) -> None:
    assert birthdate_digits(text, None, TODAY) is AMBIGUOUS


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("02/03/1997", BirthdateOrder.DMY, "19970302"),
        ("02/03/1997", BirthdateOrder.MDY, "19970203"),
        ("16/02/1997", BirthdateOrder.MDY, "19970216"),
        ("02/16/1997", BirthdateOrder.DMY, "19970216"),
    ],
)
def test_the_setting_decides_only_what_is_ambiguous(text: str, order: Any, expected: str) -> None:
    assert birthdate_digits(text, order, TODAY) == expected


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1997-02-16", "19970216"),
        ("1997-2-6", "19970206"),
        ("1997/02/16", "19970216"),
        ("1997.02.16", "19970216"),
        ("1997_02_16", "19970216"),
        ("1997 02 16", "19970216"),
        ("19970216", "19970216"),
        ("16-02-1997", "19970216"),
        ("16/02/1997", "19970216"),
        ("16_02_1997", "19970216"),
        ("16 02 1997", "19970216"),
        ("16.2.1997", "19970216"),
        ("2/16/1997", "19970216"),
        ("02/02/1997", "19970202"),
        ("13/02/1997", "19970213"),
        ("02/13/1997", "19970213"),
        ("12/12/1997", "19971212"),
        ("1997-02-16t00:00:00z", "19970216"),
        ("1997-02-16 0:00", "19970216"),
        ("1997-02-16 23:59:59.999+02:00\nanything", "19970216"),
        ("19970216t10:00", "19970216"),
        ("2/16/1997 12:00 am", "19970216"),
        ("1997 02 16 10:00", "19970216"),
        ("2000-02-29", "20000229"),
        ("1900-01-02", "19000102"),
        ("1970-01-02", "19700102"),
        ("2026-03-01", "20260301"),
    ],
)
def test_a_date_without_doubt_is_read_whatever_the_setting(text: str, expected: str, order: Any) -> None:
    assert birthdate_digits(text, order, TODAY) == expected


@given(st.dates(datetime.date(1900, 1, 2), TODAY), st.sampled_from("-/._ "), st.sampled_from(ORDERS))
def test_every_date_with_its_year_first_is_read(date: Any, separator: Any, order: Any) -> None:
    if date == datetime.date(1970, 1, 1):
        return
    expected = date.strftime("%Y%m%d")
    assert birthdate_digits(date.strftime(f"%Y{separator}%m{separator}%d"), order, TODAY) == expected
    assert birthdate_digits(expected, order, TODAY) == expected
