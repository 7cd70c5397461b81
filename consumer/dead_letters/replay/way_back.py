"""
Where a dead letter goes when it is replayed, and what it carries.

    letter ─┬─ to its origin topic, or the topic that was asked for
            ├─ left out: nothing will ever let it go back, so it is counted and passed
            └─ held: another setting would let it go back, so nothing passes it

The difference is whether a later replay could do better. A letter that is left
out stays in the dead-letter topic all the same, until retention takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from consumer.config.settings import Settings
from consumer.dead_letters import headers as letter
from consumer.dead_letters.originals import OriginalReader
from consumer.domain.record import Coordinates, Headers, Record
from consumer.errors import CommandError, UsageError
from consumer.kafka import clients
from consumer.kafka.admin import list_cluster

FindOriginal = Callable[[Coordinates], Record | None]


class SkipReason(StrEnum):
    """Why a letter cannot go back. The words are public, like the reasons."""

    NO_ORIGIN = "no_origin"  # nobody's letter: its origin headers are missing or cannot be read
    NO_VALUE = "no_value"  # a tombstone, which would delete at its origin
    ORIGINAL_GONE = "original_gone"  # its value was too large for the topic, and the origin has it no more
    TOO_LARGE = "too_large"  # the topic it would go to does not take it
    TOO_OLD = "too_old"  # Meta takes the event no more


class ReplayRecord(NamedTuple):
    """A record on its way back. `timestamp_ms` is None where the letter has none: now."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int | None


class Blocked(NamedTuple):
    """A letter whose origin topic is not one of ours, or does not exist."""

    topic: str


@dataclass(frozen=True, slots=True)
class ReplayTarget:
    """
    The rule of one replay.

    `topics` are those that a letter may go back to by its own word: without
    this, whoever writes to the dead-letter topic could write anywhere.
    """

    topics: Collection[str]
    find_original: FindOriginal
    to: str | None = None

    def target_of(self, record: Record) -> ReplayRecord | SkipReason | Blocked:
        """Where this letter goes."""
        origin = letter.origin(record)
        to = self.to or (origin.topic if origin else None)
        if to is None:
            return SkipReason.NO_ORIGIN
        if self.to is None and to not in self.topics:
            return Blocked(to)
        if record.value is None:
            return self._without_value(record, origin, to)
        return _replay_record(record, record.value, to)

    def _without_value(
        self, record: Record, origin: Coordinates | None, to: str
    ) -> ReplayRecord | SkipReason | Blocked:
        if letter.text(record.headers, letter.VALUE_OMITTED) != "true":
            return SkipReason.NO_VALUE
        if origin is None:
            return SkipReason.ORIGINAL_GONE
        if origin.topic not in self.topics:
            return Blocked(origin.topic)
        original = self.find_original(origin)
        if original is None or original.value is None:
            return SkipReason.ORIGINAL_GONE
        return _replay_record(record, original.value, to)


@contextmanager
def open_replay_target(settings: Settings, to: str | None, option: str = "--to") -> Iterator[ReplayTarget]:
    """
    Where letters go back to under these settings.

    Raises CannotGoOn or BadCall when `to`, which came by `option`, cannot be it.
    """
    there = list_cluster(clients.admin_client(settings), settings).topics
    if to == settings.dead_letter_topic:
        raise UsageError(f"{option} {to}: that is the dead-letter topic itself", "name a topic of events")
    if to == settings.parking_topic:
        raise UsageError(
            f"{option} {to}: that is the parking topic, which nobody reads", "name a topic of events"
        )
    if to is not None and to not in there:
        raise CommandError(f"{option} {to}: there is no such topic", "name one that exists, or make it first")
    with closing(OriginalReader(settings)) as originals:
        yield ReplayTarget(frozenset(settings.topics) & there.keys(), originals.find, to)


def timestamp_of(record: Record) -> int | None:
    """The letter's own time; None where it has none."""
    return record.timestamp_ms if record.timestamp_ms > 0 else None


def _replay_record(record: Record, value: bytes, topic: str) -> ReplayRecord:
    return ReplayRecord(topic, record.key, value, letter.replay_headers(record.headers), timestamp_of(record))
