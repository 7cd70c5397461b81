"""
What a record is: bytes with a place in a log.

A record that came back from the dead-letter topic has two places: where it
stands now, which is what gets committed, and where it first stood. Everything
that is decided from a place (an event id, an event time) uses the first, so
that a redelivery and a replay decide alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Headers = Sequence[tuple[str, bytes | None]]

ORIGIN_TOPIC = "dlq.origin-topic"
ORIGIN_PARTITION = "dlq.origin-partition"
ORIGIN_OFFSET = "dlq.origin-offset"
ORIGIN_TIMESTAMP = "dlq.origin-timestamp"


class Partition(NamedTuple):
    """One log of a topic."""

    topic: str
    number: int


class Coordinates(NamedTuple):
    """Where a record first stood. The timestamp is in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


@dataclass(slots=True)
class Record:
    """
    A record as read. Key, value and headers may be personal and stay out of `repr`.

    Not frozen, though nobody changes one: a frozen one takes four times as long to make.
    """

    partition: Partition
    offset: int
    timestamp_ms: int
    value: bytes | None = field(repr=False)
    key: bytes | None = field(default=None, repr=False)
    headers: Headers = field(default=(), repr=False)

    @property
    def size(self) -> int:
        """Bytes of key, value and headers: all that is held of it."""
        size = len(self.value or b"") + len(self.key or b"")
        for name, value in self.headers:
            size += len(name) + len(value or b"")
        return size


def coordinates(record: Record) -> Coordinates:
    """Where the record first stood: its `dlq.origin-*` headers, all there and readable, else its place."""
    if record.headers:
        origin = _origin(record.headers)
        if origin is not None:
            return origin
    return Coordinates(*record.partition, record.offset, record.timestamp_ms)


def _origin(headers: Headers) -> Coordinates | None:
    """None for headers that we did not write: anybody may, and int() reads more than we wrote."""
    found = {name: _text(value) for name, value in headers if name in _ORIGIN}
    if not all(form.fullmatch(found.get(name, "")) for name, form in _ORIGIN.items()):
        return None
    partition, offset, timestamp_ms = (int(found[name]) for name in _ORIGIN if name != ORIGIN_TOPIC)
    return Coordinates(found[ORIGIN_TOPIC], partition, offset, timestamp_ms)


_NUMBER = re.compile(r"[0-9]{1,19}")
_ORIGIN = {
    ORIGIN_TOPIC: re.compile(r"[A-Za-z0-9._-]{1,249}"),  # Kafka's topic names
    ORIGIN_PARTITION: _NUMBER,
    ORIGIN_OFFSET: _NUMBER,
    ORIGIN_TIMESTAMP: re.compile(r"-?[0-9]{1,19}"),
}


def _text(value: bytes | None) -> str:
    return (value or b"").decode("ascii", "replace")
