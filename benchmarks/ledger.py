"""
The oracle of a benchmark: has every event that counts as done been accepted?

An event is known by its number. Number n stands in partition n mod P at offset n div P (`backlog.py`
writes it there), and its id says its number. So what must have been accepted follows from
what the group has committed, and nothing else needs to be kept of a million events:

    lost       below a committed offset, and in no request that was answered
    strays     accepted, and never produced
    letters    records in the dead-letter topic: every event here is a good one
    unread     of a backlog that was to be drained, what is not committed

What was accepted twice is counted: at least once is the promise. A speed whose
report does not hold is not reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson

ID_PREFIX = "e-"


class Answer(NamedTuple):
    """A request that the sandbox answered: when, unix seconds, and the numbers of its events."""

    at_s: float
    numbers: list[int]


class Report(NamedTuple):
    """Distinct events, but for `twice`, which is the surplus."""

    accepted: int
    lost: int
    strays: int
    twice: int
    letters: int
    unread: int

    @property
    def holds(self) -> bool:
        """Whether the run's speed may count."""
        return not (self.lost or self.strays or self.letters or self.unread) and self.accepted > 0


class NotHonest(Exception):
    """A run that lost, invented or gave up an event."""


def read_answers(lines: bytes) -> list[Answer]:
    """The sandbox's answers file, as far as its last whole line."""
    whole, _, _ = lines.rpartition(b"\n")
    read = (orjson.loads(line) for line in whole.splitlines())
    return [Answer(line["answered_at"], [number_of(name) for name in line["event_ids"]]) for line in read]


def number_of(event_id: str) -> int:
    """The number that an id says, -1 for one that is not ours."""
    digits = event_id.removeprefix(ID_PREFIX)
    return int(digits) if digits.isdecimal() and digits != event_id else -1


def judge(
    events: int,
    partitions: int,
    accepted: Iterable[int],
    committed: Mapping[int, int],
    letters: int = 0,
    *,
    to_drain: int | None = None,
) -> Report:
    """The report on a backlog of `events`; `to_drain` of them were to be. `committed` is by partition."""
    times = bytearray(events)
    strays = surplus = 0
    for number in accepted:
        if not 0 <= number < events:
            strays += 1
        elif times[number]:
            surplus += 1
        else:
            times[number] = 1
    done = {
        partition: times[partition::partitions][: committed.get(partition, 0)]
        for partition in range(partitions)
    }
    return Report(
        accepted=times.count(1),
        lost=sum(one.count(0) for one in done.values()),
        strays=strays,
        twice=surplus,
        letters=letters,
        unread=max(0, (events if to_drain is None else to_drain) - sum(map(len, done.values()))),
    )


def demand(report: Report) -> Report:
    """The report, when it holds; else raises NotHonest."""
    if not report.holds:
        raise NotHonest(f"this run's speed counts for nothing: {report}")
    return report
