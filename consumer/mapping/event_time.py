"""
When an event happened, and until when Meta takes it.

    now - 62 days     now - 7 days                     now   + 5 min
    ──────┼─────────────────┼───────────────────────────┼───────┼──────
    old   │ of a shop: sent │           sent                    │ ahead

An event's own time counts; where there is none, or one that lies ahead, its
record's. At the far end ten minutes are kept back, to wait in a batch and to be
tried again.
"""

from __future__ import annotations

from typing import NamedTuple

from consumer.domain.decision import Reason, WarningCode
from consumer.domain.record import Coordinates
from consumer.mapping import tables, times
from consumer.mapping.action_source import PHYSICAL_STORE
from consumer.mapping.event import Event
from consumer.mapping.lookup import first_valid
from consumer.mapping.trail import MappingTrace

# Meta's documentation of the Conversions API, read in November 2026.
AGE_S_MAX = 7 * times.DAY_S
AGE_IN_STORE_S_MAX = 62 * times.DAY_S

AGE_MARGIN_S = 10 * 60


class EventTime(NamedTuple):
    """When an event happened, and the last moment at which it is sent."""

    time_ms: int
    expires_at_s: int

    @property
    def time_s(self) -> int:
        """Meta's `event_time`."""
        return self.time_ms // 1000


def event_time(
    event: Event, origin: Coordinates, action_source: str, now_ms: int, trail: MappingTrace
) -> EventTime | Reason:
    """When it happened, or that Meta does not take it any more, or not yet."""
    time_ms = _time_ms(event, origin, now_ms, trail)
    if is_ahead(time_ms, now_ms):
        return Reason.EVENT_TIME_IN_FUTURE
    expires_at_s = expiry_s(time_ms, action_source)
    if has_expired(expires_at_s, now_ms):
        return Reason.EVENT_TOO_OLD
    return EventTime(time_ms, expires_at_s)


def _time_ms(event: Event, origin: Coordinates, now_ms: int, trail: MappingTrace) -> int:
    found = first_valid("event_time", tables.EVENT["event_time"], event, trail, times.unix_ms)
    if found is not None and not is_ahead(found, now_ms):
        return found
    trail.record_warning("event_time", WarningCode.MISSING if found is None else WarningCode.FUTURE)
    trail.record_source("event_time", "timestamp of the record")
    return origin.timestamp_ms


def expiry_s(time_ms: int, action_source: str) -> int:
    """The last second in which an event of this time is sent."""
    age_s_max = AGE_IN_STORE_S_MAX if action_source == PHYSICAL_STORE else AGE_S_MAX
    return time_ms // 1000 + age_s_max - AGE_MARGIN_S


def has_expired(expires_at_s: int, now_ms: int) -> bool:
    """Whether Meta takes it no more."""
    return now_ms > expires_at_s * 1000


def is_ahead(time_ms: int, now_ms: int) -> bool:
    """Whether a time lies ahead of now by more than clocks differ."""
    return time_ms > now_ms + times.AHEAD_MS_MAX
