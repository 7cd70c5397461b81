"""
The register of metrics: every counter there is, with its attributes and their bounded values.

Nothing else may be counted. Each bounded set of values starts at 0, so that an
alert has its series before the first incident.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from consumer.core.decision import FILTERED_REASONS, INVALID_REASONS, NoteWord
from consumer.core.mapping import NOTE_FIELDS
from consumer.core.verdict import Kind
from consumer.state import State


class Metric(NamedTuple):
    """One metric. `attributes` maps a name to its values, None where the set is closed elsewhere."""

    name: str
    unit: str
    says: str
    attributes: dict[str, tuple[str, ...] | None]


def words(values: Iterable[StrEnum]) -> tuple[str, ...]:
    """A closed set as plain text."""
    return tuple(sorted(value.value for value in values))


CONSUMED = Metric("capi.records.consumed", "{record}", "Records taken from the events topics.", {})
ACCEPTED = Metric(
    "capi.events.accepted", "{event}", "Events in requests that Meta accepted.", {"event_name": None}
)
FILTERED = Metric(
    "capi.events.filtered",
    "{event}",
    "Records that are not sent, by reason: a success.",
    {"reason": words(FILTERED_REASONS)},
)
DEAD_LETTERS = Metric(
    "capi.dead_letters",
    "{record}",
    "Records whose dead letter the broker acknowledged, by reason.",
    {"reason": words(INVALID_REASONS)},
)
DEAD_LETTER_RETRIES = Metric(
    "capi.dead_letters.retries", "{attempt}", "Writes of dead letters that failed and were tried again.", {}
)
NOTES = Metric(
    "capi.notes",
    "{value}",
    "Values lost, by field and note.",
    {"field": tuple(sorted(NOTE_FIELDS)), "note": words(NoteWord)},
)
MATCH_KEYS = Metric(
    "capi.match_keys", "{event}", "Accepted events that carry each key of user_data.", {"key": None}
)
REQUESTS = Metric(
    "capi.requests",
    "{request}",
    "Requests to Meta, by verdict.",
    {"verdict": words(Kind)},
)
ERRORS = Metric("capi.meta.errors", "{answer}", "Answers that carried an error, by code.", {"code": None})
UNCONFIRMED = Metric(
    "capi.events.unconfirmed", "{event}", "Events in accepted requests that Meta's count left out.", {}
)
COMMITS = Metric("capi.commits", "{commit}", "Offset commits, by outcome.", {"outcome": ("ok", "failed")})
REBALANCES = Metric(
    "capi.rebalances",
    "{partition}",
    "Partitions assigned, revoked and lost.",
    {"event": ("assigned", "revoked", "lost")},
)
COUNTERS = (
    CONSUMED,
    ACCEPTED,
    FILTERED,
    DEAD_LETTERS,
    DEAD_LETTER_RETRIES,
    NOTES,
    MATCH_KEYS,
    REQUESTS,
    ERRORS,
    UNCONFIRMED,
    COMMITS,
    REBALANCES,
)

IN_FLIGHT = Metric("capi.in_flight", "{record}", "Records taken and not yet ended.", {})
IN_FLIGHT_BYTES = Metric("capi.in_flight.bytes", "By", "Bytes of those records.", {})
EVENTS_HELD = Metric(
    "capi.events.held", "{event}", "Events in flight that wait for the browser's copy (hold_s).", {}
)
REQUESTS_IN_FLIGHT = Metric("capi.requests.in_flight", "{request}", "Requests under way.", {})
REQUESTS_LIMIT = Metric("capi.requests.limit", "{request}", "Requests that may be under way at once.", {})
PARTITIONS_STOPPED = Metric(
    "capi.partitions.stopped",
    "{partition}",
    "Partitions that stand still because their committed offset is gone (out_of_range=stop).",
    {},
)
STATE = Metric(
    "capi.state",
    "1",
    "1 for the state that the consumer is in, 0 for the others.",
    {"state": words(State)},
)
LETTERS_HELD = Metric(
    "capi.brake.held_letters", "{record}", "Records whose dead letter the flood brake holds back.", {}
)
FILTER_ALARM = Metric(
    "capi.filter_alarm",
    "1",
    "1 for a reason that over half of the last 1,000 records are filtered for, 0 for the others.",
    {"reason": words(FILTERED_REASONS)},
)
GAUGES = (
    IN_FLIGHT,
    IN_FLIGHT_BYTES,
    EVENTS_HELD,
    REQUESTS_IN_FLIGHT,
    REQUESTS_LIMIT,
    PARTITIONS_STOPPED,
    STATE,
    LETTERS_HELD,
    FILTER_ALARM,
)
