"""
Letters back to where they came from, each passed only when the broker has it.

    read a handful → where does each go → send → wait for every report → commit

The group's committed offset is the bookmark. It moves after the reports, and in
each partition only up to the first letter that did not arrive, so a run that
is stopped or killed is taken up where it was. What was sent and not yet
committed goes again: it carries the same origin, hence the same event id.

The bookmark has no lock, but each process signs where it leaves it. Whoever finds
that somebody else has moved it stops: before it sends, and again before it
commits, as two in step may have looked at the same time. What both had in hand
by then has gone twice.

Letters given to the broker, a handful at a time, and which of them it did not take.

A handful is sent together and waited for to its last report: only then may any
letter of it be passed.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from confluent_kafka import KafkaException

from consumer.dead_letters.reader import Commit, DeadLetterReader
from consumer.dead_letters.replay.plan import (
    NotMatched,
    Parked,
    PlannedAction,
    ReplayPlanner,
    ReplayRecord,
    SkipReason,
    blocks,
    record_to_write,
)
from consumer.dead_letters.summary import DeadLetterTally
from consumer.domain.record import Record
from consumer.errors import CommandError
from consumer.kafka import clients
from consumer.kafka.producer import RecordProducer

# Time for a partition to change its leader. librdkafka's own, 300 s, is long for a person who waits.
ACKNOWLEDGED_WITHIN_S = 60.0
TOO_LARGE = frozenset({"MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"})


class ReplaySender:
    """Letters given to the broker, and which of them it did not take."""

    def __init__(self, publisher: Callable[[Callable[[int, str], None]], RecordProducer]) -> None:
        self._errors: dict[int, str] = {}
        self._publisher = publisher(self._errors.__setitem__)

    def send(self, records: Sequence[ReplayRecord | None]) -> dict[int, str]:
        """Send what is one and wait for every report: index -> the error of one that did not arrive."""
        backs = {place: record for place, record in enumerate(records) if record is not None}
        errors = self._sent(backs)
        # The broker measures what travels together: one that is refused for
        # its size may only have had large company.
        for place in [place for place, error in errors.items() if error in TOO_LARGE]:
            del errors[place]
            errors |= self._sent({place: backs[place]})
        return errors

    def _sent(self, backs: Mapping[int, ReplayRecord]) -> dict[int, str]:
        self._errors.clear()
        for place, back in backs.items():
            self._publisher.send(*back, place=place)
        self._publisher.finish(ACKNOWLEDGED_WITHIN_S)
        return dict(self._errors)


# What goes a second time when a replay is killed. Each handful costs one commit that is waited for.
RECORDS_PER_CHUNK = 200


class StopReason(StrEnum):
    """Why a replay stopped."""

    DONE = "done"
    LIMIT = "limit"
    INTERRUPTED = "interrupted"
    HELD = "held"
    NOT_WRITTEN = "not_written"


@dataclass(slots=True)
class ReplaySummary:
    """
    What became of the letters. `replayed` are acknowledged and passed (or would be, in a dry run).

    `passed` has the next offset of each partition; those that `offsets_left`
    counts may be holes.
    """

    replayed: DeadLetterTally = field(default_factory=DeadLetterTally)
    parked: int = 0
    skipped: Counter[SkipReason] = field(default_factory=Counter)
    not_matched: int = 0
    stop_reason: StopReason = StopReason.DONE
    message: str = ""
    passed: dict[int, int] = field(default_factory=dict)
    offsets_left: int = 0

    @property
    def matched(self) -> int:
        """Letters that the filter means and that were passed, whatever became of them."""
        return self.replayed.total + self.parked + self.skipped.total()


class ReplayProgress:
    """The group's progress, moved by us alone. A commit of the same offset by another is seen by its name."""

    # Not a lock, nor membership of the group: a member that is killed would keep its partitions until its
    # session ends. Two replays in step commit the same offsets, so each commit has a name in its metadata.

    def __init__(self, letters: DeadLetterReader) -> None:
        self._letters = letters
        self._name = uuid.uuid4().hex
        self._known = letters.committed()

    def check(self) -> None:
        """Raises CannotGoOn when somebody else has moved it."""
        if self._letters.committed() != self._known:
            raise CommandError(
                "another replay is running with this group: let it end, or name one with --group"
            )

    def advance(self, next_offsets: Mapping[int, int]) -> None:
        """Set it, and wait until the broker has it. Raises CannotGoOn like `check`."""
        self.check()
        marks = {number: Commit(offset, self._name) for number, offset in next_offsets.items()}
        try:
            self._letters.commit(marks)
        except KafkaException as error:
            raise CommandError(
                f"the progress could not be committed ({clients.error_name(error)}): "
                "no consumer may run with this group"
            ) from None
        self._known |= marks


@dataclass(slots=True)
class RateLimit:
    """Letters a second, evenly. `rate` None: as fast as it goes."""

    rate: float | None
    clock: Callable[[], float] = time.monotonic
    started_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.started_at = self.clock()

    def chunk_size(self, left: int | None) -> int:
        """How many letters to take now: a second's worth at most."""
        most = RECORDS_PER_CHUNK if self.rate is None else min(RECORDS_PER_CHUNK, max(1, int(self.rate)))
        return most if left is None else min(most, left)

    def ahead_s(self, handled: int) -> float:
        """How long to wait before the next ones."""
        if self.rate is None:
            return 0.0
        return max(0.0, self.started_at + handled / self.rate - self.clock())


