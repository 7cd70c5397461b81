"""
Exported dead letters among the events of a file: each is explained as the record that it was.

    {"dead_letter": {...}, "headers": [...], "event": {...}}   ->   its event, with its first place and time
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from consumer.dead_letters.jsonl import ParseError, is_dead_letter, parse_dead_letter
from consumer.domain.record import Record
from consumer.event_files.lines import BOM, Entry, FileWarning, FoundEvent, Unreadable

NO_VALUE = "a dead letter without its value, too large for its topic: `publish --replay` looks it up"


class FoundDeadLetter(NamedTuple):
    """A letter where an event could stand."""

    line: int
    last_line: int
    record: Record
    remarks: tuple[FileWarning, ...] = ()

    @property
    def value(self) -> bytes:
        """The bytes of its event."""
        return self.record.value or b""


def with_dead_letters(entries: Iterable[Entry]) -> Iterator[Entry | FoundDeadLetter]:
    """The entries, and in place of each line of an export its letter."""
    for entry in entries:
        if isinstance(entry, FoundEvent) and is_dead_letter(entry.value.removeprefix(BOM)):
            yield _letter_of(entry)
        else:
            yield entry


def _letter_of(entry: FoundEvent) -> FoundDeadLetter | Unreadable:
    letter = parse_dead_letter(entry.value.removeprefix(BOM))
    if isinstance(letter, ParseError):
        return Unreadable(entry.line, entry.last_line, f"a dead letter, but {letter.text}")
    if letter.value is None:
        return Unreadable(entry.line, entry.last_line, NO_VALUE)
    return FoundDeadLetter(entry.line, entry.last_line, letter)
