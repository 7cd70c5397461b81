"""
Where a conversion happened: Meta's `action_source`.

    the override  →  the event's `type` (offline, call)  →  the setting  →  website

Two action sources need something beside them, and Meta refuses an event that
lacks it: `app` sixteen facts of the device, `business_messaging` its channel.
Without it, an action source is as good as not given.
"""

from __future__ import annotations

from collections.abc import Mapping

from consumer.mapping import tables, text_values
from consumer.mapping.event import Event
from consumer.mapping.lookup import first_valid
from consumer.mapping.rules import MappingOptions
from consumer.mapping.trail import MappingTrace
from consumer.mapping.values import EMPTY, MALFORMED, InvalidValue

WEBSITE = "website"
PHYSICAL_STORE = "physical_store"

APP = "app"
BUSINESS_MESSAGING = "business_messaging"
COMPLETE_ALONE = frozenset(tables.ACTION_SOURCES) - {APP, BUSINESS_MESSAGING}

# Entries of `app_data.extinfo`: Meta refuses any other number of them (its
# documentation of app events in the Conversions API, read in November 2026).
EXTINFO_LENGTH = 16


def action_source(
    event: Event, overrides: Mapping[str, object], rules: MappingOptions, trail: MappingTrace
) -> str:
    """One of `mapping.ACTION_SOURCES`. `overrides` are the cleaned ones, which it may need beside it."""
    found = first_valid("action_source", tables.EVENT["action_source"], event, trail, _usable, overrides)
    if found is not None:
        return found
    kind = event.root.get("type")
    by_type = tables.ACTION_SOURCE_BY_TYPE.get(kind) if isinstance(kind, str) else None
    if by_type is not None:
        trail.record_source("action_source", "type")
        return by_type
    setting = _usable(rules.action_source, overrides)
    if isinstance(setting, InvalidValue):
        trail.record_warning("action_source", setting.note)
        return WEBSITE
    return setting


def _usable(value: object, overrides: Mapping[str, object]) -> str | InvalidValue:
    source = text_values.trimmed_text(value)
    if isinstance(source, InvalidValue):
        return source
    source = source.lower()
    if source not in tables.ACTION_SOURCES:
        return MALFORMED
    if source == APP and not _has_extinfo(overrides.get("app_data")):
        return EMPTY
    if source == BUSINESS_MESSAGING and "messaging_channel" not in overrides:
        return EMPTY
    return source


def _has_extinfo(app_data: object) -> bool:
    extinfo = app_data.get("extinfo") if isinstance(app_data, dict) else None
    return isinstance(extinfo, list) and len(extinfo) == EXTINFO_LENGTH
