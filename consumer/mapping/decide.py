"""
The whole business: from a record to its decision.

    parse → consent → the mapping, fast or in full
          → a purchase without personal information? → enough to match?
          → a purchase without value or currency? → too large?

Consent comes before anything else is done with an event. Nothing here reads a
clock or anything but its arguments. `now_ms` decides what lies ahead of now (the
event's time, its record's, a birthdate) and what has become too old for Meta.

So with the same settings a record gives the same bytes on a redelivery and in a
replay, for as long as Meta takes the event; but for what lay ahead the first
time and does not any more.
"""

from __future__ import annotations

import orjson

from consumer.domain.decision import (
    CUSTOM,
    FILTERED_REASONS,
    NO_NAME,
    Decision,
    Deliverable,
    Filtered,
    Invalid,
    MappingWarnings,
    Reason,
)
from consumer.domain.record import Record
from consumer.mapping import consent, eligibility, fast_mapping, map_event
from consumer.mapping.event import parse
from consumer.mapping.lookup import Provenance
from consumer.mapping.map_event import NotMapped
from consumer.mapping.normalize.hashing import BatchHasher
from consumer.mapping.rules import MappingOptions
from consumer.mapping.tables import STANDARD_EVENTS

# Which field of the server event an invalid event falls for.
_DETAILS = {
    Reason.NO_EVENT_NAME: "event_name",
    Reason.EVENT_TIME_IN_FUTURE: "event_time",
    Reason.PURCHASE_WITHOUT_VALUE: "custom_data.value",
    Reason.PURCHASE_WITHOUT_CURRENCY: "custom_data.currency",
}


def decide(
    record: Record, rules: MappingOptions, hasher: BatchHasher, now_ms: int, sources: Provenance | None = None
) -> Decision:
    """
    What becomes of a record. Never raises on anything a record can hold.

    `hasher` is the batch's. `sources`, when given, is filled with Meta key ->
    path of the value that was used, for `explain`.
    """
    if record.value is None:
        return Filtered(Reason.TOMBSTONE)
    root = parse(record.value)
    if isinstance(root, Reason):
        return Invalid(root)
    if not consent.has_consent(root, rules.user_consent_category):
        return Filtered(Reason.NO_CONSENT)

    # The fast one keeps no sources: `explain` asks for them.
    fast = fast_mapping.map_event(root, record, rules, hasher, now_ms) if sources is None else None
    mapped = fast or map_event.map_event(root, record, rules, hasher, now_ms, sources)
    if isinstance(mapped, NotMapped):
        return _ended(mapped.reason, mapped.name, mapped.notes)

    given_name, name, event_time_s, expires_at_s, server_event, user_data, custom_data, notes = mapped
    reason = eligibility.rejection_reason(given_name, name, user_data, custom_data, rules)
    if reason is not None:
        return _ended(reason, name, notes)
    server_event["user_data"], server_event["custom_data"] = user_data, custom_data
    payload = orjson.dumps(server_event)
    if len(payload) > rules.event_bytes_max:
        return _ended(Reason.EVENT_TOO_LARGE, name, notes)
    return Deliverable(payload, _label(name), event_time_s, expires_at_s, tuple(user_data), notes)


def _ended(reason: Reason, name: str | None, notes: MappingWarnings) -> Filtered | Invalid:
    label = NO_NAME if name is None else _label(name)
    if reason in FILTERED_REASONS:
        return Filtered(reason, label, notes)
    return Invalid(reason, label, _DETAILS.get(reason, ""), notes)


def _label(name: str) -> str:
    return name if name in STANDARD_EVENTS else CUSTOM
