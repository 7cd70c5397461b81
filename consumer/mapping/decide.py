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

Is there enough in the event to be worth sending, and does Meta take it?

Asked of what would be sent, after mapping: a value that was dropped does not
count. The order of the questions is public, as an event has one reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Set

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
from consumer.mapping import consent, fast_mapping, map_event
from consumer.mapping.event import parse
from consumer.mapping.lookup import Provenance
from consumer.mapping.map_event import NotMapped
from consumer.mapping.normalize.hashing import BatchHasher
from consumer.mapping.rules import MappingOptions, MatchRule
from consumer.mapping.tables import PURCHASE, STANDARD_EVENTS

IDENTIFIERS = frozenset({"em", "ph", "external_id", "fbp", "fbc"})
OTHERS = frozenset(
    {"ge", "db", "ln", "fn", "ct", "st", "zp", "country", "client_ip_address", "client_user_agent"}
)

# What Meta refuses when user_data holds nothing else. The readings of the minimum leave little
# of it to be asked; it stands here because it is Meta's, and they are the user's. From Meta's
# documentation of customer information parameters, read in November 2026.
NEVER_ENOUGH = (
    frozenset({"ct", "country", "st", "zp", "ge", "client_user_agent"}),
    frozenset({"db", "client_user_agent"}),
    frozenset({"fn", "ge"}),
    frozenset({"ln", "ge"}),
)
_NEVER_ENOUGH_KEYS = max(map(len, NEVER_ENOUGH))


def rejection_reason(
    given_name: str,
    name: str,
    user_data: Collection[str],
    custom_data: Collection[str],
    rules: MappingOptions,
) -> Reason | None:
    """
    Why a mapped event is not sent; None when it is.

    `given_name` is the site's `event_name`, `name` the one Meta gets; of the
    data only the keys count.
    """
    is_metas_purchase = name == PURCHASE
    is_purchase = is_metas_purchase or given_name == "purchase"
    if is_purchase and not any(map(user_data.__contains__, rules.purchase_personal_information)):
        return Reason.PURCHASE_WITHOUT_PERSONAL_INFORMATION
    if not is_enough_to_match(user_data, rules.match_rule):
        return Reason.NOT_ENOUGH_TO_MATCH
    if is_metas_purchase and "value" not in custom_data:
        return Reason.PURCHASE_WITHOUT_VALUE
    if is_metas_purchase and "currency" not in custom_data:
        return Reason.PURCHASE_WITHOUT_CURRENCY
    return None


def is_enough_to_match(keys: Collection[str], rule: MatchRule) -> bool:
    """Whether `user_data` with these keys may match somebody: by the user's rule, then by Meta's."""
    return is_enough_by_rule(keys, rule) and not meta_rejects_keys(keys)


def is_enough_by_rule(keys: Collection[str], rule: MatchRule) -> bool:
    """Whether the user's rule alone is content."""
    if rule is MatchRule.ALL:
        return _has(keys, 1, IDENTIFIERS) and _has(keys, 3, OTHERS)
    if rule is MatchRule.ANY_OTHER:
        return _has(keys, 1, IDENTIFIERS) and _has(keys, 4, IDENTIFIERS | OTHERS)
    return _has(keys, 1, IDENTIFIERS) or _has(keys, 3, OTHERS)


def meta_rejects_keys(keys: Collection[str]) -> bool:
    """Whether Meta refuses an event for whose `user_data` has these keys, or none."""
    return len(keys) <= _NEVER_ENOUGH_KEYS and any(never.issuperset(keys) for never in NEVER_ENOUGH)


def _has(keys: Iterable[str], least: int, of: Set[str]) -> bool:
    """Whether at least so many of the keys are among these. Looks no further than it must."""
    for key in keys:
        if key in of:
            least -= 1
            if not least:
                return True
    return False


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
    reason = rejection_reason(given_name, name, user_data, custom_data, rules)
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
