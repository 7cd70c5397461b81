"""
The whole business: from a record to its decision.

    parse → consent → name → overrides → action source → time
          → the event itself → user_data → custom_data
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

from consumer.core import consent, event_level, event_time, privacy, qualify
from consumer.core.action_source import action_source
from consumer.core.custom_data import custom_data
from consumer.core.decision import CUSTOM, FILTERED_REASONS, Decision, Deliverable, Filtered, Invalid, Reason
from consumer.core.event import open_event, parse
from consumer.core.hashing import BatchHasher
from consumer.core.mapping import STANDARD_EVENTS
from consumer.core.record import Record, coordinates
from consumer.core.rules import Rules
from consumer.core.trail import Sources, Trail
from consumer.core.user_data import user_data

# Which field of the server event an invalid event falls for.
_DETAILS = {
    Reason.NO_EVENT_NAME: "event_name",
    Reason.EVENT_TIME_IN_FUTURE: "event_time",
    Reason.PURCHASE_WITHOUT_VALUE: "custom_data.value",
    Reason.PURCHASE_WITHOUT_CURRENCY: "custom_data.currency",
}


def decide(
    record: Record, rules: Rules, hasher: BatchHasher, now_ms: int, sources: Sources | None = None
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
    if not consent.is_given(root, rules.user_consent_category):
        return Filtered(Reason.NO_CONSENT)

    trail = Trail(sources)
    event = open_event(root, trail)
    name = event_level.name(event, rules, trail)
    if name is None:
        return Invalid(Reason.NO_EVENT_NAME, detail=_DETAILS[Reason.NO_EVENT_NAME], notes=trail.notes)
    origin = coordinates(record)
    overrides = event_level.clean_overrides(event, trail)
    happened_in = action_source(event, overrides, rules, trail)
    when = event_time.when(event, origin, happened_in, now_ms, trail)
    if isinstance(when, Reason):
        return _ended(when, name, trail)

    sent: dict[str, object] = {
        "event_name": name,
        "event_time": when.time_s,
        "event_id": event_level.event_id(event, origin, trail),
        "action_source": happened_in,
        **event_level.addresses(event, trail),
        **privacy.wishes(event, rules.data_processing, trail),
        **overrides,
    }
    person = user_data(event, when.time_ms, sent.get("event_source_url"), rules, hasher, now_ms, trail)
    details = custom_data(event, name, rules, trail)
    event_level.note_what_a_website_lacks(sent, person, trail)

    reason = qualify.reason_against(event_level.given_name(event), name, person, details, rules)
    if reason is not None:
        return _ended(reason, name, trail)
    sent["user_data"], sent["custom_data"] = person, details
    payload = orjson.dumps(sent)
    if len(payload) > rules.event_bytes_max:
        return _ended(Reason.EVENT_TOO_LARGE, name, trail)
    return Deliverable(payload, _label(name), when.time_s, when.expires_at_s, tuple(person), trail.notes)


def _ended(reason: Reason, name: str, trail: Trail) -> Filtered | Invalid:
    if reason in FILTERED_REASONS:
        return Filtered(reason, _label(name), trail.notes)
    return Invalid(reason, _label(name), _DETAILS.get(reason, ""), trail.notes)


def _label(name: str) -> str:
    return name if name in STANDARD_EVENTS else CUSTOM
