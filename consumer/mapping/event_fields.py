"""
The event itself: name, id, addresses, and the overrides that are sent as they are.

An event id is never random: without one of its own, an event is named by where
its record first stood, so a redelivery and a replay carry the same id and
Meta counts them once.
"""

from __future__ import annotations

from collections.abc import Container

from consumer.domain.decision import WarningCode
from consumer.domain.record import Coordinates
from consumer.mapping import tables, text_values
from consumer.mapping.action_source import WEBSITE
from consumer.mapping.event import Event
from consumer.mapping.lookup import Object, first_valid
from consumer.mapping.redaction import redact, contains_email
from consumer.mapping.rules import MappingOptions
from consumer.mapping.trail import MappingTrace
from consumer.mapping.urls import clean_url
from consumer.mapping.values import EMPTY, WRONG_TYPE, InvalidValue

CleanOverrides = dict[str, object]

ADDRESSES = ("event_source_url", "referrer_url")


def raw_event_name(event: Event) -> str:
    """`event_name` as the site gave it, trimmed; empty when it is missing, blank or no text."""
    given = event.root.get("event_name")
    return given.strip() if isinstance(given, str) else ""


def name(event: Event, rules: MappingOptions, trail: MappingTrace) -> str | None:
    """The name Meta gets: the override, the setting's row, the table's, or the given name as it is."""
    given = raw_event_name(event)
    if not given:
        return None
    override = first_valid("event_name", tables.EVENT["event_name"], event, trail, text_values.clean_text)
    if override is not None:
        return override
    trail.record_source("event_name", "event_name")
    mapped = rules.event_names.get(given) or tables.EVENT_NAMES.get(given)
    if mapped is None and contains_email(given):
        trail.record_warning("event_name", WarningCode.PERSONAL_DATA)
        return None
    return mapped or given


def event_id(event: Event, origin: Coordinates, trail: MappingTrace) -> str:
    """The id that the event brings, else where its record first stood."""
    found = first_valid("event_id", tables.EVENT["event_id"], event, trail, text_values.identifier)
    if found is not None:
        return found
    trail.record_source("event_id", "place of the record")
    return id_from_coordinates(origin)


def id_from_coordinates(origin: Coordinates) -> str:
    """The id of an event that brings none."""
    return f"{origin.topic}-{origin.partition}-{origin.offset}-{origin.timestamp_ms}"


def addresses(event: Event, trail: MappingTrace) -> dict[str, str]:
    """The page that was seen and the one before it, without personal data."""
    found = {}
    for key in ADDRESSES:
        address = first_valid(key, tables.EVENT[key], event, trail, clean_url)
        if address is not None:
            found[key], was_personal = address
            if was_personal:
                trail.record_warning(key, WarningCode.PERSONAL_DATA)
    return found


def clean_overrides(event: Event, trail: MappingTrace) -> CleanOverrides:
    """The overrides that are sent beside user_data and custom_data as they are, once cleaned."""
    found: CleanOverrides = {}
    for key in event.facebook:
        value: object = None
        if key in tables.EVENT_OBJECTS:
            given = first_valid(key, tables.EVENT_OBJECTS[key], event, trail, _object)
            value = _cleaned(key, given, trail)
        elif key in tables.EVENT_TEXTS:
            value = first_valid(key, tables.EVENT_TEXTS[key], event, trail, text_values.clean_text)
        if value:
            found[key] = value
    return found


def missing_website_fields(server_event: Object, user_data: Container[str]) -> list[str]:
    """Meta asks both of a website's event, and takes it without."""
    if server_event["action_source"] != WEBSITE:
        return []
    places = (("client_user_agent", user_data), ("event_source_url", server_event))
    return [key for key, place in places if key not in place]


def _object(value: object) -> Object | InvalidValue:
    if not isinstance(value, dict):
        return WRONG_TYPE
    return value or EMPTY


def _cleaned(key: str, value: object, trail: MappingTrace) -> object:
    cleaned = redact(value)
    if cleaned is not value:
        trail.record_warning(key, WarningCode.PERSONAL_DATA)
    return cleaned
