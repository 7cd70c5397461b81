"""
What a replay does with one letter.

    letter ─┬─ not matched   not meant by this replay: passed, for another one
            ├─ parked        it came back too often: to the parking topic, as it is
            ├─ back          to its origin, or the topic that was asked for
            ├─ left out      nothing lets it go back, or Meta takes it no more: counted and passed
            └─ held          a setting or a topic is missing: nothing passes it

A letter is parked whatever else is the matter with it. Only what would go back
is asked for its age.

A replay that includes what is too old means, of the letters that the same
replay has passed without it, those that it left out for their age. The others
have gone. When each was passed is not known, so one that has become too old
since goes a second time, under the same id and time, and whoever consumes it
filters it for its age.

Where a dead letter goes when it is replayed, and what it carries.

    letter ─┬─ to its origin topic, or the topic that was asked for
            ├─ left out: nothing will ever let it go back, so it is counted and passed
            └─ held: another setting would let it go back, so nothing passes it

The difference is whether a later replay could do better. A letter that is left
out stays in the dead-letter topic all the same, until retention takes it.

What would become of a letter, were it consumed again now.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from consumer.config.settings import Settings
from consumer.dead_letters import headers
from consumer.dead_letters import headers as letter
from consumer.dead_letters.filters import Filter
from consumer.dead_letters.reader import OriginalReader
from consumer.domain.decision import Decision, Filtered, Reason
from consumer.domain.record import Coordinates, Headers, Partition, Record
from consumer.errors import CommandError, UsageError
from consumer.kafka import clients
from consumer.kafka.admin import list_cluster
from consumer.mapping.decide import decide
from consumer.mapping.normalize.hashing import BatchHasher
from consumer.mapping.rules import MappingOptions

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


class NotMatched(NamedTuple):
    """A letter that this replay does not mean."""


class Parked(NamedTuple):
    """A letter on its way to the parking topic, with its own headers."""

    record: ReplayRecord


class ParkingTopicMissing(NamedTuple):
    """A letter that is to be parked, where there is no such topic."""

    topic: str


PlannedAction = NotMatched | Parked | ReplayRecord | SkipReason | Blocked | ParkingTopicMissing


@dataclass(frozen=True, slots=True)
class Parking:
    """Where letters end that came back `max_replays` times."""

    topic: str
    is_there: bool
    max_replays: int

    def takes(self, record: Record) -> bool:
        """Whether this letter has come back often enough."""
        # A record that failed twice has two dead letters, and both are replayed. Each replay raises the
        # count of its own, so `max_replays` bounds them.
        return headers.replay_count(record.headers) >= self.max_replays


@dataclass(frozen=True, slots=True)
class ReplayPlanner:
    """
    The rules of one replay. `is_too_old` tells of what would go back whether Meta still takes it.

    `passed`: what is too old goes back too, and these next offsets of the
    partitions are how far the same replay has come without that.
    """

    filter: Filter
    parking: Parking
    way_back: ReplayTarget
    is_too_old: Callable[[ReplayRecord], bool]
    passed: Mapping[int, int] | None = None

    def selects(self, record: Record) -> bool:
        """Whether this replay handles the letter at all."""
        return self.filter.matches(record) and not self._is_handled(record)

    def plan(self, record: Record) -> PlannedAction:
        """What becomes of a letter that is meant."""
        fate = self._at_any_age(record)
        return SkipReason.TOO_OLD if self.passed is None and self._is_old(fate) else fate

    def _is_handled(self, record: Record) -> bool:
        """Whether the same replay, without what is too old, has passed it for another reason."""
        passed = (self.passed or {}).get(record.partition.number, 0)
        return record.offset < passed and not self._is_old(self._at_any_age(record))

    def _at_any_age(self, record: Record) -> PlannedAction:
        return self._parked(record) if self.parking.takes(record) else self.way_back.target_of(record)

    def _is_old(self, fate: PlannedAction) -> bool:
        return isinstance(fate, ReplayRecord) and self.is_too_old(fate)

    def _parked(self, record: Record) -> Parked | ParkingTopicMissing:
        topic = self.parking.topic
        if not self.parking.is_there:
            return ParkingTopicMissing(topic)
        return Parked(ReplayRecord(topic, record.key, record.value, record.headers, timestamp_of(record)))


def record_to_write(fate: PlannedAction) -> ReplayRecord | None:
    """The record that the broker must have before the letter is passed; None where there is none."""
    match fate:
        case ReplayRecord():
            return fate
        case Parked(record):
            return record
        case _:
            return None


def blocks(fate: PlannedAction, record: Record) -> str:
    """Why nothing may pass this letter, and what to do; empty where it may be passed."""
    where = f"the letter at partition {record.partition.number} offset {record.offset}"
    match fate:
        case Blocked(topic):
            return (
                f"{where} comes from {topic}, which is not one of CAPI_TOPICS or does not exist: "
                "add it there, or send with --to TOPIC"
            )
        case ParkingTopicMissing(topic):
            count = headers.replay_count(record.headers)
            return (
                f"{where} has come back {count} {'time' if count == 1 else 'times'} and is to be parked, but "
                f"{topic} does not exist: create it with `capi-consumer topics create`, let "
                "CAPI_PARKING_TOPIC name another, or raise --max-replays"
            )
        case _:
            return ""


class Recheck(NamedTuple):
    """What tells whether a letter is still invalid, or too old. `now_ms` is the clock."""

    rules: MappingOptions
    now_ms: Callable[[], int]

    def decision(self, back: ReplayRecord) -> Decision:
        """What becomes of it when it is consumed: at the place where it first stood, as its headers say."""
        now_ms = self.now_ms()
        timestamp_ms = now_ms if back.timestamp_ms is None else back.timestamp_ms
        record = Record(Partition(back.topic, 0), 0, timestamp_ms, back.value, back.key, back.headers)
        return decide(record, self.rules, BatchHasher(), now_ms)

    def is_too_old(self, back: ReplayRecord) -> bool:
        """Whether Meta takes it no more: it would be filtered, and nobody would hear of it."""
        decision = self.decision(back)
        return isinstance(decision, Filtered) and decision.reason is Reason.EVENT_TOO_OLD
