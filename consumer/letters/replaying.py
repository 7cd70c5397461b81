"""
Letters back to where they came from, each passed only when the broker has it.

    read a handful → where does each go → send → wait for every report → commit

The group's committed offset is the bookmark. It moves after the reports, and in
each partition only up to the first letter that did not arrive, so a run that
is stopped or killed is taken up where it was. What was sent and not yet
committed goes again: it carries the same origin, hence the same event id.

The bookmark has no lock. Whoever finds that somebody else has moved it stops.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from confluent_kafka import KafkaException

from consumer import kafka
from consumer.core.record import Record
from consumer.exits import CannotGoOn
from consumer.letters.topic import DeadLetterTopic
from consumer.letters.view import LetterTally
from consumer.letters.way_back import Back, Held, LeftOut, WayBack
from consumer.producing import Publisher

LETTERS_AT_ONCE = 200
ACKNOWLEDGED_WITHIN_S = 60.0
TOO_LARGE = frozenset({"MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"})

Fate = Back | LeftOut | Held


class Ended(StrEnum):
    """Why a replay stopped."""

    DONE = "done"
    LIMIT = "limit"
    INTERRUPTED = "interrupted"
    HELD = "held"
    NOT_WRITTEN = "not_written"


@dataclass(slots=True)
class Outcome:
    """
    What became of the letters. `replayed` are acknowledged and passed (or would be, in a dry run).

    `passed` has the next offset of each partition; those that `offsets_left`
    counts may be holes.
    """

    replayed: LetterTally = field(default_factory=LetterTally)
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    ended: Ended = Ended.DONE
    says: str = ""
    passed: dict[int, int] = field(default_factory=dict)
    offsets_left: int = 0

    @property
    def handled(self) -> int:
        """Letters that were passed, whatever became of them."""
        return self.replayed.total + self.left_out.total()


class Sending:
    """Letters given to the broker, and which of them it did not take."""

    def __init__(self, publisher: Callable[[Callable[[int, str], None]], Publisher]) -> None:
        self._errors: dict[int, str] = {}
        self._publisher = publisher(self._errors.__setitem__)

    def send(self, fates: Sequence[Fate]) -> dict[int, str]:
        """Send what goes back and wait for every report: index -> the error of one that did not arrive."""
        backs = {place: fate for place, fate in enumerate(fates) if isinstance(fate, Back)}
        errors = self._sent(backs)
        # The broker measures what travels together: one that is refused for
        # its size may only have had large company.
        for place in [place for place, error in errors.items() if error in TOO_LARGE]:
            del errors[place]
            errors |= self._sent({place: backs[place]})
        return errors

    def _sent(self, backs: Mapping[int, Back]) -> dict[int, str]:
        self._errors.clear()
        for place, back in backs.items():
            self._publisher.send(*back, place=place)
        self._publisher.finish(ACKNOWLEDGED_WITHIN_S)
        return dict(self._errors)


class Bookmark:
    """The group's progress, moved by us alone."""

    def __init__(self, letters: DeadLetterTopic) -> None:
        self._letters = letters
        self._known = letters.committed()

    def check(self) -> None:
        """Raises CannotGoOn when somebody else has moved it."""
        if self._letters.committed() != self._known:
            raise CannotGoOn(
                "another replay is running with this group: let it end, or name one with --group"
            )

    def move(self, next_offsets: dict[int, int]) -> None:
        """Set it, and wait until the broker has it."""
        try:
            self._letters.commit(next_offsets)
        except KafkaException as error:
            raise CannotGoOn(
                f"the progress could not be committed ({kafka.error_name(error)}): "
                "no consumer may run with this group"
            ) from None
        self._known |= next_offsets


