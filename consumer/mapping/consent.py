"""
May this event be used at all?

Asked before anything else is done with an event. Category ids are opaque and
compared as trimmed text: 3, 3.0 and "3" are one category. The first of two
places that says anything decides alone:

    consent_categories at the root  →  user.consent_categories

While an app waits for its user's consent, `user` may be a text. Then there is
no user, and no consent wherever else categories stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping


def has_consent(event: Mapping[str, object], category: str | None) -> bool:
    """Whether the event carries the category. Without a category configured every event passes."""
    if not category:
        return True
    granted = _granted(event)
    # Most events carry a list of ids as they are configured.
    if type(granted) is list and category in granted:
        return True
    return category in _ids(granted)


def consent_categories(event: Mapping[str, object]) -> tuple[str, ...] | None:
    """The ids that the event carries, for a person to read; None where nothing is said at all."""
    granted = _granted(event)
    return None if granted is None else tuple(dict.fromkeys(_ids(granted)))


def is_consent_pending(event: Mapping[str, object]) -> bool:
    """Whether an app still waits for its user's consent."""
    return isinstance(event.get("user"), str)


def _granted(event: Mapping[str, object]) -> object:
    """What the first place says that says anything; None while consent is waited for."""
    user = event.get("user")
    if isinstance(user, str):
        return None
    granted = event.get("consent_categories")
    if granted is None and isinstance(user, dict):
        return user.get("consent_categories")
    return granted


def _ids(granted: object) -> Iterator[str]:
    """`["1, 2", 3.0]` gives `1`, `2`, `3`. Booleans, null and anything nested give none."""
    for element in granted if isinstance(granted, list) else (granted,):
        if isinstance(element, str):
            yield from map(str.strip, element.replace("|", ",").split(","))
        elif isinstance(element, bool):
            continue
        elif isinstance(element, int):
            yield str(element)
        elif isinstance(element, float):
            yield str(int(element)) if element.is_integer() else str(element)
