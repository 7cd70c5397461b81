"""
What would become of an event, said before it is published.

    decide says invalid     an error: it would only become a dead letter
    decide says filtered    a warning: it would be read, and not sent
    decide leaves a note    a warning: a value would be lost, not the event
    the schema disagrees    a warning: the property, in the event's own words

Fields and words only, never a value; and a property only by a name that looks
like one, for a key may be personal too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jsonschema_rs
import orjson

from consumer.core.decide import decide
from consumer.core.decision import Decision, Filtered, Invalid, Note, Reason
from consumer.core.event import parse
from consumer.core.record import Partition, Record
from consumer.core.rules import Rules
from consumer.file_lines import FoundEvent, Remark
from consumer.hashers import hashers

PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
HIDDEN = "*****"
WHOLE_EVENT = "event"


class Checked(NamedTuple):
    """Why an event is left out (None: it is not), and what else there is to say of it."""

    error: str | None
    warnings: tuple[Remark, ...]


class EventCheck:
    """Events against the rules of the settings and the schema. `now_ms` is the clock."""

    def __init__(self, rules: Rules, schema: dict[str, Any], now_ms: Callable[[], int]) -> None:
        self._rules = rules
        self._validator = jsonschema_rs.validator_for(schema)
        self._now_ms = now_ms
        self._hashers = hashers()

    def check(self, event: FoundEvent) -> Checked:
        """What becomes of the event if it is published now."""
        decision = self._decide(event)
        if isinstance(decision, Invalid):
            return Checked(_error(decision, event), ())
        warnings = list(event.remarks)
        if isinstance(decision, Filtered):
            warnings.append(Remark(WHOLE_EVENT, f"would be filtered: {decision.reason}"))
        warnings += [_of_note(note) for note in decision.notes]
        root = parse(event.value)
        if isinstance(root, dict):
            warnings += _unlike_the_schema(self._validator, root)
        return Checked(None, tuple(warnings))

    def _decide(self, event: FoundEvent) -> Decision:
        now_ms = self._now_ms()
        record = Record(Partition("publish", 0), event.line, now_ms, event.value)
        return decide(record, self._rules, next(self._hashers), now_ms)


def _error(decision: Invalid, event: FoundEvent) -> str:
    told = [decision.detail] if decision.detail else []
    if decision.reason is Reason.NOT_JSON:
        told = [_where_json_breaks(event)]
    told += [f"{note.field} {note.note}" for note in decision.notes]
    return f"{decision.reason} ({', '.join(told)})" if told else decision.reason


def _where_json_breaks(event: FoundEvent) -> str:
    try:
        orjson.loads(event.value)
    except orjson.JSONDecodeError as error:
        return f"line {event.line + error.lineno - 1}, column {error.colno}"
    return ""


def _of_note(note: Note) -> Remark:
    return Remark(note.field, note.note)


def _unlike_the_schema(validator: jsonschema_rs.Validator, root: dict[str, object]) -> Iterator[Remark]:
    for error in validator.iter_errors(root):
        kind = error.kind
        path = list(error.instance_path)
        if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
            yield Remark(_path([*path, kind.property]), "missing")
        elif isinstance(kind, jsonschema_rs.ValidationErrorKind.Type):
            expected = " or ".join(sorted(str(one) for one in kind.types if str(one) != "null"))
            yield Remark(_path(path), f"not of the type the schema has ({expected})")
        else:
            yield Remark(_path(path), f"not as the schema has it ({kind.name})")


def _path(steps: Sequence[str | int]) -> str:
    """A dotted path, without steps that no schema would name so."""
    shown = [str(step) if isinstance(step, int) or PLAIN_NAME.fullmatch(step) else HIDDEN for step in steps]
    return ".".join(shown) or WHOLE_EVENT
