"""When an event happened, and until when Meta takes it."""

from __future__ import annotations

from typing import Any

import pytest
from support.mapping import NOW_MS, NOW_S, NOW_TEXT, decided, event, facebook, noted, reason, sent, without

from consumer.domain.decision import Deliverable, Invalid

DAY_S = 86_400


@pytest.mark.parametrize(
    "time",
    [
        NOW_S, float(NOW_S), NOW_S + 0.9, NOW_MS, NOW_MS + 999, NOW_MS * 1000, NOW_MS * 1_000_000, str(NOW_S),
        f" {NOW_MS} ", f"{NOW_S}.75", NOW_TEXT, "2025-11-23T12:13:20", "2025-11-23 12:13:20Z",
        "2025-11-23T13:13:20+01:00", "2025-11-23T13:13:20+0100", "2025-11-23T12:13:20.999Z",
    ],
)  # fmt: skip
def test_a_time_is_read_in_any_unit(time: Any) -> None:
    assert sent(event(event_timestamp=time))["event_time"] == NOW_S
    assert noted(event(event_timestamp=time)) == []


def test_the_context_says_the_time_first() -> None:
    given = event({"context.event_timestamp": NOW_S - 60, "event_timestamp": NOW_S})
    assert sent(given)["event_time"] == NOW_S - 60


@pytest.mark.parametrize("time", [0, -5, True, "", "yesterday", [NOW_S], {}])
def test_without_a_usable_time_the_records_counts(time: Any) -> None:
    given = event(event_timestamp=time)
    assert sent(given, timestamp_ms=NOW_MS - 1_001)["event_time"] == NOW_S - 2
    assert noted(given)[-1] == ("event_time", "missing")


def test_without_any_time_the_records_counts() -> None:
    assert sent(without("event_timestamp"), timestamp_ms=NOW_MS - 5_000)["event_time"] == NOW_S - 5
    assert noted(without("event_timestamp")) == [("event_time", "missing")]


def test_five_minutes_ahead_is_a_clock_and_more_is_a_mistake() -> None:
    assert sent(event(event_timestamp=NOW_S + 300))["event_time"] == NOW_S + 300
    assert sent(event(event_timestamp=NOW_S + 301), timestamp_ms=NOW_MS - 9_000)["event_time"] == NOW_S - 9
    assert noted(event(event_timestamp=NOW_S + 301)) == [("event_time", "future")]
    assert noted(event(event_timestamp=NOW_MS + 300_000)) == []
    assert noted(event(event_timestamp=NOW_MS + 300_001)) == [("event_time", "future")]


@pytest.mark.parametrize("time", [NOW_S + 301, None])
def test_an_event_whose_record_is_ahead_too_is_invalid(time: Any) -> None:
    found = decided(event(event_timestamp=time), timestamp_ms=NOW_MS + 302_000)
    assert isinstance(found, Invalid)
    assert (found.reason, found.event_label, found.detail) == (
        "event_time_in_future",
        "PageView",
        "event_time",
    )


@pytest.mark.parametrize(
    ("age_s", "source", "expected"),
    [
        (7 * DAY_S - 600, "website", None),
        (7 * DAY_S - 599, "website", "event_too_old"),
        (7 * DAY_S - 599, "physical_store", None),
        (62 * DAY_S - 600, "physical_store", None),
        (62 * DAY_S - 599, "physical_store", "event_too_old"),
        (400 * DAY_S, "website", "event_too_old"),
    ],
)
def test_an_event_too_old_for_meta_is_filtered(age_s: Any, source: str, expected: str | None) -> None:
    given = event({"event_timestamp": NOW_S - age_s, "integrations.facebook.action_source": source})
    assert reason(given) == expected


@pytest.mark.parametrize(("source", "days"), [("website", 7), ("physical_store", 62)])
def test_a_deliverable_says_until_when_meta_takes_it(source: str, days: int) -> None:
    found = decided(facebook(action_source=source))
    assert isinstance(found, Deliverable)
    assert found.expires_at_s == NOW_S + days * DAY_S - 600


def test_a_record_without_a_timestamp_and_a_time_is_too_old() -> None:
    assert reason(without("event_timestamp"), timestamp_ms=-1) == "event_too_old"
