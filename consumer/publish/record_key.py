"""
Which partition an event goes to: the key of its record.

The events of a user stay in order when they share a key. Nobody's events have
none and are spread: one key for all of them would gather them on one partition.
"""

from __future__ import annotations

from consumer.mapping import values
from consumer.mapping.event import parse


def record_key(value: bytes) -> bytes | None:
    """The user's id in an event; None without one, and for the words that stand for nobody."""
    root = parse(value)
    user = root.get("user") if isinstance(root, dict) else None
    text = values.text_of(user.get("id")) if isinstance(user, dict) else ""
    if (
        not isinstance(text, str)
        or not text.strip()
        or text.strip() in values.NO_IDS
        or values.is_placeholder(text)
    ):
        return None
    return text.encode("utf-8")
