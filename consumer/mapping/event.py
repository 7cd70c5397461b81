"""
What a record's bytes hold: an event, taken apart into the objects that are read.

An event is read at a few places only, so they are looked up once, side by side:

    event                               root
     ├ user                             user
     ├ browser                          browser
     ├ context                          context
     │  ├ page                          page
     │  └ device                        device
     │     └ cookie                     cookies   (only _fbc and _fbp)
     └ integrations.facebook            facebook  ("overrides")
        ├ user_data                     facebook_user_data
        └ custom_data                   facebook_custom_data

Something else than an object in one of these places counts as absent, and
leaves a note; cookies leave none, as most of them are nothing to Meta.
Overrides nested too deep are taken out here, once for all, so that nobody after
this file has to think of depth.

How deep a value nests.

orjson reads 1,024 levels and writes 254. What goes to Meta is held to 32, by
one look before anything walks into it, so every walk after it is bounded.
A flat list or object is 1 deep.
"""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

import orjson

from consumer.domain.decision import Reason, WarningCode, WarningScope
from consumer.mapping.lookup import MappingTrace, Object
from consumer.mapping.tables import CUSTOM_DATA, EVENT_KEYS, USER_DATA_KEYS, WISHES

DEPTH_MAX = 32


def is_too_deep(value: object, depth_max: int = DEPTH_MAX) -> bool:
    """Whether lists and objects nest more than `depth_max` levels. Looks no deeper than that."""
    if type(value) is dict:
        children = iter(value.values())
    elif type(value) is list:
        children = iter(value)
    else:
        return False
    if depth_max == 0:
        return True
    return any(is_too_deep(child, depth_max - 1) for child in children)


NOTHING: Object = {}


class Event(NamedTuple):
    """The places of one event, in the order of `mapping.PLACES`, by which a source finds its place."""

    root: Object
    user: Object
    browser: Object
    context: Object
    page: Object
    device: Object
    cookies: Object
    facebook: Object
    facebook_user_data: Object
    facebook_custom_data: Object


CLICK_COOKIES = ("_fbc", "_fbp")

# Read key by key themselves, so each key's depth counts from there.
NESTED_PLACES = frozenset({"user_data", "custom_data"})
FACEBOOK_KEYS = EVENT_KEYS - NESTED_PLACES

# Wishes are read no deeper than a list, and what cannot be read of them means the
# safe side: taken out, they would mean the other one.
_NEVER_TOO_DEEP = NESTED_PLACES.union(WISHES)


def parse(value: bytes) -> dict[str, object] | Reason:
    """The JSON object in a record's value, or why there is none."""
    try:
        root = orjson.loads(value)
    except orjson.JSONDecodeError:
        return Reason.NOT_JSON
    return root if isinstance(root, dict) else Reason.NOT_AN_OBJECT


def open_event(root: Object, trail: MappingTrace) -> Event:
    """The places of an event; a place that is no object is empty, with a note on what it would have given."""
    context = _object(root.get("context"), "event_time", trail)
    device = _object(context.get("device"), "client_user_agent", trail)
    integrations = _object(root.get("integrations"), WarningScope.FACEBOOK, trail)
    facebook = _object(integrations.get("facebook"), WarningScope.FACEBOOK, trail)
    user_data = _object(facebook.get("user_data"), WarningScope.USER_DATA, trail)
    custom_data = _object(facebook.get("custom_data"), WarningScope.CUSTOM_DATA, trail)
    return Event(
        root,
        _object(root.get("user"), WarningScope.USER, trail),
        _object(root.get("browser"), "client_user_agent", trail),
        context,
        _object(context.get("page"), "event_source_url", trail),
        device,
        click_cookies(device.get("cookie")),
        _shallow(facebook, FACEBOOK_KEYS, WarningScope.FACEBOOK, trail),
        _shallow(user_data, USER_DATA_KEYS, WarningScope.USER_DATA, trail),
        _shallow(custom_data, CUSTOM_DATA, WarningScope.CUSTOM_DATA, trail),
    )


def _object(value: object, field: str, trail: MappingTrace) -> Object:
    if isinstance(value, dict):
        return value
    if value is not None:
        trail.record_warning(field, WarningCode.WRONG_TYPE)
    return NOTHING


def _shallow(overrides: Object, names: Container[str], others: str, trail: MappingTrace) -> Object:
    """Overrides without those that nest too deep. A key outside `names` is noted as `others`."""
    deep = [key for key, value in overrides.items() if key not in _NEVER_TOO_DEEP and is_too_deep(value)]
    if not deep:
        return overrides
    for key in deep:
        trail.record_warning(key if key in names else others, WarningCode.TOO_DEEP)
    return {key: value for key, value in overrides.items() if key not in deep}


def click_cookies(cookie: object) -> Object:
    """Meta's two cookies out of a `Cookie` header's text, or all of an object; of anything else none."""
    if not isinstance(cookie, str):
        return cookie if isinstance(cookie, dict) else NOTHING
    found: dict[str, object] = {}
    for pair in cookie.split(";"):
        name, _, value = pair.partition("=")
        if name.strip() in CLICK_COOKIES:
            found.setdefault(name.strip(), value.strip())
    return found
