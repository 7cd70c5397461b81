"""When something happened, in unix seconds."""

from __future__ import annotations

import datetime
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.mapping.event_fields import unix_ms
from consumer.mapping.values import EMPTY, MALFORMED, WRONG_TYPE, InvalidValue


def unix_seconds(value: Any) -> InvalidValue | int:
    """The whole second, or why there is none."""
    found = unix_ms(value)
    return found if isinstance(found, InvalidValue) else found // 1000


@pytest.mark.parametrize("value", [None, True, False, [], {}, [1700000000]])
def test_a_time_is_a_number_or_text(value: Any) -> None:
    assert unix_seconds(value) is WRONG_TYPE


@pytest.mark.parametrize("text", ["", " \n"])
def test_blank_text_is_no_time(text: str) -> None:
    assert unix_seconds(text) is EMPTY


@pytest.mark.parametrize(
    "value",
    [
        0,
        -1,
        0.9,
        -1700000000.5,
        math.nan,
        math.inf,
        -math.inf,
        "0",
        "0.9",
        "-1",
        "+1700000000",
        "1.7e9",
        "1,700,000,000",
        "1700000000.",
        ".5",
        "0x10",
        "1" * 31,
        "١٧٠٠٠٠٠٠٠٠",
        "now",
        "2023-11-14",
        "2023-11-14T22",
        "2023-11-14T2:13:20Z",
        "2023-11-14X22:13:20Z",
        "2023-11-14T22:13:20,5Z",
        "2023-11-14T22:13:20.Z",
        "2023-11-14T22:13:20+01",
        "2023-11-14T22:13:20 +01:00",
        "2023-11-14T22:13:20UTC",
        "2023-11-14T24:00:00Z",
        "2023-11-14T22:60:00Z",
        "2023-11-14T22:13:61Z",
        "2023-11-14T22:13:20+24:00",
        "2023-11-14T22:13:20+01:60",
        "2023-02-30T22:13:20Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "20231114T221320Z",
        "Tue, 14 Nov 2023 22:13:20 GMT",
    ],
)
def test_what_is_no_time_after_1970_is_malformed(value: Any) -> None:
    assert unix_seconds(value) is MALFORMED


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1),
        (1700000000, 1700000000),
        (1700000000.999, 1700000000),
        (99_999_999_999, 99_999_999_999),
        (100_000_000_000, 100_000_000),
        (1700000000999, 1700000000),
        (1700000000999.5, 1700000000),
        (99_999_999_999_999, 99_999_999_999),
        (100_000_000_000_000, 100_000_000),
        (1700000000999999, 1700000000),
        (99_999_999_999_999_999, 99_999_999_999),
        (100_000_000_000_000_000, 100_000_000),
        (1700000000999999999, 1700000000),
        (1.7e18, 1700000000),
        ("1700000000", 1700000000),
        (" 1700000000 ", 1700000000),
        ("1700000000.999", 1700000000),
        ("1700000000999", 1700000000),
        ("1700000000999.9", 1700000000),
        ("1700000000999999", 1700000000),
        ("1700000000999999999", 1700000000),
    ],
)
def test_the_size_of_a_number_tells_its_unit_and_the_rest_is_cut_off(
    value: float | int | str, expected: int
) -> None:
    assert unix_seconds(value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-11-14T22:13:20Z", 1700000000),
        ("2023-11-14t22:13:20z", 1700000000),
        ("2023-11-14 22:13:20Z", 1700000000),
        ("2023-11-14T22:13:20", 1700000000),
        ("2023-11-14T22:13:20.999999999Z", 1700000000),
        ("2023-11-14T23:13:20+01:00", 1700000000),
        ("2023-11-14T23:13:20+0100", 1700000000),
        ("2023-11-14T17:43:20-04:30", 1700000000),
        ("2023-11-14T22:13:20-00:00", 1700000000),
        ("2023-11-14T22:13Z", 1699999980),
        ("2023-11-14T22:13", 1699999980),
        ("2023-11-14T23:13+01:00", 1699999980),
        ("2016-12-31T23:59:60Z", 1483228800),
        ("1970-01-01T00:00:01Z", 1),
        ("9999-12-31T23:59:59-23:59", 253402387139),
    ],
)
def test_rfc_3339_is_read_with_or_without_seconds_zone_and_colon(text: str, expected: int) -> None:
    assert unix_seconds(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1700000000, 1700000000000),
        (1700000000.25, 1700000000250),
        (1700000000123, 1700000000123),
        (1700000000123.9, 1700000000123),
        (1700000000123456, 1700000000123),
        (1700000000123456789, 1700000000123),
        ("1700000000.9", 1700000000900),
        ("1700000000.1239", 1700000000123),
        ("2023-11-14T22:13:20.999999Z", 1700000000999),
        ("2023-11-14T22:13:20.5+00:00", 1700000000500),
        ("2023-11-14T22:13:20Z", 1700000000000),
    ],
)
def test_milliseconds_are_kept_and_what_is_finer_is_cut_off(value: float | int | str, expected: int) -> None:
    assert unix_ms(value) == expected


@given(
    st.datetimes(
        datetime.datetime(1970, 1, 3),
        datetime.datetime(2100, 1, 1),
        timezones=st.timezones(),
        allow_imaginary=False,
    )
)
def test_every_time_is_read_as_python_reads_it(moment: Any) -> None:
    # RFC 3339 has no seconds in its zones; zones before 1900 do.
    if moment.utcoffset() % datetime.timedelta(minutes=1):
        return
    assert unix_seconds(moment.isoformat()) == math.floor(moment.timestamp())
