"""Batches keep order, bytes and limits, whole and in halves."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.delivery.batcher import (
    ENVELOPE_BYTES,
    Batcher,
    Limits,
    envelope_end,
    halves,
    request_body,
    without,
)


class Item(NamedTuple):
    payload: bytes


def items(count: Any, size: int = 2) -> list[Any]:
    return [Item(b"%0*d" % (size, number)) for number in range(count)]


def batcher(events_max: int = 1000, bytes_max: int = 1_000_000, linger_s: float = 1.0) -> Batcher[Any]:
    return Batcher(Limits(events_max, bytes_max, linger_s))


def test_nothing_leaves_before_it_is_full_or_closed() -> None:
    filling = batcher()
    assert filling.fill(items(999), 0.0) == []
    assert len(filling) == 999


def test_a_batch_leaves_when_it_holds_enough() -> None:
    filling = batcher(events_max=3)
    one_to_seven = items(7)
    assert filling.fill(one_to_seven, 0.0) == [one_to_seven[:3], one_to_seven[3:6]]
    assert filling.close_batch() == one_to_seven[6:]
    assert len(filling) == 0


def test_a_batch_leaves_before_the_event_that_would_make_it_too_large() -> None:
    filling = batcher(bytes_max=ENVELOPE_BYTES + 30)
    three = items(3, size=14)  # with its comma 15 bytes: two fit exactly
    assert filling.fill(three, 0.0) == [three[:2]]
    assert filling.close_batch() == three[2:]


def test_an_event_larger_than_the_limit_travels_alone() -> None:
    small, large, after = Item(b"1"), Item(b"2" * 5_000), Item(b"3")
    filling = batcher(bytes_max=2_000)
    assert filling.fill([small, large, after], 0.0) == [[small], [large]]
    assert filling.close_batch() == [after]


def test_the_first_event_of_a_batch_says_when_it_closes() -> None:
    filling = batcher(linger_s=2.0)
    assert filling.closes_at_s is None
    filling.fill(items(1), 10.0)
    filling.fill(items(1), 11.5)
    assert filling.closes_at_s == 12.0
    filling.close_batch()
    assert filling.closes_at_s is None


def test_the_batch_after_a_full_one_waits_for_its_own_time() -> None:
    filling = batcher(events_max=2, linger_s=2.0)
    filling.fill(items(1), 10.0)
    filling.fill(items(2), 11.0)
    assert filling.closes_at_s == 13.0


def test_a_batch_that_was_filled_exactly_leaves_nothing_to_close() -> None:
    filling = batcher(events_max=2)
    filling.fill(items(2), 10.0)
    assert (filling.closes_at_s, len(filling), filling.close_batch()) == (None, 0, [])


@pytest.mark.parametrize(
    ("count", "left", "right"), [(2, 1, 1), (3, 2, 1), (7, 4, 3), (999, 500, 499), (1000, 500, 500)]
)
def test_the_left_half_is_the_larger(count: int, left: int, right: int) -> None:
    whole = items(count)
    assert tuple(map(len, halves(whole))) == (left, right)
    assert [*halves(whole)[0], *halves(whole)[1]] == whole


@pytest.mark.parametrize(("index", "rest"), [(0, "bcd"), (2, "abd"), (3, "abc")])
def test_without_keeps_the_others_in_order(index: int, rest: str) -> None:
    letters: Any = "abcd"
    assert "".join(without(letters, index)) == rest


ENVELOPES = [
    ("", "", b"]}"),
    ("capi-consumer", "", b'],"partner_agent":"capi-consumer"}'),
    ("", "TEST1", b'],"test_event_code":"TEST1"}'),
    ("aa", "TEST1", b'],"partner_agent":"aa","test_event_code":"TEST1"}'),
    ('a"b', "", b'],"partner_agent":"a\\"b"}'),
]


@pytest.mark.parametrize(("agent", "code", "end"), ENVELOPES)
def test_agent_and_test_code_follow_the_events_when_they_are_given(agent: Any, code: Any, end: Any) -> None:
    assert envelope_end(agent, code) == end


def test_a_request_body_is_the_events_as_they_were_serialised() -> None:
    batch = [Item(b'{"a":1.10}'), Item(b'{"b":"\\u00e9"}')]
    assert request_body(batch, b"]}") == b'{"data":[{"a":1.10},{"b":"\\u00e9"}]}'


@given(
    sizes=st.lists(st.integers(1, 60), max_size=60),
    events_max=st.integers(1, 9),
    room=st.integers(1, 150),
)
def test_every_event_travels_once_in_order_and_within_the_limits(
    sizes: Any, events_max: Any, room: Any
) -> None:
    whole = [Item(b'"%s"' % (b"x" * size)) for size in sizes]
    filling = batcher(events_max=events_max, bytes_max=ENVELOPE_BYTES + room)
    full, rest = filling.fill(whole, 0.0), filling.close_batch()
    assert all(full)
    batches = [*full, rest] if rest else full
    assert [item for batch in batches for item in batch] == whole
    for batch in batches:
        body = request_body(batch, envelope_end("capi-consumer", "TEST12345"))
        assert orjson.loads(body)["data"] == [item.payload.decode()[1:-1] for item in batch]
        assert len(batch) <= events_max
        assert len(body) <= ENVELOPE_BYTES + room or len(batch) == 1
