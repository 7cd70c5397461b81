"""
The event itself: name, id, time, where it happened, and what may be done with it.

An event id is never random: without one of its own, an event is named by where
its record first stood, so a redelivery and a replay carry the same id and
Meta counts them once.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple

from consumer.core import data_processing, mapping, plain, times
from consumer.core.cleaning import clean, holds_address
from consumer.core.decision import NoteWord, Reason
from consumer.core.event import Event
from consumer.core.record import Coordinates
from consumer.core.rules import Rules
from consumer.core.sources import Source, first_usable
from consumer.core.trail import Trail
from consumer.core.urls import clean_url
from consumer.core.values import EMPTY, MALFORMED, WRONG_TYPE, Unusable, integer_of

ServerEvent = dict[str, object]
Extras = dict[str, object]

DAY_S = 24 * 60 * 60
AGE_S_MAX = 7 * DAY_S
AGE_IN_STORE_S_MAX = 62 * DAY_S
AGE_MARGIN_S = 10 * 60  # time to wait in a batch, and to be tried again
OPT_OUT_WORDS = {"true": True, "1": True, "false": False, "0": False}
EXTINFO_LENGTH = 16  # Meta refuses app events with any other number of entries


class When(NamedTuple):
    """When and where an event happened, until when Meta takes it, and the overrides that say so."""

    time_ms: int
    expires_at_s: int
    action_source: str
    extras: Extras

    @property
    def time_s(self) -> int:
        """Meta's `event_time`."""
        return self.time_ms // 1000


def given_name(event: Event) -> str:
    """`event_name` as the site gave it, trimmed; empty when it is missing, blank or no text."""
    given = event.root.get("event_name")
    return given.strip() if isinstance(given, str) else ""


def name(event: Event, rules: Rules, trail: Trail) -> str | None:
    """The name Meta gets: the override, the setting's row, the table's, or the given name as it is."""
    given = given_name(event)
    if not given:
        return None
    override = first_usable("event_name", mapping.EVENT_NAME_OVERRIDE, event, trail, plain.clean_text)
    if override is not None:
        return override
    trail.came("event_name", "event_name")
    mapped = rules.event_names.get(given) or mapping.EVENT_NAMES.get(given)
    if mapped is None and holds_address(given):
        trail.note("event_name", NoteWord.PERSONAL_DATA)
        return None
    return mapped or given


def when(event: Event, origin: Coordinates, rules: Rules, now_ms: int, trail: Trail) -> When | Reason:
    """When and where it happened, or that Meta does not take it any more, or not yet."""
    time_ms = _time_ms(event, origin, now_ms, trail)
    if _is_ahead(time_ms, now_ms):
        return Reason.EVENT_TIME_IN_FUTURE
    extras = _extras(event, trail)
    source = _action_source_of(event, extras, rules, trail)
    age_s_max = AGE_IN_STORE_S_MAX if source == "physical_store" else AGE_S_MAX
    expires_at_s = time_ms // 1000 + age_s_max - AGE_MARGIN_S
    if now_ms > expires_at_s * 1000:
        return Reason.EVENT_TOO_OLD
    return When(time_ms, expires_at_s, source, extras)


def server_event(
    event: Event, name: str, when: When, origin: Coordinates, rules: Rules, trail: Trail
) -> ServerEvent:
    """All that is sent but `user_data` and `custom_data`."""
    sent: ServerEvent = {
        "event_name": name,
        "event_time": when.time_s,
        "event_id": _event_id(event, origin, trail),
        "action_source": when.action_source,
    }
    if (url := _url("event_source_url", mapping.EVENT_SOURCE_URL, event, trail)) is not None:
        sent["event_source_url"] = url
    if (referrer := _url("referrer_url", mapping.REFERRER_URL, event, trail)) is not None:
        sent["referrer_url"] = referrer
    if event.facebook and (opt_out := _opt_out(event, trail)) is not None:
        sent["opt_out"] = opt_out
    sent.update(data_processing.of_event(event, rules.data_processing, trail))
    sent.update(when.extras)
    return sent


def note_what_a_website_lacks(sent: ServerEvent, user_data: Container[str], trail: Trail) -> None:
    """Meta asks both of a website's event, and takes it without."""
    if sent["action_source"] == "website":
        if "client_user_agent" not in user_data:
            trail.note("client_user_agent", NoteWord.MISSING)
        if "event_source_url" not in sent:
            trail.note("event_source_url", NoteWord.MISSING)


