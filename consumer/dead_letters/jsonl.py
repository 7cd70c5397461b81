"""
Dead letters in a file: one a line, to be mended with an editor and published again.

    {"dead_letter": {"topic": "capi.dead-letters", "partition": 0, "offset": 12},
     "timestamp_ms": 1767225600000, "key": "u-17",
     "headers": [["dlq.reason", "purchase_without_currency"], ...],
     "event": {"event_name": "purchase", "amount": 12.5, ...}}

(in one line). A letter whose bytes are JSON, written as compactly as it can be,
stands there as JSON under `event`, ready to be mended. Any other value stands
under `value`, to the byte: as text when it is UTF-8, else as
`{"base64": "..."}`. Keys and headers are written in these two forms too. So a
line that nobody touched gives back the bytes that were read.
"""

from __future__ import annotations

import base64
from typing import NamedTuple

import orjson

from consumer.domain.record import Headers, Partition, Record
from consumer.mapping.event import parse

# What an exported line has and no event: its place, and the headers of the letter.
LETTER = frozenset({"dead_letter", "headers"})

Written = str | dict[str, str] | None


class ParseError(NamedTuple):
    """Why a line is no letter, for the person who edited it. Holds none of its values."""

    text: str


def to_line(record: Record) -> bytes:
    """A letter as a line, with its line feed."""
    fields: dict[str, object] = {
        "dead_letter": {
            "topic": record.partition.topic,
            "partition": record.partition.number,
            "offset": record.offset,
        },
        "timestamp_ms": record.timestamp_ms,
        "key": _written(record.key),
        "headers": [[name, _written(value)] for name, value in record.headers],
    }
    if _is_compact_object(record.value):
        fields["event"] = orjson.Fragment(record.value or b"")
    else:
        fields["value"] = _written(record.value)
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def is_dead_letter(line: bytes) -> bool:
    """Whether a line was exported, mended or not, and is no event."""
    if b'"dead_letter"' not in line:  # reading every event twice would cost the most of it
        return False
    fields = parse(line)
    return isinstance(fields, dict) and LETTER.issubset(fields)


def parse_dead_letter(line: bytes) -> Record | ParseError:
    """The letter in a line, or what is wrong with it."""
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return ParseError(f"not JSON, from column {error.colno} on: {error.msg}")
    if not isinstance(fields, dict) or not isinstance(fields.get("headers"), list):
        return ParseError("no exported dead letter: an object with `headers` is expected")
    if ("event" in fields) == ("value" in fields):
        return ParseError("either `event` or `value` is expected")
    try:
        return Record(
            *_place(fields.get("dead_letter")),
            _whole(fields.get("timestamp_ms"), "timestamp_ms"),
            _event(fields["event"]) if "event" in fields else _read(fields["value"], "value"),
            _read(fields.get("key"), "key"),
            _headers(fields["headers"]),
        )
    except ValueError as error:
        return ParseError(str(error))


def _is_compact_object(value: bytes | None) -> bool:
    """Whether a value is a JSON object that comes out the same to the byte when it is read and written."""
    if value is None or not value.startswith(b"{"):
        return False
    try:
        return orjson.dumps(orjson.loads(value)) == value
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return False


def _written(value: bytes | None) -> Written:
    if value is None:
        return None
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode("ascii")}


def _event(event: object) -> bytes:
    try:
        return orjson.dumps(event)
    except orjson.JSONEncodeError:
        raise ValueError("`event` nests too deep") from None


def _read(written: object, name: str) -> bytes | None:
    if written is None:
        return None
    if isinstance(written, str):
        return written.encode("utf-8")
    if isinstance(written, dict) and list(written) == ["base64"] and isinstance(written["base64"], str):
        try:
            return base64.b64decode(written["base64"], validate=True)
        except ValueError:
            raise ValueError(f"`{name}` is not base64") from None
    raise ValueError(f'`{name}` is expected to be text, {{"base64": ...}} or null')


def _headers(written: list[object]) -> Headers:
    headers = []
    for pair in written:
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)):
            raise ValueError("`headers` is expected to be a list of pairs of a name and a value")
        headers.append((pair[0], _read(pair[1], "headers")))
    return tuple(headers)


def _place(written: object) -> tuple[Partition, int]:
    """Where the letter stands, for messages; a line without it is one that a person wrote."""
    fields = written if isinstance(written, dict) else {}
    topic, number, offset = (fields.get(name) for name in ("topic", "partition", "offset"))
    return Partition(str(topic or ""), _whole(number or 0, "partition")), _whole(offset or 0, "offset")


def _whole(written: object, name: str) -> int:
    if type(written) is not int:
        raise ValueError(f"`{name}` is expected to be a whole number")
    return written
