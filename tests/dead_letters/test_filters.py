"""Which letters a filter means, how it is written, and what its name tells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.dead_letters import FIRST_MS, event, letter, record

from consumer.cli.filter_options import read_filter
from consumer.dead_letters.filters import Filter, failed_at_ms
from consumer.dead_letters.headers import VALUE_OMITTED
from consumer.domain.decision import INVALID_REASONS, Reason
from consumer.domain.record import Partition, Record
from consumer.errors import UsageError
from consumer.mapping.tables import EVENT_NAMES, STANDARD_EVENTS

# Failed at 2026-01-01T00:00:05Z, refused with 100/2804003, from events-0/0.
REFUSED = letter(
    record("events-0", 3, event("purchase"), b"u-17"), Reason.REJECTED, meta_code=100, meta_subcode=2804003
)
STRANGER = Record(Partition("letters", 0), 0, FIRST_MS, b"{broken", None)


def has(name: Any, value: Any) -> Record:
    """REFUSED with another value of that header; None: without it."""
    kept = tuple(header for header in REFUSED.headers if header[0] != name)
    return replace(REFUSED, headers=kept if value is None else (*kept, (name, value)))


MEANT = [
    # the options, a letter, whether it is meant
    ({}, REFUSED, True),
    ({}, STRANGER, True),
    ({"reason": ["rejected"]}, REFUSED, True),
    ({"reason": ["not_json,rejected"]}, REFUSED, True),
    ({"reason": ["not_json", " rejected "]}, REFUSED, True),
    ({"reason": ["not_json"]}, REFUSED, False),
    ({"reason": ["rejected"]}, STRANGER, False),
    ({"meta_code": ["100"]}, REFUSED, True),
    ({"meta_code": ["100/2804003"]}, REFUSED, True),
    ({"meta_code": ["1", "2,100/2804003"]}, REFUSED, True),
    ({"meta_code": ["100/2804007"]}, REFUSED, False),
    ({"meta_code": ["2804003"]}, REFUSED, False),
    ({"meta_code": ["10"]}, REFUSED, False),
    ({"meta_code": ["0100"]}, REFUSED, True),
    ({"meta_code": ["-1"]}, has("dlq.meta-code", b"-1"), True),
    ({"meta_code": ["100"]}, has("dlq.meta-code", None), False),
    ({"meta_code": ["none"]}, has("dlq.meta-code", None), True),
    ({"meta_code": ["190,none"]}, STRANGER, True),
    ({"meta_code": ["none"]}, REFUSED, False),
    ({"meta_code": ["100"]}, has("dlq.meta-subcode", None), True),
    ({"meta_code": ["100/2804003"]}, has("dlq.meta-subcode", b"canary"), False),
    ({"meta_code": ["100"]}, has("dlq.meta-code", "١٠٠".encode()), False),
    ({"since": "2026-01-01T00:00:05Z"}, REFUSED, True),
    ({"since": "2026-01-01T00:00:05.001Z"}, REFUSED, False),
    ({"until": "2026-01-01T00:00:05Z"}, REFUSED, False),
    ({"until": "2026-01-01T00:00:05.001Z"}, REFUSED, True),
    ({"since": "2026-01-01", "until": "2026-01-02"}, REFUSED, True),
    ({"since": "2026-01-01T01:00:05+01:00", "until": "2026-01-01T00:00:06"}, REFUSED, True),
    ({"since": "2026-01-01T00:00:04"}, has("dlq.failed-at", b"yesterday"), False),  # its own time is :03
    ({"since": "2026-01-01T00:00:03"}, has("dlq.failed-at", None), True),
    ({"origin_partition": ["0"]}, REFUSED, True),
    ({"origin_partition": ["events-0:0"]}, REFUSED, True),
    ({"origin_partition": ["1,events-0:0"]}, REFUSED, True),
    ({"origin_partition": ["1"]}, REFUSED, False),
    ({"origin_partition": ["events-1:0"]}, REFUSED, False),
    ({"origin_partition": ["0"]}, STRANGER, False),
    ({"origin_partition": ["0"]}, has("dlq.origin-offset", b"x"), False),
    ({"event_name": ["purchase"]}, REFUSED, True),
    ({"event_name": ["page_view, purchase"]}, REFUSED, True),
    ({"event_name": ["Purchase"]}, REFUSED, False),
    ({"event_name": ["purchase"]}, replace(REFUSED, value=event("  purchase\n")), True),
    ({"event_name": ["purchase"]}, replace(REFUSED, value=b'["purchase"]'), False),
    ({"event_name": ["-"]}, STRANGER, False),
    ({"event_name": ["purchase"]}, replace(REFUSED, value=None), False),
    ({"key": ["u-17"]}, REFUSED, True),
    ({"key": ["u-1", "u-17"]}, REFUSED, True),
    ({"key": ["u-1,u-17"]}, REFUSED, False),
    ({"key": ["a,b"]}, replace(REFUSED, key=b"a,b"), True),
    ({"key": ["é"]}, replace(REFUSED, key=b"\xc3\xa9"), True),
    ({"key": ["\udcff"]}, replace(REFUSED, key=b"\xff"), True),
    ({"key": [""]}, STRANGER, False),
    ({"key": [""]}, replace(REFUSED, key=b""), True),
    ({"reason": ["rejected"], "event_name": ["purchase"], "key": ["u-17"]}, REFUSED, True),
    ({"reason": ["rejected"], "event_name": ["page_view"]}, REFUSED, False),
    ({"reason": ["not_json"], "meta_code": ["100"]}, REFUSED, False),
]


@pytest.mark.parametrize(("options", "one", "is_meant"), MEANT)
def test_a_letter_is_meant_when_it_has_one_of_each_kind_that_is_named(
    options: Any, one: Any, is_meant: Any
) -> None:
    assert read_filter(**options).matches(one) is is_meant


def test_a_letter_without_its_value_is_meant_by_all_but_its_events_name() -> None:
    large = replace(REFUSED, value=None, headers=(*REFUSED.headers, (VALUE_OMITTED, b"true")))
    assert read_filter(reason=["rejected"]).matches(large)
    assert not read_filter(event_name=["purchase"]).matches(large)


@pytest.mark.parametrize("reason", sorted(INVALID_REASONS))
def test_each_reason_of_a_dead_letter_can_be_asked_for(reason: Any) -> None:
    assert read_filter(reason=[reason]).matches(letter(record("e", 1, event()), reason))


MISTAKES = [
    ({"reason": ["rejectd"]}, "--reason: no dead letter has such a reason: did you mean rejected?"),
    ({"reason": ["canary"]}, "--reason: no dead letter has such a reason: one of event_time_in_future "),
    ({"reason": ["no_consent"]}, "--reason: no dead letter has such a reason"),
    ({"reason": [" , "]}, "--reason: nothing is named"),
    ({"event_name": [""]}, "--event-name: nothing is named"),
    ({"meta_code": ["canary"]}, "--meta-code: a code is expected, or code/subcode, such as 100/2804003"),
    ({"meta_code": ["100/"]}, "--meta-code: a code is expected"),
    ({"meta_code": ["1" * 19]}, "--meta-code: a code is expected"),
    ({"meta_code": ["١"]}, "--meta-code: a code is expected"),
    ({"origin_partition": ["canary"]}, "--origin-partition: a number is expected, or topic:number"),
    ({"origin_partition": ["canary/0"]}, "--origin-partition: a number is expected, or topic:number"),
    ({"origin_partition": [":0"]}, "--origin-partition: a number is expected, or topic:number"),
    ({"origin_partition": ["-1"]}, "--origin-partition: a number is expected, or topic:number"),
    ({"since": "canary"}, "--since: a time is expected, such as 1h, 2d (ago), or 2026-11-23T18:00:00Z"),
    ({"since": "1 year"}, "--since: a time is expected"),
    ({"since": "1h", "until": "2h"}, "--since is not before --until: no letter lies between"),
    ({"since": ""}, "--since: a time is expected"),
    ({"until": "2026-13-01"}, "--until: a time is expected"),
    ({"until": "0001-01-01T00:00:00+14:00"}, "--until: a time is expected"),
    ({"since": "2026-01-02", "until": "2026-01-02"}, "--since is not before --until: no letter lies between"),
]


@pytest.mark.parametrize(("options", "says"), MISTAKES)
def test_what_cannot_be_read_is_said_by_its_option_and_not_by_its_value(options: Any, says: Any) -> None:
    with pytest.raises(UsageError) as refused:
        read_filter(**options)
    assert str(refused.value).startswith(says)
    assert "canary" not in str(refused.value)


SAME = [
    ({"reason": ["rejected", "not_json"]}, {"reason": ["not_json,rejected,rejected"]}),
    ({"since": "2026-01-01"}, {"since": "2026-01-01T01:00:00+01:00"}),
    ({"meta_code": ["0100/1"]}, {"meta_code": ["100/01"]}),
    ({"origin_partition": ["00"]}, {"origin_partition": ["0"]}),
    ({}, {"reason": [], "key": []}),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_filter_has_the_same_name_however_it_is_written(one: Any, other: Any) -> None:
    assert read_filter(**one).name() == read_filter(**other).name()


def test_different_filters_have_different_names() -> None:
    different: list[dict[str, Any]] = [
        {},
        {"reason": ["rejected"]},
        {"event_name": ["rejected"]},
        {"reason": ["rejected", "not_json"]},
        {"reason": ["rejected"], "meta_code": ["100"]},
        {"meta_code": ["100/1"]},
        {"origin_partition": ["1"]},
        {"origin_partition": ["events:1"]},
        {"since": "2026-01-01"},
        {"until": "2026-01-01"},
    ]
    assert len({read_filter(**options).name() for options in different}) == len(different)


def test_a_name_never_changes_or_a_replay_would_begin_anew() -> None:
    whole = read_filter(
        reason=["rejected"],
        meta_code=["100/2804003"],
        since="2026-01-01",
        until="2026-02-01",
        origin_partition=["capi.events:0"],
        event_name=["purchase"],
    )
    assert whole.canonical() == (
        b'{"reasons":["rejected"],"meta_codes":["100/2804003"],"since":"2026-01-01T00:00:00.000+00:00",'
        b'"until":"2026-02-01T00:00:00.000+00:00","origin_partitions":["capi.events:0"],'
        b'"event_names":["purchase"]}'
    )
    assert whole.name() == "4c335367"
    assert read_filter(reason=["rejected"]).name() == "eeaabbea"


PERSONAL = [
    "for jane@example.com",
    "33639980001",
    "+33 6 39 98 00 01",
    "Jane Doe",
    "u-17",
    "1980-02-29",
    "été",
]


@pytest.mark.parametrize("options", [{"key": ["u-17"]}, *({"event_name": [name]} for name in PERSONAL)])
def test_a_filter_that_may_name_somebody_has_no_name(options: Any) -> None:
    chosen = read_filter(**options, reason=["rejected"])
    assert chosen.is_personal
    with pytest.raises(ValueError, match="may name somebody"):
        chosen.name()


@pytest.mark.parametrize("personal", PERSONAL)
def test_a_filter_shows_nothing_that_may_name_somebody(personal: Any) -> None:
    by_key, by_name = read_filter(key=[personal]), read_filter(event_name=[personal])
    assert (by_key.as_json(), by_name.as_json()) == ({"keys": 1}, {"event_names": ["*****"]})
    assert personal not in f"{by_key!r} {by_name!r}"


@pytest.mark.parametrize("name", sorted({*EVENT_NAMES, *STANDARD_EVENTS, "newsletter-signup", "VIP_sale"}))
def test_an_event_name_like_those_of_the_standard_ones_names_nobody(name: Any) -> None:
    assert not read_filter(event_name=[name]).is_personal
    assert read_filter(event_name=[name, PERSONAL[0]]).is_personal


def test_keys_are_counted_and_addresses_masked_where_a_filter_is_shown() -> None:
    chosen = read_filter(key=["a", "b", "a"], event_name=["page_view", "for jane@example.com"])
    assert chosen.as_json() == {"event_names": ["*****", "page_view"], "keys": 2}


def test_a_time_that_is_none_gives_way_to_the_records_own() -> None:
    assert failed_at_ms(REFUSED) == FIRST_MS + 5_000
    assert failed_at_ms(has("dlq.failed-at", b"\xff")) == REFUSED.timestamp_ms
    assert failed_at_ms(has("dlq.failed-at", b"9999-12-31T23:59:59-14:00")) == REFUSED.timestamp_ms


def test_without_any_option_every_letter_is_meant() -> None:
    assert read_filter() == Filter()
    assert read_filter().is_empty


# Times ago


def test_letters_since_an_hour_ago_are_those_that_failed_within_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.cli.filter_options.now_ms", lambda: FIRST_MS + 3_600_000 + 5_000)
    assert read_filter(since="1h").matches(REFUSED)
    assert not read_filter(since="3599s").matches(REFUSED)
    assert read_filter(until="59m", since="2d").matches(REFUSED)
    assert not read_filter(until="1 h").matches(REFUSED)


def test_letters_since_an_hour_ago_have_one_name_from_hour_to_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    names = set()
    for hour in range(3):
        monkeypatch.setattr("consumer.cli.filter_options.now_ms", lambda hour=hour: hour * 3_600_000)
        names |= {read_filter(since="1h").name(), read_filter(since="60m").name()}
    assert len(names) == 1
    assert names != {read_filter(since="2h").name()}


def test_what_a_filter_shows_of_a_time_ago_is_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.cli.filter_options.now_ms", lambda: FIRST_MS)
    assert read_filter(since="1d").as_json() == {"since": "2025-12-31T00:00:00.000+00:00"}


def test_dead_letters_of_earlier_versions_are_found_by_the_new_reason() -> None:
    old = Record(Partition("dead-letters", 0), 0, 0, b"{}", None, (("dlq.reason", b"unacceptable"),))
    assert Filter(reasons=frozenset({"poison_event"})).matches(old)
    assert not Filter(reasons=frozenset({"rejected"})).matches(old)