def _event_id(event: Event, origin: Coordinates, trail: Trail) -> str:
    found = first_usable("event_id", mapping.EVENT_ID, event, trail, plain.identifier)
    if found is not None:
        return found
    trail.came("event_id", "place of the record")
    return "-".join(map(str, origin))


def _time_ms(event: Event, origin: Coordinates, now_ms: int, trail: Trail) -> int:
    found = first_usable("event_time", mapping.EVENT_TIME, event, trail, times.unix_ms)
    if found is not None and not _is_ahead(found, now_ms):
        return found
    trail.note("event_time", NoteWord.MISSING if found is None else NoteWord.FUTURE)
    trail.came("event_time", "timestamp of the record")
    return origin.timestamp_ms


def _is_ahead(time_ms: int, now_ms: int) -> bool:
    return time_ms > now_ms + times.AHEAD_MS_MAX


def _action_source_of(event: Event, extras: Extras, rules: Rules, trail: Trail) -> str:
    """Where the conversion happened. Two action sources need one of `extras`, cleaned."""
    found = first_usable("action_source", mapping.ACTION_SOURCE, event, trail, _action_source, extras)
    if found is not None:
        return found
    kind = event.root.get("type")
    by_type = mapping.ACTION_SOURCE_BY_TYPE.get(kind) if isinstance(kind, str) else None
    if by_type is not None:
        trail.came("action_source", "type")
        return by_type
    setting = _action_source(rules.action_source, extras)
    if isinstance(setting, Unusable):
        trail.note("action_source", setting.note)
        return "website"
    return setting


def _action_source(value: object, extras: Extras) -> str | Unusable:
    source = plain.text(value)
    if isinstance(source, Unusable):
        return source
    source = source.lower()
    if source not in mapping.ACTION_SOURCES:
        return MALFORMED
    # Without what it needs beside it, an action source is as good as not given.
    if source == "app" and not _has_extinfo(extras.get("app_data")):
        return EMPTY
    if source == "business_messaging" and "messaging_channel" not in extras:
        return EMPTY
    return source


def _has_extinfo(app_data: object) -> bool:
    extinfo = app_data.get("extinfo") if isinstance(app_data, dict) else None
    return isinstance(extinfo, list) and len(extinfo) == EXTINFO_LENGTH


def _url(field: str, sources: Sequence[Source], event: Event, trail: Trail) -> str | None:
    found = first_usable(field, sources, event, trail, clean_url)
    if found is None:
        return None
    cleaned, was_personal = found
    if was_personal:
        trail.note(field, NoteWord.PERSONAL_DATA)
    return cleaned


def _extras(event: Event, trail: Trail) -> Extras:
    """The overrides that are sent beside user_data and custom_data as they are, once cleaned."""
    found: Extras = {}
    for key in event.facebook:
        value: object = None
        if key in mapping.EVENT_OBJECTS:
            given = first_usable(key, mapping.EVENT_OBJECTS[key], event, trail, _object)
            value = _cleaned(key, given, trail)
        elif key in mapping.EVENT_TEXTS:
            value = first_usable(key, mapping.EVENT_TEXTS[key], event, trail, plain.clean_text)
        if value:
            found[key] = value
    return found


def _object(value: object) -> dict[str, object] | Unusable:
    if type(value) is not dict:
        return WRONG_TYPE
    return value or EMPTY


def _cleaned(key: str, value: object, trail: Trail) -> object:
    cleaned = clean(value)
    if cleaned is not value:
        trail.note(key, NoteWord.PERSONAL_DATA)
    return cleaned


def _opt_out(event: Event, trail: Trail) -> bool | None:
    """Whether Meta may not use the event for delivery. What cannot be read means that it may not."""
    value = event.facebook.get("opt_out")
    if value is None:
        return None
    trail.came("opt_out", "integrations.facebook.opt_out")
    if isinstance(value, bool):
        return value
    word = value.strip() if isinstance(value, str) else str(integer_of(value))
    if word not in OPT_OUT_WORDS:
        trail.note("opt_out", NoteWord.MALFORMED if isinstance(value, str) else NoteWord.WRONG_TYPE)
    return OPT_OUT_WORDS.get(word, True)
