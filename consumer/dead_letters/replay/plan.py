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
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from consumer.dead_letters import headers
from consumer.dead_letters.filters import Filter
from consumer.dead_letters.replay.way_back import (
    Blocked,
    ReplayRecord,
    ReplayTarget,
    SkipReason,
    timestamp_of,
)
from consumer.domain.record import Record


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
