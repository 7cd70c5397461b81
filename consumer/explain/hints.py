"""
What a person probably meant, said beside the answers.

    line 3: warning: user.mail: nothing reads it; did you mean user.email?
    an event must stand on one line ...

An unknown property is no mistake in an event, which may have other readers; so
only one that looks like a slip is spoken of, once in a file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from consumer.domain.decision import Invalid, Reason
from consumer.event_files.lines import Entry, FileWarning, Unreadable
from consumer.event_files.unknown_columns import column_check, unknown_columns
from consumer.explain.dead_letter_input import FoundDeadLetter
from consumer.explain.rows import Explained
from consumer.mapping.event import parse
from consumer.mapping.rules import MappingOptions
from consumer.publish.checks import PLAIN_NAME
from consumer.publish.report import PublishReport
from consumer.schemas_loader import EVENT, schema

NAMES_KEPT_MAX = 1_000
OBJECTS = ("user", "browser")  # whose keys are typed by hand most
MANY_LINES = (
    "an event must stand on one line here; name the file .json, or say --format json, "
    "where events take several lines"
)


class Hints:
    """The slips of one file. `report` hears of them as they are met."""

    def __init__(self, rules: MappingOptions, report: PublishReport) -> None:
        self._rules = rules
        self._report = report
        self._seen: set[str] = set()
        self._entries = 0
        self._has_header = False
        self._opens_an_object = False
        self._is_no_json = False

    def header(self, line: int, names: Collection[str]) -> None:
        """The columns of a CSV file: each that nothing reads is told, and no event of it again."""
        self._has_header = True
        column_check(schema(EVENT), self._rules.custom_data_paths, self._report.warn)(line, names)

    def read(self, entries: Iterable[Entry | FoundDeadLetter]) -> Iterator[Entry | FoundDeadLetter]:
        """The entries as they come. What their reader saw, and names that nothing reads, are told."""
        for entry in entries:
            self._entries += 1
            if not isinstance(entry, Unreadable):
                self._opens_an_object |= entry.value.strip()[:1] in (b"{", b"[") and self._entries == 1
                for remark in (*entry.remarks, *self._slips(entry.value)):
                    self._report.warn(entry.line, entry.last_line, remark)
            yield entry

    def note_warnings(self, each: Iterable[Explained]) -> Iterator[Explained]:
        """The answers as they come."""
        for one in each:
            decision = one.decision
            self._is_no_json |= isinstance(decision, Invalid) and decision.reason is Reason.NOT_JSON
            yield one

    def at_the_end(self, *, is_by_line: bool) -> list[str]:
        """What is to be said of the file as a whole."""
        if not self._entries:
            return ["no events"]
        return [MANY_LINES] if is_by_line and self._opens_an_object and self._is_no_json else []

    def _slips(self, value: bytes) -> Iterator[FileWarning]:
        event = parse(value)
        if self._has_header or not isinstance(event, dict):
            return
        new = [name for name in _names(event) if name not in self._seen]
        if len(self._seen) < NAMES_KEPT_MAX:
            self._seen.update(new)
            for name, meant in unknown_columns(new, schema(EVENT), self._rules.custom_data_paths):
                if meant is not None:
                    yield FileWarning(name, f"nothing reads it; did you mean {meant}?")


def _names(event: dict[str, object]) -> Iterator[str]:
    """Paths of what was typed by hand, as far as they look like names: a key may be personal too."""
    yield from filter(PLAIN_NAME.fullmatch, event)
    for place in OBJECTS:
        inner = event.get(place)
        if isinstance(inner, dict):
            yield from (f"{place}.{key}" for key in inner if PLAIN_NAME.fullmatch(key))
