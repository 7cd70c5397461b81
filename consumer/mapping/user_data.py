"""
Who the event is about, as Meta may know it: digests, ids, the browser.

Every key may be overridden by `integrations.facebook.user_data.<key>`, which
goes through the same normalising and hashing as what it replaces. Of a plain
value and its digest the plain one wins, as we know how it was normalised.

What identifies a browser, a click or an account, and is sent as it is.

None of these is rewritten, but for blanks around an address or a user agent and
for the proxies that follow an address: a click id is case-sensitive, and Meta
refuses a whole request for one `fbc` that is not in its form. So a value is
right as it stands, or unusable.

    fbc    fb.<subdomain index>.<creation time in ms>.<click id>
    fbp    fb.<subdomain index>.<creation time in ms>.<random number>

All three of address, `fbc` and `fbp` may end in a dot and an appendix of Meta's
parameter builder. Each reader takes a JSON value and gives the text that is sent,
or says why there is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeVarTuple

from consumer.domain.decision import WarningCode, WarningScope
from consumer.mapping import redaction, tables
from consumer.mapping.event import Event
from consumer.mapping.event_fields import AHEAD_MS_MAX, DAY_MS
from consumer.mapping.lookup import MappingTrace, Source, first_valid
from consumer.mapping.normalize.fields import (
    APPENDIX,
    NormalizationContext,
    country_of,
    normalization_context,
)
from consumer.mapping.normalize.hashing import BatchHasher, FieldDigests
from consumer.mapping.redaction import click_id, contains_email
from consumer.mapping.rules import MappingOptions
from consumer.mapping.values import (
    EMPTY,
    EXPIRED,
    MALFORMED,
    PERSONAL_DATA,
    PLACEHOLDER,
    WRONG_TYPE,
    InvalidValue,
    is_placeholder,
)

# How long Meta takes a click id after the click (its documentation of `fbc`, read in November 2026).
CLICK_AGE_MS_MAX = 90 * DAY_MS

_CLICK_ID = re.compile(r"[A-Za-z0-9_-]+")
_FBC = re.compile(rf"fb\.[0-9]\.([0-9]{{1,13}})\.[A-Za-z0-9_-]+(?:\.{APPENDIX})?")
_FBP = re.compile(rf"fb\.[0-9]\.[0-9]{{1,13}}\.[0-9]+(?:\.{APPENDIX})?")
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
# Addresses that are nobody's (below) begin otherwise. `ipaddress` takes thirty times as long to say so.
_NOT_PUBLIC = (
    r"0\.0\.0\.0\Z|10\.|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|127\.|169\.254\."
    r"|172\.(?:1[6-9]|2[0-9]|3[01])\.|192\.168\.|2(?:2[4-9]|3[0-9])\."
)
_PUBLIC_IPV4 = re.compile(rf"(?!{_NOT_PUBLIC}){_OCTET}(?:\.{_OCTET}){{3}}")
# 2000::/3, all that is given out; in full, or with a `::` and fewer colons than that.
_H = "[0-9a-fA-F]{1,4}"
_PUBLIC_IPV6 = re.compile(
    rf"[23][0-9a-fA-F]{{3}}(?:(?::{_H}){{7}}|(?!(?:[^:]*:){{8}})(?::{_H})*::(?:{_H}(?::{_H})*)?)"
)
_WITH_APPENDIX = re.compile(rf"(.+)\.{APPENDIX}")

_NOBODYS_IPV4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/32",  # unspecified
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # private, of a carrier
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local
            "172.16.0.0/12",  # private
            "192.168.0.0/16",  # private
            "224.0.0.0/4",  # multicast
        ),
    )
)
_NOBODYS_IPV6 = tuple(map(IPv6Network, ("::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8")))


def client_ip_address(value: object) -> str | InvalidValue:
    """The first of a comma list, when it is an address of the public internet."""
    if not isinstance(value, str):
        return WRONG_TYPE
    if _PUBLIC_IPV4.fullmatch(value) or _PUBLIC_IPV6.fullmatch(value):
        return value
    first = value.partition(",")[0].strip()
    if not first:
        return EMPTY
    address = _address(first)
    if address is None and (match := _WITH_APPENDIX.fullmatch(first)):
        address = _address(match[1])
    return MALFORMED if address is None or _is_nobodys(address) else first


def client_user_agent(value: object) -> str | InvalidValue:
    """Trimmed text; no placeholder, and none that holds an e-mail address."""
    if not isinstance(value, str):
        return WRONG_TYPE
    if contains_email(value):
        return PERSONAL_DATA
    trimmed = value.strip()
    if not trimmed:
        return EMPTY
    return PLACEHOLDER if is_placeholder(trimmed) else trimmed


def fbc(value: object, event_time_ms: int) -> str | InvalidValue:
    """A click id in its form, made at most 90 days before the event and 5 minutes after it."""
    if not isinstance(value, str):
        return WRONG_TYPE
    match = _FBC.fullmatch(value)
    if match is None:
        return MALFORMED
    ahead_ms = int(match[1]) - event_time_ms
    if ahead_ms > AHEAD_MS_MAX:
        return MALFORMED
    return EXPIRED if ahead_ms < -CLICK_AGE_MS_MAX else value


def fbp(value: object) -> str | InvalidValue:
    """A browser id in its form."""
    if not isinstance(value, str):
        return WRONG_TYPE
    return value if _FBP.fullmatch(value) else MALFORMED


def fbc_from_click(click_id: str, event_time_ms: int) -> str | InvalidValue:
    """The `fbc` that the decoded `fbclid` of a URL stands for."""
    return f"fb.1.{event_time_ms}.{click_id}" if _CLICK_ID.fullmatch(click_id) else MALFORMED


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return None if address.scope_id else address.ipv4_mapped or address


def _is_nobodys(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return any(address in network for network in _NOBODYS_IPV4)
    return any(address in network for network in _NOBODYS_IPV6)


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
        ("client_ip_address", _as_it_is("client_ip_address", event, trail, client_ip_address)),
        ("client_user_agent", _as_it_is("client_user_agent", event, trail, client_user_agent)),
        ("fbc", _fbc(event, time_ms, url, trail)),
        ("fbp", _as_it_is("fbp", event, trail, fbp)),
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
    given = _as_it_is("fbc", event, trail, fbc, time_ms)
    clicked = click_id(url) if given is None and isinstance(url, str) else None
    if clicked is None:
        return given
    built = fbc_from_click(clicked, time_ms)
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
            usable = first_valid(key, tables.GIVEN[key], event, trail, redaction.identifier_as_is)
            if usable is not None:
                found[key] = usable
        elif key not in tables.USER_DATA_KEYS and value is not None:
            trail.record_warning(WarningScope.USER_DATA, WarningCode.UNKNOWN_KEY)
    return found
