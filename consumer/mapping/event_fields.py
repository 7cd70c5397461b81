"""
The event itself: name, id, addresses, and the overrides that are sent as they are.

An event id is never random: without one of its own, an event is named by where
its record first stood, so a redelivery and a replay carry the same id and
Meta counts them once.

Where a conversion happened: Meta's `action_source`.

    the override  →  the event's `type` (offline, call)  →  the setting  →  website

Two action sources need something beside them, and Meta refuses an event that
lacks it: `app` sixteen facts of the device, `business_messaging` its channel.
Without it, an action source is as good as not given.

When an event happened, and until when Meta takes it.

    now - 62 days     now - 7 days                     now   + 5 min
    ──────┼─────────────────┼───────────────────────────┼───────┼──────
    old   │ of a shop: sent │           sent                    │ ahead

An event's own time counts; where there is none, or one that lies ahead, its
record's. At the far end ten minutes are kept back, to wait in a batch and to be
tried again.

When something happened, in milliseconds since 1970.

    1700000000            under 1e11: seconds
    1700000000123         under 1e14: milliseconds
    1700000000123456      under 1e17: microseconds
    1700000000123456789   else nanoseconds
    2023-11-14T22:13:20Z  RFC 3339; seconds, zone and the zone's colon may be missing

What is finer is cut off, never rounded: an event is not moved into the future.
Meta takes whole seconds; the milliseconds tell what lies ahead of what.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Container, Mapping
from typing import NamedTuple

from consumer.domain.decision import Reason, WarningCode
from consumer.domain.record import Coordinates
from consumer.mapping import redaction, tables
from consumer.mapping.event import Event
from consumer.mapping.lookup import MappingTrace, Object, first_valid
from consumer.mapping.redaction import clean_url, contains_email, redact
from consumer.mapping.rules import MappingOptions
from consumer.mapping.values import EMPTY, MALFORMED, WRONG_TYPE, InvalidValue

DAY_S = 24 * 60 * 60
DAY_MS = DAY_S * 1000

# How far ahead an event may be of the clock, and a click of its event: clocks differ.
AHEAD_MS_MAX = 5 * 60 * 1000

_MILLISECONDS_MIN, _MILLISECONDS_MAX = 10**11, 10**14
_A_SECOND = ((_MILLISECONDS_MIN, 1), (_MILLISECONDS_MAX, 10**3), (10**17, 10**6))
_NANOSECONDS = 10**9

# 30 digits are enough for nanoseconds in any calendar, and short enough for int().
_DECIMAL = re.compile(r"([0-9]{1,30})(?:\.([0-9]+))?")
_RFC_3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
    r"(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2}))?"
)
_DAY_ZERO = datetime.date(1970, 1, 1).toordinal()


def unix_ms(value: object) -> int | InvalidValue:
    """Milliseconds since 1970, at least a second of them, of a JSON number or text."""
    if type(value) is int and _MILLISECONDS_MIN <= value < _MILLISECONDS_MAX:
        return value
    if isinstance(value, str):
        return _of_text(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return WRONG_TYPE
    if not math.isfinite(value):
        return MALFORMED
    return _of_number(int(value), int(value % 1 * 1000))


def day_of(time_ms: int) -> datetime.date:
    """The day of UTC at a time in milliseconds since 1970."""
    return datetime.date.fromordinal(_DAY_ZERO + time_ms // DAY_MS)


def _of_text(text: str) -> int | InvalidValue:
    if not text:
        return EMPTY
    if match := _DECIMAL.fullmatch(text):
        return _of_number(int(match[1]), _thousandths(match[2]))
    match = _RFC_3339.fullmatch(text)
    return MALFORMED if match is None else _of_date_time(match)


def _of_number(number: int, thousandths: int) -> int | InvalidValue:
    a_second = next((unit for limit, unit in _A_SECOND if number < limit), _NANOSECONDS)
    return _positive((number * 1000 + thousandths) // a_second)


def _thousandths(decimals: str | None) -> int:
    """The first three decimals: 123 of `.1239`."""
    return int((decimals or "")[:3].ljust(3, "0"))


def _of_date_time(match: re.Match[str]) -> int | InvalidValue:
    date, *clock, decimals, sign, zone_hours, zone_minutes = match.groups()
    hours, minutes, seconds = (int(part or 0) for part in clock)
    zone = int(zone_hours or 0), int(zone_minutes or 0)
    # RFC 3339 writes a leap second as :60.
    if hours > 23 or minutes > 59 or seconds > 60 or zone[0] > 23 or zone[1] > 59:
        return MALFORMED
    try:
        days = datetime.date.fromisoformat(date).toordinal() - _DAY_ZERO
    except ValueError:
        return MALFORMED
    ahead = (zone[0] * 3600 + zone[1] * 60) * (-1 if sign == "-" else 1)
    whole = days * DAY_S + hours * 3600 + minutes * 60 + seconds - ahead
    return _positive(whole * 1000 + _thousandths(decimals))


def _positive(milliseconds: int) -> int | InvalidValue:
    return milliseconds if milliseconds >= 1000 else MALFORMED


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
    source = redaction.trimmed_text(value)
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
    override = first_valid("event_name", tables.EVENT["event_name"], event, trail, redaction.clean_text)
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
    found = first_valid("event_id", tables.EVENT["event_id"], event, trail, redaction.identifier)
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
            value = first_valid(key, tables.EVENT_TEXTS[key], event, trail, redaction.clean_text)
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


# Meta's documentation of the Conversions API, read in November 2026.
AGE_S_MAX = 7 * DAY_S
AGE_IN_STORE_S_MAX = 62 * DAY_S

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
    found = first_valid("event_time", tables.EVENT["event_time"], event, trail, unix_ms)
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
    return time_ms > now_ms + AHEAD_MS_MAX
