"""The made events: distinct, the same for the same seed, and as bad as was asked."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from support.events import ENDS, Bad, End, shop_events

NOW_S = 1_790_000_000
BAD = dict.fromkeys(Bad, 3)
EVENTS = shop_events(seed=7, count=1_000, now_s=NOW_S, bad=BAD)


def readable(events: Any) -> list[Any]:
    return [json.loads(event.value) for event in events if event.reason != "not_json"]


def test_the_same_seed_makes_the_same_events() -> None:
    assert shop_events(7, 1_000, NOW_S, BAD) == EVENTS
    assert shop_events(8, 1_000, NOW_S, BAD) != EVENTS


def test_every_event_is_distinct() -> None:
    assert len({event.value for event in EVENTS}) == 1_000
    ids = [event.event_id for event in EVENTS if event.event_id]
    assert len(set(ids)) == len(ids)


def test_there_are_as_many_of_each_end_as_was_asked() -> None:
    assert Counter(event.end for event in EVENTS) == {
        End.ACCEPTED: 982,
        End.FILTERED: 6,
        End.DEAD_LETTER: 12,
    }


def test_every_kind_of_bad_event_has_an_end() -> None:
    assert set(ENDS) == set(Bad)


def test_broken_events_are_no_json() -> None:
    broken = [event for event in EVENTS if event.reason == "not_json"]
    assert len(broken) == 3
    for event in broken:
        assert event.value is not None
        with pytest.raises(json.JSONDecodeError):
            json.loads(event.value)


def test_some_events_carry_no_id_and_some_no_time() -> None:
    without_id = [event for event in EVENTS if event.event_id is None]
    without_time = [event for event in readable(without_id) if "event_timestamp" not in event["context"]]
    assert len(without_id) > len(without_time) > 0
    assert all(event.end is End.ACCEPTED for event in without_id)


def test_the_name_of_an_id_is_the_id_that_the_event_carries() -> None:
    for event in EVENTS:
        if event.event_id and event.reason != "not_json":
            assert event.value is not None
            assert json.loads(event.value)["integrations"]["facebook"]["event_id"] == event.event_id


def test_all_people_and_addresses_are_invented() -> None:
    for event in readable(EVENTS):
        assert event["user"]["email"].partition("@")[2] in ("example.com", "example.fr", "example.org")
        assert event["user"]["phone"].startswith("+33 6 39 98 ")
        assert event["browser"]["ip"].startswith("203.0.113.")
