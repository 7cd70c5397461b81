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

from consumer.sandbox import keys
from consumer.sandbox.checks import TAIL, Finding, Json, unlike

FBP = re.compile(r"fb\.[0-9]\.[0-9]{1,13}\.[0-9]+" + f"({TAIL})?")
AT_THE_END = re.compile(TAIL + "$")
# One character before the @ is enough to know, and keeps the search linear.
EMAIL = re.compile(r"[^@/?&=#\s]@[^@/?&=#\s]+\.[^@/?&=#\s]")


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
    for path, text in _texts(event):
        if EMAIL.search(text):
            return Finding(path, value=text)
    for key in ("event_source_url", "referrer_url"):
        once = unquote_plus(event.get(key, ""))
        if EMAIL.search(once) or EMAIL.search(unquote_plus(once)):
            return Finding(f"['{key}']", key, event[key])
    return None


def named_personal_data(event: Json, now_s: float) -> Finding | None:
    """Text or a number under a name such as `phone`, outside `user_data`."""
    for key in ("custom_data", "original_event_data", "attribution_data", "app_data"):
        for path, name, value in _named(event.get(key, {}), f"['{key}']"):
            if any(not isinstance(leaf, bool) for _, leaf in _leaves(value, path)):
                return Finding(path, name, value)
    return None


def _named(top: Json, path: str) -> Iterator[tuple[str, str, Json]]:
    for where, thing in _objects(top, path):
        for name, value in thing.items():
            if re.sub(r"[-_ ]", "", name.lower()) in keys.PERSONAL_NAMES:
                yield f"{where}['{name}']", name, value


def _objects(top: Json, path: str) -> Iterator[tuple[str, dict[str, Json]]]:
    return ((where, thing) for where, thing in _walk(top, path) if isinstance(thing, dict))


def _leaves(top: Json, path: str) -> Iterator[tuple[str, Json]]:
    return (
        (where, thing)
        for where, thing in _walk(top, path)
        if thing is not None and not isinstance(thing, dict | list)
    )


def _texts(top: Json) -> Iterator[tuple[str, str]]:
    for where, thing in _walk(top, ""):
        if isinstance(thing, str):
            yield where, thing
        elif isinstance(thing, dict):
            for key in thing:
                yield where, key


def _walk(top: Json, path: str) -> Iterator[tuple[str, Json]]:
    """Everything in a JSON value with its path. A stack, not recursion: JSON may be a thousand deep."""
    stack = [(path, top)]
    while stack:
        where, thing = stack.pop()
        yield where, thing
        if isinstance(thing, dict):
            stack.extend((f"{where}['{key}']", value) for key, value in thing.items())
        elif isinstance(thing, list):
            stack.extend((f"{where}[{index}]", value) for index, value in enumerate(thing))
