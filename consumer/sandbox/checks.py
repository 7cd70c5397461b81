"""
What may be wrong with one event: the predicates of the table in `rules.py`.

Each takes the event and the time and returns what it found, or None. Those of
the first half read any JSON; those of the second half rely on the first
having passed: `user_data` is an object, `event_time` an integer, and so on.

What this project promises about an event beyond what Meta asks for.

Meta would take some of what is found here. A sandbox that does not finds the
sender's mistakes: no e-mail address in clear anywhere, nothing under a name
such as `phone` outside `user_data`, always an id to de-duplicate by.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from consumer.sandbox import meta_vocabulary

DAY_S = 24 * 60 * 60
AGE_S_MAX = 7 * DAY_S
STORE_AGE_S_MAX = 62 * DAY_S
AHEAD_S_MAX = 5 * 60
EXTINFO_LENGTH = 16

TAIL = r"\.([A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg)"  # what Meta's parameter builder adds
DIGEST = re.compile(r"[0-9a-f]{64}" + f"({TAIL})?")
EMPTY_DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
FBC = re.compile(r"fb\.[0-9]\.[0-9]{1,13}\.[A-Za-z0-9_-]+" + f"({TAIL})?")
CURRENCY = re.compile(r"[A-Z]{3}")
WEB_ADDRESS = re.compile(r"https?://[^\s/]", re.IGNORECASE)

Json = Any


class Finding(NamedTuple):
    """What is wrong and where: `path` goes behind `$['data'][i]`, `value` is what was sent."""

    path: str = ""
    key: str = ""
    value: Json = ""


Predicate = Callable[[Json, float], Finding | None]


# Any JSON


def not_an_object(event: Json, now_s: float) -> Finding | None:
    """An element of `data` that is no object."""
    return None if isinstance(event, dict) else Finding(value=event)


def key_missing(event: Json, now_s: float) -> Finding | None:
    """One of the four required keys is not there, or null."""
    return next((Finding(key=key) for key in meta_vocabulary.REQUIRED if event.get(key) is None), None)


def key_unexpected(event: Json, now_s: float) -> Finding | None:
    """A key that Meta does not know, on the event, in `user_data` or in a line of `contents`."""
    for path, thing, known in _known_objects(event):
        for key in thing:
            if key not in known:
                return Finding(path, key)
    return None


def _known_objects(event: Json) -> Iterator[tuple[str, dict[str, Json], frozenset[str]]]:
    yield "", event, meta_vocabulary.EVENT
    if isinstance(event["user_data"], dict):
        yield "['user_data']", event["user_data"], meta_vocabulary.USER_DATA
    for index, line in enumerate(_contents(event)):
        if isinstance(line, dict):
            yield f"['custom_data']['contents'][{index}]", line, meta_vocabulary.CONTENT


def _contents(event: Json) -> list[Json]:
    custom_data = event.get("custom_data")
    contents = custom_data.get("contents") if isinstance(custom_data, dict) else None
    return contents if isinstance(contents, list) else []


def _is_text(value: Json) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_integer(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_object(value: Json) -> bool:
    return isinstance(value, dict)


def _is_texts(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_web_address(value: Json) -> bool:
    return isinstance(value, str) and WEB_ADDRESS.match(value) is not None


TYPES: dict[str, Callable[[Json], bool]] = {
    "event_name": _is_text,
    "event_time": _is_integer,
    "event_id": _is_text,
    "user_data": _is_object,
    "custom_data": _is_object,
    "event_source_url": _is_web_address,
    "referrer_url": _is_web_address,
    "action_source": lambda value: isinstance(value, str) and value in meta_vocabulary.ACTION_SOURCES,
    "opt_out": lambda value: isinstance(value, bool),
    "data_processing_options": _is_texts,
    "data_processing_options_country": lambda value: _is_integer(value) and value in (0, 1),
    "data_processing_options_state": lambda value: (
        _is_integer(value) and (value == 0 or 1000 <= value <= 1013)
    ),
    "original_event_data": _is_object,
    "attribution_data": _is_object,
    "app_data": _is_object,
    "customer_segmentation": _is_text,
    "messaging_channel": _is_text,
}


def type_wrong(event: Json, now_s: float) -> Finding | None:
    """A value on the event that is not of its key's type."""
    for key, value in event.items():
        if not TYPES[key](value):
            return Finding(f"['{key}']", key, value)
    return None


