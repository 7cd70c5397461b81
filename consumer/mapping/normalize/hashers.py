"""
Hashers for events that come in no batch, as from a file.

A hasher remembers what it hashed, personal values among it. So it serves as
many events as a batch of `run` may hold, and is forgotten for the next one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

from consumer.mapping.normalize.hashing import BatchHasher

EVENTS_OF_A_HASHER = 500


def hashers() -> Iterator[BatchHasher]:
    """One for each event, without end: the same for some hundred events, then another."""
    while True:
        yield from repeat(BatchHasher(), EVENTS_OF_A_HASHER)
