"""
What would become of an event, said before it is published.

    decide says invalid     an error: it would only become a dead letter
    decide says filtered    said apart: it would be read, and not sent
    decide leaves a note    a warning: a value would be lost, not the event
    the schema disagrees    a warning: the property, in the event's own words

Fields and words only, never a value; and a property only by a name that looks
like one, for a key may be personal too. A field is named once: what the schema
says about a property that a note is about only adds the property to the note.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jsonschema_rs
import orjson

from consumer.domain.decision import Decision, Filtered, Invalid, MappingWarning, Reason, WarningCode
from consumer.domain.record import Partition, Record
from consumer.event_files.lines import FileWarning, FoundEvent
from consumer.mapping.decide import decide
from consumer.mapping.event import parse
from consumer.mapping.normalize.hashing import hashers
from consumer.mapping.rules import MappingOptions
from consumer.mapping.tables import KEY_OF_PATH

PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
HIDDEN = "*****"
WHOLE_EVENT = "event"
LIST_PLACE = re.compile(r"\.\d+$")
# Of each key of Meta's the property that it is read from first, but for overrides.
USUAL_PATH = {
    key: path for path, key in reversed(KEY_OF_PATH.items()) if not path.startswith("integrations.facebook.")
}
TIME = "event_time"
TIME_UNREAD = "cannot be read; it would be sent with the time of publishing; write 2026-01-31T18:00:00Z"
TIME_AHEAD = "lies ahead of now; it would be sent with the time of publishing"


class CheckedEvent(NamedTuple):
    """
    Why an event is left out (None: it is not), what else there is to say of it, and whether it would be sent.

    `filtered` is the reason why it would not.
    """

    error: str | None
    warnings: tuple[FileWarning, ...]
    filtered: Reason | None = None


class EventCheck:
    """Events against the rules of the settings and the schema. `now_ms` is the clock."""

    def __init__(self, rules: MappingOptions, schema: dict[str, Any], now_ms: Callable[[], int]) -> None:
        self._rules = rules
        self._validator = jsonschema_rs.validator_for(schema)
        self._now_ms = now_ms
        self._hashers = hashers()

    def check(self, event: FoundEvent) -> CheckedEvent:
        """What becomes of the event if it is published now."""
        decision = self._decide(event)
        if isinstance(decision, Invalid):
            return CheckedEvent(_error(decision, event), ())
        root = parse(event.value)
        unlike = list(_unlike_the_schema(self._validator, root)) if isinstance(root, dict) else []
        warnings = [*event.remarks, *_once_a_field(decision.warnings, unlike)]
        return CheckedEvent(
            None, tuple(warnings), decision.reason if isinstance(decision, Filtered) else None
        )

    def _decide(self, event: FoundEvent) -> Decision:
        now_ms = self._now_ms()
        record = Record(Partition("publish", 0), event.line, now_ms, event.value)
        return decide(record, self._rules, next(self._hashers), now_ms)


def _error(decision: Invalid, event: FoundEvent) -> str:
    told = [decision.detail] if decision.detail else []
    if decision.reason is Reason.NOT_JSON:
        told = [where_json_breaks(event.value, event.line)]
    told += [f"{note.field} {note.code}" for note in decision.warnings]
    return f"{decision.reason} ({', '.join(told)})" if told else decision.reason


def where_json_breaks(value: bytes, first_line: int = 1) -> str:
    """`line 3, column 16`, of bytes that begin in `first_line`; empty where JSON is not what is wrong."""
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError as error:
        line, column = _where_utf_8_breaks(value) or (error.lineno, error.colno)
        return f"line {first_line + line - 1}, column {column}"
    return ""


def _where_utf_8_breaks(value: bytes) -> tuple[int, int] | None:
    """Of bytes that are no text orjson names the first, whichever is wrong."""
    try:
        value.decode()
    except UnicodeDecodeError as error:
        before = value[: error.start].decode().split("\n")
        return len(before), len(before[-1]) + 1
    return None


def _once_a_field(notes: Sequence[MappingWarning], unlike: Sequence[FileWarning]) -> Iterator[FileWarning]:
    """The notes, one remark a field, with the properties they are about; then what else the schema says."""
    words: dict[str, list[WarningCode]] = {}
    for note in notes:
        words.setdefault(note.field, []).append(note.code)
    paths = {remark.field: KEY_OF_PATH.get(LIST_PLACE.sub("", remark.field)) for remark in unlike}
    for field, said in words.items():
        about = [path for path, key in paths.items() if key == field]
        yield FileWarning(field, _of_notes(field, said, about))
    said_of = set()
    for remark in unlike:
        if paths[remark.field] not in words and remark.field not in said_of:
            said_of.add(remark.field)
            yield remark


def _of_notes(field: str, words: Sequence[WarningCode], paths: Sequence[str]) -> str:
    """What is wrong with one field. That it is missing then is no news."""
    wrong = [word for word in dict.fromkeys(words) if word is not WarningCode.MISSING]
    if field == TIME and WarningCode.FUTURE in wrong:
        return TIME_AHEAD
    if field == TIME and wrong and WarningCode.MISSING in words:
        return TIME_UNREAD
    if not wrong and not paths:
        paths = [USUAL_PATH[field]] if field in USUAL_PATH else []  # what to write: its key is Meta's word
    says = ", ".join(wrong or [WarningCode.MISSING])
    return f"{says} ({', '.join(paths)})" if paths else says


def _unlike_the_schema(validator: jsonschema_rs.Validator, root: dict[str, object]) -> Iterator[FileWarning]:
    for error in validator.iter_errors(root):
        kind = error.kind
        path = list(error.instance_path)
        if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
            yield FileWarning(_path([*path, kind.property]), "missing")
        elif isinstance(kind, jsonschema_rs.ValidationErrorKind.Type):
            expected = " or ".join(sorted(str(one) for one in kind.types if str(one) != "null"))
            yield FileWarning(_path(path), f"not of the type the schema has ({expected})")
        else:
            yield FileWarning(_path(path), f"not as the schema has it ({kind.name})")


def _path(steps: Sequence[str | int]) -> str:
    """A dotted path, without steps that no schema would name so."""
    shown = [str(step) if isinstance(step, int) or PLAIN_NAME.fullmatch(step) else HIDDEN for step in steps]
    return ".".join(shown) or WHOLE_EVENT