# Events that passed all of the above


def too_old(event: Json, now_s: float) -> Finding | None:
    """Older than 7 days, 62 for a shop's."""
    age_s_max = STORE_AGE_S_MAX if event["action_source"] == "physical_store" else AGE_S_MAX
    return Finding(value=event["event_time"]) if event["event_time"] < now_s - age_s_max else None


def in_the_future(event: Json, now_s: float) -> Finding | None:
    """More than clocks may differ; milliseconds taken for seconds end here."""
    return Finding(value=event["event_time"]) if event["event_time"] > now_s + AHEAD_S_MAX else None


def fbc_malformed(event: Json, now_s: float) -> Finding | None:
    """A click id that is not `fb.<index>.<ms>.<fbclid>`."""
    return unlike(event["user_data"], "fbc", FBC)


def unlike(holder: dict[str, Json], key: str, pattern: re.Pattern[str]) -> Finding | None:
    """A value that is there and is no text of this form."""
    value = holder.get(key)
    if key not in holder or (isinstance(value, str) and pattern.fullmatch(value)):
        return None
    return Finding(key=key, value=value)


def not_hashed(event: Json, now_s: float) -> Finding | None:
    """Personal data that is no SHA-256, or the SHA-256 of nothing."""
    user_data = event["user_data"]
    for key in meta_vocabulary.HASHED:
        if key in user_data:
            sent = user_data[key]
            values = sent if isinstance(sent, list) else [sent]
            if not values or not all(_is_digest(value) for value in values):
                return Finding(key=key, value=sent)
    return None


def _is_digest(value: Json) -> bool:
    return (
        isinstance(value, str) and DIGEST.fullmatch(value) is not None and not value.startswith(EMPTY_DIGEST)
    )


def too_little(event: Json, now_s: float) -> Finding | None:
    """Nothing, or nothing that could tell one person from another."""
    present = {key for key, value in event["user_data"].items() if value not in (None, "", [])}
    return (
        Finding(value=sorted(present)) if any(present <= few for few in meta_vocabulary.TOO_LITTLE) else None
    )


def extinfo_missing(event: Json, now_s: float) -> Finding | None:
    """An event of an app without the sixteen facts about its device."""
    if event["action_source"] != "app":
        return None
    extinfo = event.get("app_data", {}).get("extinfo")
    return None if isinstance(extinfo, list) and len(extinfo) == EXTINFO_LENGTH else Finding(value=extinfo)


def channel_missing(event: Json, now_s: float) -> Finding | None:
    """An event of a conversation that does not say where it took place."""
    if event["action_source"] != "business_messaging" or "messaging_channel" in event:
        return None
    return Finding(key="messaging_channel")


def not_a_messaging_event(event: Json, now_s: float) -> Finding | None:
    """A name that Meta does not take from conversations."""
    if (
        event["action_source"] != "business_messaging"
        or event["event_name"] in meta_vocabulary.MESSAGING_EVENTS
    ):
        return None
    return Finding(key="event_name", value=event["event_name"])


def purchase_without_value(event: Json, now_s: float) -> Finding | None:
    """A Purchase whose value is no number, or below nothing."""
    value = event.get("custom_data", {}).get("value")
    if event["event_name"] != "Purchase" or (_is_number(value) and value >= 0):
        return None
    return Finding(key="value", value=value)


def purchase_without_currency(event: Json, now_s: float) -> Finding | None:
    """A Purchase in no currency."""
    if event["event_name"] != "Purchase" or "currency" in event.get("custom_data", {}):
        return None
    return Finding(key="currency")


