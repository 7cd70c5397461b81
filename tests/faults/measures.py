"""
What a scenario found: the numbers of its row, and whether each part of its bar is met.

    bars = Bars()
    bars.must("requests ≤ 21", requests, requests <= 21)

A bar is a sentence, what was measured, and whether that is enough; the note of a
row is made of these, so that it says what was asked for and what there was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Size:
    """How large a run is: `size(short, full)` is one of the two."""

    is_short: bool

    def __call__(self, short: Any, full: Any) -> Any:
        return short if self.is_short else full


@dataclass(slots=True)
class Bars:
    """The parts of a bar, in the order in which they were looked at."""

    notes: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def must(self, bar: str, measured: object, is_met: bool) -> None:
        """One part of the bar."""
        self.notes.append(f"{bar}: {measured}")
        if not is_met:
            self.broken.append(f"{bar}: {measured}")

    def take(self, name: str, others: Bars) -> None:
        """The parts of a bar that was looked at several times, under a name."""
        self.notes += [f"{name}: {note}" for note in others.notes]
        self.broken += [f"{name}: {fault}" for fault in others.broken]


@dataclass(frozen=True, slots=True)
class Measures:
    """
    The row of a scenario. Counts are of distinct events; None is what the scenario has not.

    `recover_s` is the time from the end of the fault until everything was committed, `requests_max`
    the most requests at once that the sandbox saw, `rss_mb` the peak memory of the largest consumer.
    """

    produced: int | None = None
    accepted: int | None = None
    filtered: int | None = None
    dead_lettered: int | None = None
    lost: int | None = None
    twice: int | None = None
    recover_s: float | None = None
    requests_max: int | None = None
    rss_mb: float | None = None
    note: str = ""
    broken: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every part of the bar is met."""
        return not self.broken


def summed(rows: Sequence[Measures], bars: Bars) -> Measures:
    """One row of several: counts are added, of the others the highest is taken."""
    added = {name: sum(getattr(row, name) or 0 for row in rows) for name in ADDED}
    highest = {name: max((getattr(row, name) or 0 for row in rows), default=None) for name in HIGHEST}
    return Measures(**added, **highest, note="; ".join(bars.notes), broken=tuple(bars.broken))


ADDED = ("produced", "accepted", "filtered", "dead_lettered", "lost", "twice")
HIGHEST = ("recover_s", "requests_max", "rss_mb")
