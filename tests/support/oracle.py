"""
Is the promise kept? Judged from outside, on what was produced and where it ended.

    accepted ∪ filtered ∪ dead letters = produced      over distinct events
    pairwise disjoint                                   no event in two places
    a repeat carries the same event id, name and time
    nothing is committed before it has ended

The evidence is what others hold: the sandbox's file of accepted events, the
dead-letter topic, the group's committed offsets. A filtered record leaves
nothing but its log line; where the log is not kept, a record that should be
filtered and is nowhere else counts as filtered.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from support.events import End
from support.load import Produced
from support.topics import LogRecord, Partition, Place

SHOWN_MAX = 5


class Accepted(NamedTuple):
    """An event of a request that Meta's stand-in accepted."""

    event_id: str
    event_name: str
    event_time: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    What was found at one moment.

    `filtered` maps places to reasons, or is None when the log was not kept.
    `committed` and `ends` are offsets by partition: read `committed` first, so
    that whatever it covers had its end when the rest was read.
    """

    accepted: Sequence[Accepted]
    letters: Sequence[LogRecord] = ()
    filtered: Mapping[Place, str] | None = None
    committed: Mapping[Partition, int] = field(default_factory=dict)
    ends: Mapping[Partition, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """
    The judgement. Numbers count distinct events; the names of events and places are for the reader.

    `lost` ended nowhere; `strays` are accepted ids and dead letters that were
    never produced; `misplaced` ended in another place, or for another reason,
    than they should. `twice` and `letters_twice` count the surplus: harmless,
    when `changed_repeats` (another name or time) is empty. `altered_letters` differ
    from their record in key or value. `uncommitted` is the group's lag.
    """

    produced: int
    accepted: int
    filtered: int
    dead_lettered: int
    lost: tuple[str, ...]
    in_two_places: tuple[str, ...]
    strays: tuple[str, ...]
    misplaced: tuple[str, ...]
    changed_repeats: tuple[str, ...]
    altered_letters: tuple[str, ...]
    committed_too_far: tuple[Place, ...]
    uncommitted: int
    twice: int
    letters_twice: int

    @property
    def holds(self) -> bool:
        """Whether the promise is kept and everything is committed."""
        faults = (getattr(self, one.name) for one in fields(self))
        return not any(fault for fault in faults if isinstance(fault, tuple)) and not self.uncommitted

    def __str__(self) -> str:
        lines = []
        for one in fields(self):
            value = getattr(self, one.name)
            few = value[:SHOWN_MAX] if isinstance(value, tuple) else ()
            lines.append(
                f"{one.name}: {len(value)} {few or ''}"
                if isinstance(value, tuple)
                else f"{one.name}: {value}"
            )
        return "\n".join(lines)


def judge(produced: Sequence[Produced], evidence: Evidence) -> Report:
    """Where every event ended, and whatever is wrong with that."""
    found = _Found(produced, evidence)
    ends = {one.place: found.ends_of(one) for one in produced}
    at = Counter(end for places in ends.values() for end in places)
    return Report(
        produced=len(produced),
        accepted=at[End.ACCEPTED],
        filtered=at[End.FILTERED],
        dead_lettered=at[End.DEAD_LETTER],
        lost=tuple(one.event.name for one in produced if not ends[one.place]),
        in_two_places=tuple(one.event.name for one in produced if len(ends[one.place]) > 1),
        strays=found.strays(),
        misplaced=tuple(one.event.name for one in produced if found.is_misplaced(one, ends[one.place])),
        changed_repeats=_changed_repeats(evidence.accepted),
        altered_letters=found.altered(),
        committed_too_far=committed_too_far(produced, evidence),
        uncommitted=sum(end - evidence.committed.get(p, 0) for p, end in evidence.ends.items()),
        twice=len(evidence.accepted) - len({one.event_id for one in evidence.accepted}),
        letters_twice=len(found.letters) - len({place for place, _ in found.letters}),
    )


def committed_too_far(produced: Sequence[Produced], evidence: Evidence) -> tuple[Place, ...]:
    """Places below a committed offset whose records had not ended by then, in order."""
    found = _Found(produced, evidence)
    return tuple(
        sorted(
            one.place
            for one in produced
            if one.place.offset < evidence.committed.get(one.place[:2], 0) and not found.ends_of(one)
        )
    )


class _Found:
    """The evidence, by event."""

    def __init__(self, produced: Sequence[Produced], evidence: Evidence) -> None:
        self._produced = {one.place: one for one in produced}
        self._ids = {one.event_id for one in produced}
        self._accepted = {one.event_id for one in evidence.accepted}
        self._filtered = evidence.filtered
        self.letters = [(origin(letter), letter) for letter in evidence.letters]
        self._reasons = {place: _text(letter, "dlq.reason") for place, letter in self.letters}

    def ends_of(self, one: Produced) -> frozenset[End]:
        ends = set()
        if one.event_id in self._accepted:
            ends.add(End.ACCEPTED)
        if one.place in self._reasons:
            ends.add(End.DEAD_LETTER)
        if self._is_filtered(one, is_elsewhere=bool(ends)):
            ends.add(End.FILTERED)
        return frozenset(ends)

    def _is_filtered(self, one: Produced, is_elsewhere: bool) -> bool:
        if self._filtered is None:
            return one.event.end is End.FILTERED and not is_elsewhere
        return one.place in self._filtered

    def is_misplaced(self, one: Produced, ends: frozenset[End]) -> bool:
        if ends and one.event.end not in ends:
            return True
        reasons = self._reasons if one.event.end is End.DEAD_LETTER else self._filtered or {}
        return one.place in reasons and reasons[one.place] != one.event.reason

    def strays(self) -> tuple[str, ...]:
        ids = sorted(self._accepted - self._ids)
        places = [f"{letter.place}" for place, letter in self.letters if place not in self._produced]
        return (*ids, *places)

    def altered(self) -> tuple[str, ...]:
        return tuple(
            self._produced[place].event.name
            for place, letter in self.letters
            if place in self._produced and not _is_unchanged(self._produced[place], letter)
        )


def origin(letter: LogRecord) -> Place | None:
    """The place that a dead letter names as its record's; None when it does not."""
    try:
        return Place(
            _text(letter, "dlq.origin-topic"),
            int(_text(letter, "dlq.origin-partition")),
            int(_text(letter, "dlq.origin-offset")),
        )
    except ValueError:
        return None


