"""
From the entries of a file to what is decided about each.

Each entry counts as a record: topic `stdin`, partition 0, offset = entry from
0, its timestamp the time that is decided at. A dead letter is its own record.

Exported dead letters among the events of a file: each is explained as the record that it was.

    {"dead_letter": {...}, "headers": [...], "event": {...}}   ->   its event, with its first place and time
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from consumer.dead_letters.jsonl import ParseError, is_dead_letter, parse_dead_letter
from consumer.dead_letters.summary import view
from consumer.domain.decision import Decision, Deliverable, Filtered, Invalid, Reason
from consumer.domain.record import Partition, Record
from consumer.event_files.lines import BOM, Entry, FileWarning, FoundEvent, Unreadable
from consumer.explain.rows import Explained, RecordingHasher, text_of_json
from consumer.explain.words import why_no_consent
from consumer.mapping.decide import decide
from consumer.mapping.event import parse
from consumer.mapping.lookup import Provenance, at_path
from consumer.mapping.rules import MappingOptions, parse_path
from consumer.publish.checks import where_json_breaks

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


STDIN = Partition("stdin", 0)
TEXT_LENGTH_MAX = 200  # of a value that could not be used


def explain_events(
    entries: Iterable[Entry | FoundDeadLetter], rules: MappingOptions, at_ms: int
) -> Iterator[Explained]:
    """The decision about each entry, without a byte order mark before the first."""
    for offset, entry in enumerate(entries):
        if isinstance(entry, Unreadable):
            yield Explained(entry.line, Invalid(Reason.NOT_JSON), Provenance(), {}, says=entry.says)
            continue
        value = entry.value.removeprefix(BOM) if offset == 0 else entry.value
        record = entry.record if isinstance(entry, FoundDeadLetter) else Record(STDIN, offset, at_ms, value)
        hasher = RecordingHasher()
        sources = Provenance()
        decision = decide(record, rules, hasher, at_ms, sources)
        yield Explained(
            entry.line,
            decision,
            sources,
            hasher.texts,
            _as_they_came(sources, value),
            _why(decision, entry, value, rules),
        )


def _as_they_came(sources: Provenance, value: bytes) -> dict[str, tuple[str, ...]]:
    """Of keys that lost all they had, the values that could not be used."""
    event = parse(value) if sources.invalid_paths else None
    found = {
        field: [at_path(event, parse_path(path)) for path in paths]
        for field, paths in sources.invalid_paths.items()
        if field not in sources
    }
    return {
        field: tuple(text_of_json(one)[:TEXT_LENGTH_MAX] for one in values if one is not None)
        for field, values in found.items()
    }


def _why(decision: Decision, entry: FoundEvent | FoundDeadLetter, value: bytes, rules: MappingOptions) -> str:
    """What can be said beyond the reason, with the event at hand."""
    if isinstance(decision, Invalid) and decision.reason is Reason.NOT_JSON:
        return _where_it_breaks(entry, value)
    if isinstance(decision, Deliverable) and isinstance(entry, FoundDeadLetter):
        return _what_meta_answered(entry.record)
    if isinstance(decision, Filtered) and decision.reason is Reason.NO_CONSENT:
        event = parse(value)
        if isinstance(event, dict):
            return why_no_consent(event, rules.user_consent_category or "")
    return ""


def _where_it_breaks(entry: FoundEvent | FoundDeadLetter, value: bytes) -> str:
    """In a letter the line is well, and its `value`, a text with lines of its own, is not."""
    is_letter = isinstance(entry, FoundDeadLetter)
    where = where_json_breaks(value, 1 if is_letter else entry.line)
    if not where:
        return ""
    of_what, whose = ("`value` is no", "its ") if is_letter else ("no", "")
    return f"{of_what} JSON in UTF-8, from {whose}{where} on"


def _what_meta_answered(record: Record) -> str:
    """Of a letter that is one for an answer alone: nothing in the event tells that it comes back."""
    shown = view(record)
    if shown.reason == Reason.POISON_EVENT:
        return "requests with it failed time and again"
    if shown.reason == Reason.REJECTED:
        answer = ", ".join(filter(None, (shown.meta_code, shown.detail)))
        return f"Meta refused it: {answer}" if answer else "Meta refused it"
    return ""


def row(decision: Decision) -> dict[str, Any]:
    """Decision, reason, payload (None unless deliverable) and notes, as JSON has them."""
    notes = [{"field": note.field, "note": note.code} for note in decision.warnings]
    if isinstance(decision, Deliverable):
        payload = orjson.loads(decision.payload)
        return {"decision": "deliverable", "reason": None, "payload": payload, "notes": notes}
    word = "filtered" if isinstance(decision, Filtered) else "invalid"
    return {"decision": word, "reason": decision.reason, "payload": None, "notes": notes}
