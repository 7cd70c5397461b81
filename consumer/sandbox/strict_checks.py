"""
What this project promises about an event beyond what Meta asks for.

Meta would take some of what is found here. A sandbox that does not finds the
sender's mistakes: no e-mail address in clear anywhere, nothing under a name
such as `phone` outside `user_data`, always an id to de-duplicate by.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

from consumer.sandbox import meta_vocabulary
from consumer.sandbox.checks import TAIL, Finding, Json, unlike

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
