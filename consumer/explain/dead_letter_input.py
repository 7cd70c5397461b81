"""
Exported dead letters among the events of a file: each is explained as the record that it was.

    {"dead_letter": {...}, "headers": [...], "event": {...}}   ->   its event, with its first place and time
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from consumer.dead_letters.jsonl import Mistake, as_letter, is_letter
from consumer.domain.record import Record
from consumer.event_files.lines import BOM, Entry, FoundEvent, Remark, Unreadable

NO_VALUE = "a dead letter without its value, too large for its topic: `publish --replay` looks it up"


class FoundLetter(NamedTuple):
    """A letter where an event could stand."""

    line: int
    last_line: int
    record: Record
    remarks: tuple[Remark, ...] = ()

    @property
    def value(self) -> bytes:
        """The bytes of its event."""
        return self.record.value or b""


def with_letters(entries: Iterable[Entry]) -> Iterator[Entry | FoundLetter]:
    """The entries, and in place of each line of an export its letter."""
    for entry in entries:
        if isinstance(entry, FoundEvent) and is_letter(entry.value.removeprefix(BOM)):
            yield _letter_of(entry)
        else:
            yield entry


def _letter_of(entry: FoundEvent) -> FoundLetter | Unreadable:
    letter = as_letter(entry.value.removeprefix(BOM))
    if isinstance(letter, Mistake):
        return Unreadable(entry.line, entry.last_line, f"a dead letter, but {letter.text}")
    if letter.value is None:
        return Unreadable(entry.line, entry.last_line, NO_VALUE)
    return FoundLetter(entry.line, entry.last_line, letter)
