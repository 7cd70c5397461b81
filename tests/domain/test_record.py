"""A record's first place is what its headers say, when they say all of it."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.domain.record import Coordinates, Partition, Record, coordinates

HERE = Coordinates("retry", 1, 20, 5)
ORIGIN = {
    "dlq.origin-topic": b"events",
    "dlq.origin-partition": b"3",
    "dlq.origin-offset": b"17",
    "dlq.origin-timestamp": b"1700000000000",
}


def record(headers: Any = (), value: bytes | None = b"{}", key: Any = None) -> Record:
    return Record(Partition("retry", 1), 20, 5, value, key, headers)


def test_a_record_without_headers_stands_where_it_stands() -> None:
    assert coordinates(record()) == HERE


def test_the_headers_of_a_replay_say_where_it_first_stood() -> None:
    assert coordinates(record(tuple(ORIGIN.items()))) == Coordinates("events", 3, 17, 1_700_000_000_000)


def test_a_timestamp_before_1970_or_unknown_is_readable() -> None:
    headers = tuple({**ORIGIN, "dlq.origin-timestamp": b"-1"}.items())
    assert coordinates(record(headers)).timestamp_ms == -1


@pytest.mark.parametrize("missing", ORIGIN)
def test_one_of_four_missing_is_all_missing(missing: Any) -> None:
    assert coordinates(record([pair for pair in ORIGIN.items() if pair[0] != missing])) == HERE


UNREADABLE = [
    *(("dlq.origin-topic", value) for value in (None, b"", b"\xff", b"x" * 250)),
    *(
        (f"dlq.origin-{name}", value)
        for name in ("partition", "offset", "timestamp")
        for value in (None, b"", b"x", b"1.5", b"1_0", b" 1", "٣".encode(), b"9" * 20, b"9" * 5000)
    ),
    ("dlq.origin-partition", b"-1"),
    ("dlq.origin-offset", b"-1"),
]


@pytest.mark.parametrize(("name", "value"), UNREADABLE)
def test_one_of_four_unreadable_is_all_missing(name: Any, value: Any) -> None:
    assert coordinates(record(tuple({**ORIGIN, name: value}.items()))) == HERE


def test_the_last_of_repeated_headers_counts() -> None:
    headers = (("dlq.origin-offset", b"1"), *ORIGIN.items(), ("other", b"x"))
    assert coordinates(record(headers)).offset == 17


@pytest.mark.parametrize(
    ("value", "key", "size"), [(None, None, 0), (b"12", None, 2), (None, b"123", 3), (b"12", b"123", 5)]
)
def test_the_size_is_that_of_key_and_value(value: bytes | None, key: bytes | None, size: int) -> None:
    assert record(value=value, key=key).size == size


def test_headers_are_held_too_and_count() -> None:
    assert record([("baggage", b"x" * 500), ("none", None)], b"12", b"123").size == 7 + 500 + 4 + 5


def test_nothing_of_a_record_but_its_place_is_in_its_repr() -> None:
    shown = repr(record([("h", b"canary")], b"canary", b"canary"))
    assert shown == "Record(partition=Partition(topic='retry', number=1), offset=20, timestamp_ms=5)"
