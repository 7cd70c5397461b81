"""
The full mapping of an event: every source of every key, in order, and a note for what cannot be used.

    name → overrides → action source → time → the event itself → user_data → custom_data

This is the mapping as the documentation has it. Where nothing in an event is out
of the ordinary, `fast_mapping` says the same sooner.

An event after mapping and before it is judged: what would be sent, in its parts.
"""

from __future__ import annotations

from typing import NamedTuple

from consumer.domain.decision import MappingWarnings, Reason, WarningCode
from consumer.domain.record import Record, coordinates
from consumer.mapping import consent, event_fields
from consumer.mapping.custom_data import custom_data
from consumer.mapping.event import open_event
from consumer.mapping.event_fields import action_source
from consumer.mapping.lookup import MappingTrace, Object, Provenance
from consumer.mapping.normalize.hashing import BatchHasher
from consumer.mapping.rules import MappingOptions
from consumer.mapping.user_data import user_data


class MappedEvent(NamedTuple):
    """
    What would be sent for an event.

    `given_name` is the site's, `name` the one that Meta gets. `server_event` holds
    its keys but for the other two. Times in unix seconds.
    """

    given_name: str
    name: str
    event_time_s: int
    expires_at_s: int
    server_event: dict[str, object]
    user_data: dict[str, object]
    custom_data: dict[str, object]
    notes: MappingWarnings

    def __repr__(self) -> str:
        """Without its parts, which are somebody's."""
        return f"Mapped({self.notes})"


class NotMapped(NamedTuple):
    """Why an event is not, what Meta would call it if it has a name, and what was lost until then."""

    reason: Reason
    name: str | None
    notes: MappingWarnings


def map_event(
    root: Object,
    record: Record,
    rules: MappingOptions,
    hasher: BatchHasher,
    now_ms: int,
    sources: Provenance | None,
) -> MappedEvent | NotMapped:
    """What would be sent for an event, or why nothing is. `sources` is filled when it is given."""
    trail = MappingTrace(sources)
    event = open_event(root, trail)
    name = event_fields.name(event, rules, trail)
    if name is None:
        return NotMapped(Reason.NO_EVENT_NAME, None, trail.warnings)
    origin = coordinates(record)
    overrides = event_fields.clean_overrides(event, trail)
    happened_in = action_source(event, overrides, rules, trail)
    when = event_fields.event_time(event, origin, happened_in, now_ms, trail)
    if isinstance(when, Reason):
        return NotMapped(when, name, trail.warnings)

    server_event: dict[str, object] = {
        "event_name": name,
        "event_time": when.time_s,
        "event_id": event_fields.event_id(event, origin, trail),
        "action_source": happened_in,
        **event_fields.addresses(event, trail),
        **consent.data_processing_fields(event, rules.data_processing, trail),
        **overrides,
    }
    person = user_data(
        event, when.time_ms, server_event.get("event_source_url"), rules, hasher, now_ms, trail
    )
    details = custom_data(event, name, rules, trail)
    for key in event_fields.missing_website_fields(server_event, person):
        trail.record_warning(key, WarningCode.MISSING)
    given_name = event_fields.raw_event_name(event)
    return MappedEvent(
        given_name, name, when.time_s, when.expires_at_s, server_event, person, details, trail.warnings
    )
