"""
Who the event is about, as Meta may know it: digests, ids, the browser.

Every key may be overridden by `integrations.facebook.user_data.<key>`, which
goes through the same normalising and hashing as what it replaces. Of a plain
value and its digest the plain one wins, as we know how it was normalised.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVarTuple

from consumer.domain.decision import WarningCode, WarningScope
from consumer.mapping import identifiers, tables, text_values
from consumer.mapping.event import Event
from consumer.mapping.lookup import Source, first_valid
from consumer.mapping.normalize.fields import NormalizationContext, country_of, normalization_context
from consumer.mapping.normalize.hashing import BatchHasher, FieldDigests
from consumer.mapping.rules import MappingOptions
from consumer.mapping.trail import MappingTrace
from consumer.mapping.urls import click_id
from consumer.mapping.values import InvalidValue

UserData = dict[str, object]
Ts = TypeVarTuple("Ts")


def user_data(
    event: Event,
    time_ms: int,
    url: object,
    rules: MappingOptions,
    hasher: BatchHasher,
    now_ms: int,
    trail: MappingTrace,
) -> UserData:
    """Meta's `user_data`. `url` is the event's cleaned `event_source_url`, which may hold a click id."""
    found = _hashed(event, _circumstances(event, rules, now_ms), hasher, trail)
    for key, value in (
        ("client_ip_address", _as_it_is("client_ip_address", event, trail, identifiers.client_ip_address)),
        ("client_user_agent", _as_it_is("client_user_agent", event, trail, identifiers.client_user_agent)),
        ("fbc", _fbc(event, time_ms, url, trail)),
        ("fbp", _as_it_is("fbp", event, trail, identifiers.fbp)),
    ):
        if value is not None:
            found[key] = value
    if event.facebook_user_data:
        found.update(_overrides_only(event, trail))
    return found


def _circumstances(event: Event, rules: MappingOptions, now_ms: int) -> NormalizationContext:
    """What the person's values mean depends on the country, and on what day it is."""
    override = event.facebook_user_data.get("country")
    if override is not None and country_of(override) is not None:
        return normalization_context(override, rules, now_ms)
    return normalization_context(event.user.get("country"), rules, now_ms)


def _hashed(
    event: Event, circumstances: NormalizationContext, hasher: BatchHasher, trail: MappingTrace
) -> UserData:
    user, overrides = event.user, event.facebook_user_data
    found: UserData = {}
    for key, override, plain_source, digest_source in tables.HASHED:
        sent = None
        if overrides and (value := overrides.get(key)) is not None:
            sent = _sent(hasher.hashed(key, value, circumstances), key, override, trail)
        if sent is None and (value := user.get(plain_source.key)) is not None:
            sent = _sent(hasher.hashed(key, value, circumstances), key, plain_source, trail)
        if sent is None and (value := user.get(digest_source.key)) is not None:
            sent = _sent(
                hasher.hashed(key, value, circumstances, digests_only=True), key, digest_source, trail
            )
        if sent is not None:
            found[key] = sent
    return found


def _sent(hashed: FieldDigests, key: str, source: Source, trail: MappingTrace) -> str | list[str] | None:
    for word in hashed.notes:
        trail.record_warning(key, word, source.path)
    if hashed.sent is not None:
        trail.record_source(key, source.path)
    return hashed.sent


def _as_it_is(
    key: str,
    event: Event,
    trail: MappingTrace,
    read: Callable[[object, *Ts], str | InvalidValue],
    *arguments: *Ts,
) -> str | None:
    return first_valid(key, tables.AS_IT_IS[key], event, trail, read, *arguments)


def _fbc(event: Event, time_ms: int, url: object, trail: MappingTrace) -> str | None:
    """The click id as it came, never rewritten; else built from the page's address."""
    given = _as_it_is("fbc", event, trail, identifiers.fbc, time_ms)
    clicked = click_id(url) if given is None and isinstance(url, str) else None
    if clicked is None:
        return given
    built = identifiers.fbc_from_click(clicked, time_ms)
    if isinstance(built, InvalidValue):
        trail.record_warning("fbc", built.note)
        return None
    trail.record_source("fbc", "fbclid in event_source_url")
    return built


def _overrides_only(event: Event, trail: MappingTrace) -> UserData:
    """The keys that exist as overrides only."""
    found: UserData = {}
    for key, value in event.facebook_user_data.items():
        if key in tables.GIVEN:
            usable = first_valid(key, tables.GIVEN[key], event, trail, text_values.identifier_as_is)
            if usable is not None:
                found[key] = usable
        elif key not in tables.USER_DATA_KEYS and value is not None:
            trail.record_warning(WarningScope.USER_DATA, WarningCode.UNKNOWN_KEY)
    return found