def read_accepted(path: Path) -> list[Accepted]:
    """The sandbox's file of accepted events; a last line that is being written is left out."""
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    lines = (json.loads(line) for line in whole.splitlines())
    return [Accepted(line["event_id"], line["event_name"], line["event_time"]) for line in lines]


def read_filtered(lines: Iterable[Mapping[str, Any]]) -> dict[Place, str]:
    """Place and reason of every record that the log lines call filtered."""
    return {
        Place(line["topic"], line["partition"], line["offset"]): line["reason"]
        for line in lines
        if line.get("event") == "record filtered"
    }


def _changed_repeats(accepted: Iterable[Accepted]) -> tuple[str, ...]:
    first: dict[str, Accepted] = {}
    changed = {one.event_id for one in accepted if first.setdefault(one.event_id, one) != one}
    return tuple(sorted(changed))


def _is_unchanged(one: Produced, letter: LogRecord) -> bool:
    same = (letter.key, letter.timestamp_ms) == (one.event.key, one.timestamp_ms)
    is_omitted = _text(letter, "dlq.value-omitted") == "true"
    return same and (letter.value == one.event.value or (is_omitted and letter.value is None))


def _text(letter: LogRecord, header: str) -> str:
    return (letter.headers.get(header) or b"").decode(errors="replace")
