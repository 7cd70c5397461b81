"""A dead letter is the record unchanged, and headers that say why without a value."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.dead_letters.headers import (
    FailureInfo,
    WrittenBy,
    dead_letter_headers,
    origin,
    reason_of,
    replay_count,
    replay_headers,
    text,
)
from consumer.domain.decision import Reason
from consumer.domain.record import Coordinates, Partition, Record, coordinates

WRITER = WrittenBy("capi-consumer", "0.1.0", "2026-11-23T20:00:00.000+00:00")
FAILURE = FailureInfo(
    Reason.REJECTED,
    "a Purchase has no value",
    meta_code=100,
    meta_subcode=2804009,
    fbtrace_id="AbC",
    http_status=400,
    attempts=3,
)


def record(*headers: Any, timestamp_ms: int = 1_700_000_000_000) -> Record:
    return Record(Partition("capi.events", 4), 17, timestamp_ms, b"{}", b"key", headers)


def test_the_headers_of_a_letter_in_full() -> None:
    assert dead_letter_headers(record(("trace", b"x"), ("empty", None)), FAILURE, WRITER) == [
        ("trace", b"x"),
        ("empty", None),
        ("dlq.version", b"1"),
        ("dlq.reason", b"rejected"),
        ("dlq.detail", b"a Purchase has no value"),
        ("dlq.meta-code", b"100"),
        ("dlq.meta-subcode", b"2804009"),
        ("dlq.fbtrace-id", b"AbC"),
        ("dlq.http-status", b"400"),
        ("dlq.attempts", b"3"),
        ("dlq.first-failed-at", b"2026-11-23T20:00:00.000+00:00"),
        ("dlq.failed-at", b"2026-11-23T20:00:00.000+00:00"),
        ("dlq.origin-topic", b"capi.events"),
        ("dlq.origin-partition", b"4"),
        ("dlq.origin-offset", b"17"),
        ("dlq.origin-timestamp", b"1700000000000"),
        ("dlq.group", b"capi-consumer"),
        ("dlq.consumer-version", b"0.1.0"),
        ("dlq.replay-count", b"0"),
    ]


def test_what_is_not_known_has_no_header_and_nought_is_known() -> None:
    headers = dict(dead_letter_headers(record(), FailureInfo(Reason.NOT_JSON), WRITER))
    for name in ("detail", "meta-code", "meta-subcode", "fbtrace-id", "http-status"):
        assert f"dlq.{name}" not in headers
    assert (headers["dlq.attempts"], headers["dlq.replay-count"]) == (b"0", b"0")


def test_the_records_own_headers_keep_order_repeats_and_bytes() -> None:
    own = (("b", b"\xff\x00"), ("a", b"1"), ("b", b""), ("a", None))
    assert tuple(dead_letter_headers(record(*own), FAILURE, WRITER)[:4]) == own


def test_our_headers_are_replaced_on_repetition_and_never_piled_up() -> None:
    once = dead_letter_headers(record(), FAILURE, WRITER)
    later = WrittenBy("other", "0.2.0", "2026-11-24T08:00:00.000+00:00")
    again = Record(Partition("capi.retry", 0), 5, 1, b"{}", b"key", replay_headers(once))
    twice = dead_letter_headers(again, FailureInfo(Reason.NOT_JSON), later)
    names = [name for name, _ in twice]
    assert len(names) == len(set(names))
    headers = dict(twice)
    assert headers["dlq.reason"] == b"not_json"
    assert "dlq.meta-code" not in headers
    assert headers["dlq.first-failed-at"] == b"2026-11-23T20:00:00.000+00:00"
    assert headers["dlq.failed-at"] == b"2026-11-24T08:00:00.000+00:00"
    assert headers["dlq.replay-count"] == b"1"
    assert (headers["dlq.origin-topic"], headers["dlq.origin-offset"]) == (b"capi.events", b"17")


def test_forged_headers_of_ours_do_not_survive() -> None:
    forged = record(("dlq.reason", b"forged"), ("dlq.anything", b"x"), ("dlq.value-omitted", b"true"))
    headers = dead_letter_headers(forged, FAILURE, WRITER)
    assert [value for name, value in headers if name == "dlq.reason"] == [b"rejected"]
    assert not {"dlq.anything", "dlq.value-omitted"} & {name for name, _ in headers}


NO_TIMES = [
    b"ann@example.com", b"2026-11-23", b"2026-11-23T20:00:00", b"2026-11-23T20:00:00Z\n",
    "٢٠٢٦-11-23T20:00:00Z".encode(), b"\xff", b"", None,
]  # fmt: skip


@pytest.mark.parametrize("written", NO_TIMES)
def test_a_first_failure_that_is_no_time_is_nobodys(written: Any) -> None:
    headers = dead_letter_headers(record(("dlq.first-failed-at", written)), FAILURE, WRITER)
    assert [value for name, value in headers if name == "dlq.first-failed-at"] == [WRITER.now.encode()]


def test_a_header_is_cut_between_characters_so_that_it_stays_text() -> None:
    long = FailureInfo(Reason.REJECTED, detail="a" + "é" * 300)
    cut = dict(dead_letter_headers(record(), long, WRITER))["dlq.detail"]
    assert cut is not None
    assert len(cut) <= 256
    assert cut.decode() == "a" + "é" * 127


def test_text_that_is_no_text_does_not_raise() -> None:
    odd = WrittenBy("group\udcff", "0.1.0", "now")
    assert dict(dead_letter_headers(record(), FAILURE, odd))["dlq.group"] == b"group?"


def test_what_goes_back_keeps_its_origin_and_counts_up() -> None:
    there = [*dead_letter_headers(record(("trace", b"x")), FAILURE, WRITER), ("dlq.value-omitted", b"true")]
    assert replay_headers(there) == [
        ("trace", b"x"),
        ("dlq.first-failed-at", b"2026-11-23T20:00:00.000+00:00"),
        ("dlq.origin-topic", b"capi.events"),
        ("dlq.origin-partition", b"4"),
        ("dlq.origin-offset", b"17"),
        ("dlq.origin-timestamp", b"1700000000000"),
        ("dlq.replay-count", b"1"),
    ]


COUNTS = [
    (b"0", 0), (b"7", 7), (b"123456789", 123456789), (b"1234567890", 0), (b"-1", 0), (b"", 0), (None, 0),
    (b"x", 0), ("٣".encode(), 0), (b"\xff", 0), (b"1.5", 0), (b" 1", 0),
]  # fmt: skip


@pytest.mark.parametrize(("written", "count"), COUNTS)
def test_a_count_that_cannot_be_read_is_nought(written: Any, count: Any) -> None:
    assert replay_count([("dlq.replay-count", written)]) == count


def test_without_a_count_it_has_never_come_back() -> None:
    assert replay_count([]) == 0


def test_the_last_header_of_a_name_counts() -> None:
    assert text([("a", b"1"), ("b", b"2"), ("a", b"3")], "a") == "3"
    assert text([("a", b"1"), ("a", None)], "a") == ""
    assert text([], "a") == ""


def test_a_letter_that_comes_back_decides_by_its_first_place() -> None:
    back = Record(
        Partition("capi.retry", 0),
        5,
        9,
        b"{}",
        None,
        replay_headers(dead_letter_headers(record(), FAILURE, WRITER)),
    )
    assert coordinates(back) == Coordinates("capi.events", 4, 17, 1_700_000_000_000)


def test_a_letter_has_an_origin_where_its_headers_say_so_whole() -> None:
    written = tuple(dead_letter_headers(record(), FAILURE, WRITER))
    assert origin(record(*written)) == Coordinates("capi.events", 4, 17, 1_700_000_000_000)
    assert origin(record()) is None
    assert origin(record(("dlq.origin-topic", b"other"))) is None


@pytest.mark.parametrize(
    ("word", "reason"),
    [(b"refused", "rejected"), (b"unacceptable", "poison_event"), (b"not_json", "not_json")],
)
def test_a_reason_of_an_earlier_version_is_read_as_the_word_of_today(word: bytes, reason: str) -> None:
    assert reason_of((("dlq.reason", word),)) == reason