@dataclass(slots=True)
class Pace:
    """Letters a second, evenly. `rate` None: as fast as it goes."""

    rate: float | None
    clock: Callable[[], float] = time.monotonic
    started_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.started_at = self.clock()

    def at_once(self, left: int | None) -> int:
        """How many letters to take now: a second's worth at most."""
        most = LETTERS_AT_ONCE if self.rate is None else min(LETTERS_AT_ONCE, max(1, int(self.rate)))
        return most if left is None else min(most, left)

    def ahead_s(self, handled: int) -> float:
        """How long to wait before the next ones."""
        if self.rate is None:
            return 0.0
        return max(0.0, self.started_at + handled / self.rate - self.clock())


class Replay:
    """One replay. Without `sending` nothing is written and no progress is made: a dry run."""

    def __init__(self, letters: DeadLetterTopic, way_back: WayBack, sending: Sending | None) -> None:
        self._letters = letters
        self._way_back = way_back
        self._sending = sending
        self._bookmark = Bookmark(letters) if sending else None
        self.outcome = Outcome()

    def run(
        self,
        *,
        pace: Pace,
        limit: int | None,
        stop: threading.Event,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> Outcome:
        """
        All that is left, or the next `limit` letters; `stop` ends it early, between two handfuls.

        `on_progress` gets the offsets passed. Raises CannotGoOn without brokers.
        """
        outcome = self.outcome
        while outcome.ended is Ended.DONE and not self._letters.is_done:
            left = None if limit is None else limit - outcome.handled
            if stop.is_set() or left == 0:
                outcome.ended = Ended.INTERRUPTED if stop.is_set() else Ended.LIMIT
                break
            self._pass(self._letters.read(pace.at_once(left)))
            on_progress(self._letters.offsets_passed)
            stop.wait(pace.ahead_s(outcome.handled))
        if outcome.ended is Ended.DONE:
            self._move_past_the_holes()
        outcome.offsets_left = sum(
            span.end - outcome.passed.get(number, span.begin) for number, span in self._letters.spans.items()
        )
        return outcome

    def _move_past_the_holes(self) -> None:
        """Behind the last letter of a partition there may be holes, and no letter to pass them with."""
        self.outcome.passed = dict(self._letters.reached)
        if self._bookmark:
            self._bookmark.check()
            self._bookmark.move(self._letters.reached)

    def _pass(self, records: Sequence[Record]) -> None:
        """Handle these letters and move the bookmark behind those that are done with."""
        if not records:
            return
        if self._bookmark:
            self._bookmark.check()
        fates = self._fates(records)
        errors = self._sending.send(fates) if self._sending else {}
        next_offsets: dict[int, int] = {}
        stuck: set[int] = set()
        for place, (record, fate) in enumerate(zip(records, fates, strict=False)):
            number = record.partition.number
            if number not in stuck and self._is_passed(record, fate, errors.get(place)):
                next_offsets[number] = record.offset + 1
            else:
                stuck.add(number)
        self.outcome.passed |= next_offsets
        if self._bookmark:
            self._bookmark.move(next_offsets)

    def _fates(self, records: Sequence[Record]) -> list[Fate]:
        """Where each goes, up to the first that is held: nothing behind that one is sent."""
        fates: list[Fate] = []
        for record in records:
            fates.append(self._way_back.of(record))
            if isinstance(fates[-1], Held):
                break
        return fates

    def _is_passed(self, record: Record, fate: Fate, error: str | None) -> bool:
        """Count one letter; False for one that the bookmark must not pass."""
        outcome = self.outcome
        match fate:
            case Held(topic):
                outcome.ended, outcome.says = Ended.HELD, _held(record, topic)
                return False
            case LeftOut():
                outcome.left_out[fate] += 1
            case Back() if error in TOO_LARGE:
                outcome.left_out[LeftOut.TOO_LARGE] += 1
            case Back(topic) if error is not None:
                outcome.ended, outcome.says = Ended.NOT_WRITTEN, f"{topic} did not take a letter ({error})"
                return False
            case Back():
                outcome.replayed.add(record)
        return True


def _held(record: Record, topic: str) -> str:
    return (
        f"the letter at partition {record.partition.number} offset {record.offset} comes from {topic}, which "
        "is not one of CAPI_TOPICS or does not exist: add it there, or send with --to TOPIC"
    )