def currency_malformed(event: Json, now_s: float) -> Finding | None:
    """A currency that is not three capital letters, on any event."""
    return unlike(event.get("custom_data", {}), "currency", CURRENCY)


def contents_malformed(event: Json, now_s: float) -> Finding | None:
    """`contents` that is not a list of objects."""
    custom_data = event.get("custom_data", {})
    contents = custom_data.get("contents", [])
    well = isinstance(contents, list) and all(isinstance(line, dict) for line in contents)
    return None if well else Finding(key="contents", value=contents)


def content_without_id(event: Json, now_s: float) -> Finding | None:
    """A line of `contents` that names no product: refused since April 2026."""
    for index, line in enumerate(_contents(event)):
        if not _is_text(line.get("id")):
            return Finding(f"['custom_data']['contents'][{index}]", "id")
    return None


FBP = re.compile(r"fb\.[0-9]\.[0-9]{1,13}\.[0-9]+" + f"({TAIL})?")
AT_THE_END = re.compile(TAIL + "$")
# One character before the @ is enough to know, and keeps the search linear.
EMAIL = re.compile(r"[^@/?&=#\s]@[^@/?&=#\s]+\.[^@/?&=#\s]")
WITHOUT_GAPS = str.maketrans("", "", "-_ ")


def fbp_malformed(event: Json, now_s: float) -> Finding | None:
    """A browser id that is not `fb.<index>.<ms>.<number>`."""
    return unlike(event["user_data"], "fbp", FBP)


def event_id_missing(event: Json, now_s: float) -> Finding | None:
    """Meta takes it; without one nothing is de-duplicated."""
    return None if "event_id" in event else Finding(key="event_id")


def ip_address_malformed(event: Json, now_s: float) -> Finding | None:
    """A client address that is neither IPv4 nor IPv6."""
    sent = event["user_data"].get("client_ip_address", "0.0.0.0")  # noqa: S104 - a value, nothing is bound
    try:
        ipaddress.ip_address(AT_THE_END.sub("", sent) if isinstance(sent, str) else "")
    except ValueError:
        return Finding(key="client_ip_address", value=sent)
    return None


def email_in_clear(event: Json, now_s: float) -> Finding | None:
    """An e-mail address in any text or key of the event, percent-encoded in an address too."""
    for key, value in event.items():
        for text in _texts(value):
            if "@" in text and EMAIL.search(text):
                return Finding(f"['{key}']", key, text)
    for key in ("event_source_url", "referrer_url"):
        once = unquote_plus(event.get(key, ""))
        if EMAIL.search(once) or EMAIL.search(unquote_plus(once)):
            return Finding(f"['{key}']", key, event[key])
    return None


def named_personal_data(event: Json, now_s: float) -> Finding | None:
    """Text or a number under a name such as `phone`, outside `user_data`."""
    for key in ("custom_data", "original_event_data", "attribution_data", "app_data"):
        for thing in _walk(event.get(key)):
            for name, value in thing.items() if isinstance(thing, dict) else ():
                if _is_personal(name) and any(_is_text_or_number(inner) for inner in _walk(value)):
                    return Finding(f"['{key}']", name, value)
    return None


def _is_personal(name: str) -> bool:
    return name.lower().translate(WITHOUT_GAPS) in meta_vocabulary.PERSONAL_NAMES


def _is_text_or_number(value: Json) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _texts(top: Json) -> Iterator[str]:
    for thing in _walk(top):
        if isinstance(thing, str):
            yield thing
        elif isinstance(thing, dict):
            yield from thing


def _walk(top: Json) -> Iterator[Json]:
    """Everything in a JSON value. A stack, not recursion: JSON may be a thousand deep."""
    stack = [top]
    while stack:
        thing = stack.pop()
        yield thing
        if isinstance(thing, dict):
            stack.extend(thing.values())
        elif isinstance(thing, list):
            stack.extend(thing)