class ReplayRunner:
    """One replay. Without `sending` nothing is written and no progress is made: a dry run."""

    def __init__(self, letters: DeadLetterReader, fates: ReplayPlanner, sending: ReplaySender | None) -> None:
        self._letters = letters
        self._fates = fates
        self._sending = sending
        self._bookmark = ReplayProgress(letters) if sending else None
        self._waiting: deque[tuple[Record, bool]] = deque()  # read and not handled; is it meant
        self.outcome = ReplaySummary()

    def run(
        self,
        *,
        pace: RateLimit,
        limit: int | None,
        stop: threading.Event,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> ReplaySummary:
        """
        All that is left, or the next `limit` letters that match; `stop` ends it early, between two handfuls.

        `on_progress` gets the offsets passed. Raises CannotGoOn without brokers.
        """
        outcome = self.outcome
        while outcome.stop_reason is StopReason.DONE and not (self._letters.is_done and not self._waiting):
            left = None if limit is None else limit - outcome.matched
            if stop.is_set() or left == 0:
                outcome.stop_reason = StopReason.INTERRUPTED if stop.is_set() else StopReason.LIMIT
                break
            self._pass(self._next(pace.chunk_size(left)))
            on_progress(self._offsets_passed())
            stop.wait(pace.ahead_s(outcome.matched))
        if outcome.stop_reason is StopReason.DONE:
            self._move_past_the_holes()
        outcome.offsets_left = max(0, self._letters.offsets_total - self._offsets_passed())
        return outcome

    def _offsets_passed(self) -> int:
        passed, spans = self.outcome.passed, self._letters.spans
        return sum(offset - spans[number].begin for number, offset in passed.items())

    def _next(self, matching_max: int) -> list[tuple[Record, bool]]:
        """
        The next letters, so many of them at most that the filter means.

        Those between them cost nothing but the reading, so neither pace nor
        limit counts them: a filter that means few passes the others in handfuls.
        What is read and not returned stays waiting; progress never passes it, also at the end.
        """
        if not self._waiting:
            found = self._letters.read(RECORDS_PER_CHUNK)
            self._waiting.extend((record, self._fates.selects(record)) for record in found)
        taken: list[tuple[Record, bool]] = []
        matching = 0
        while self._waiting:
            matching += self._waiting[0][1]
            if matching > matching_max:
                break
            taken.append(self._waiting.popleft())
        return taken

    def _move_past_the_holes(self) -> None:
        """Behind the last letter of a partition there may be holes, and no letter to pass them with."""
        self.outcome.passed = dict(self._letters.reached)
        if self._bookmark:
            self._bookmark.advance(self._letters.reached)

    def _pass(self, taken: Sequence[tuple[Record, bool]]) -> None:
        """Handle these letters and move the bookmark behind those that are done with."""
        if not taken:
            return
        if self._bookmark:
            self._bookmark.check()
        handled = self._handled(taken)
        written = [record_to_write(fate) for _, fate in handled]
        errors = self._sending.send(written) if self._sending else {}
        next_offsets: dict[int, int] = {}
        stuck: set[int] = set()
        for place, (record, fate) in enumerate(handled):
            number = record.partition.number
            if number not in stuck and self._is_passed(record, fate, errors.get(place)):
                next_offsets[number] = record.offset + 1
            else:
                stuck.add(number)
        self.outcome.passed |= next_offsets
        if self._bookmark:
            self._bookmark.advance(next_offsets)

    def _handled(self, taken: Sequence[tuple[Record, bool]]) -> list[tuple[Record, PlannedAction]]:
        """What becomes of each, up to the first that is held: nothing behind that one is sent."""
        handled: list[tuple[Record, PlannedAction]] = []
        for record, is_meant in taken:
            fate = self._fates.plan(record) if is_meant else NotMatched()
            handled.append((record, fate))
            if blocks(fate, record):
                break
        return handled

    def _is_passed(self, record: Record, fate: PlannedAction, error: str | None) -> bool:
        """Count one letter; False for one that the bookmark must not pass."""
        outcome = self.outcome
        if says := blocks(fate, record):
            outcome.stop_reason, outcome.message = StopReason.HELD, says
            return False
        match fate:
            case NotMatched():
                outcome.not_matched += 1
            case SkipReason():
                outcome.skipped[fate] += 1
            case ReplayRecord() | Parked() if error in TOO_LARGE:
                outcome.skipped[SkipReason.TOO_LARGE] += 1
            case ReplayRecord(topic) | Parked(ReplayRecord(topic)) if error is not None:
                outcome.stop_reason, outcome.message = (
                    StopReason.NOT_WRITTEN,
                    f"{topic} did not take a letter ({error})",
                )
                return False
            case ReplayRecord():
                outcome.replayed.count(record)
            case Parked():
                outcome.parked += 1
        return True
