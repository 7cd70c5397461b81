"""A line that nobody touched gives back the bytes that were read; a mended one is a letter too."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.dead_letters import event, letter, record

from consumer.dead_letters.jsonl import ParseError, parse_dead_letter, to_line
from consumer.domain.record import Partition, Record

VALUES = {
    "compact JSON": b'{"event_name":"purchase","amount":12.5,"user":{"city":"S\xc3\xa3o Paulo"}}',
    "spaced JSON": b'{"event_name": "purchase"}',
    "JSON with a repeated key": b'{"a":1,"a":2}',
    "JSON with a number that floats": b'{"id":123456789012345678901234567890}',
    "JSON with an escape": b'{"a":"\\u00e9"}',
    "JSON that is no object": b"[1,2]",
    "broken JSON": b'{"event_name":"purchase",',
    "lines": b"one\ntwo\r\n",
    "bytes": b"\xff\xfe\x00",
    "empty": b"",
    "deep": b'{"a":' * 300 + b"1" + b"}" * 300,
    "none": None,
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("key", [b"u1", b"\xff\x00", b"", None])
def test_an_untouched_line_gives_back_every_byte(value: Any, key: bytes | None) -> None:
    headers = (("own", b"\xff"), ("own", b"twice"), ("none", None))
    read = letter(record("events", 3, value, key, headers))

    line = to_line(read)

    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert parse_dead_letter(line) == read


def test_an_event_stands_there_as_json_to_be_mended() -> None:
    line = json.loads(to_line(letter(record("events", 12, event(amount=12.5)))))

    assert line["event"] == {"event_name": "purchase", "amount": 12.5}
    assert line["dead_letter"] == {"topic": "letters", "partition": 0, "offset": 12}
    assert line["key"] == "u1"
    assert ["dlq.reason", "purchase_without_currency"] in line["headers"]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (b'{"broken":', '{"broken":'),
        (b"\xff\xfe", {"base64": "//4="}),
    ],
)
def test_what_is_no_compact_json_stands_there_to_the_byte(
    value: bytes, written: dict[str, Any] | str
) -> None:
    line = json.loads(to_line(letter(record("events", 12, value))))
    assert line["value"] == written
    assert "event" not in line


def test_a_mended_event_is_written_compactly() -> None:
    line = json.loads(to_line(letter(record("events", 12, event(amount=12.5)))))
    line["event"]["currency"] = "EUR"

    mended = parse_dead_letter(json.dumps(line, indent=1).encode())

    assert isinstance(mended, Record)
    assert mended.value == b'{"event_name":"purchase","amount":12.5,"currency":"EUR"}'
    assert (mended.partition, mended.offset) == (Partition("letters", 0), 12)


NO_BASE64 = '`value` is expected to be text, {"base64": ...} or null'


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        (b'{"a": tru}', "not JSON, from column 7 on: "),
        (b"", "not JSON, from column 1 on: "),
        (b"[]", "no exported dead letter: an object with `headers` is expected"),
        (b'{"event_name": "purchase"}', "no exported dead letter: an object with `headers` is expected"),
        (b'{"headers": []}', "either `event` or `value` is expected"),
        (b'{"headers": [], "event": {}, "value": ""}', "either `event` or `value` is expected"),
        (b'{"headers": [], "value": 1, "timestamp_ms": 1}', NO_BASE64),
        (b'{"headers": [], "value": {"base64": 1}, "timestamp_ms": 1}', NO_BASE64),
        (b'{"headers": [], "value": {"base64": "?"}, "timestamp_ms": 1}', "`value` is not base64"),
        (
            b'{"headers": [], "value": {"base64": "\xc3\xa9"}, "timestamp_ms": 1}',
            "`value` is not base64",
        ),
        (b'{"headers": [], "value": ""}', "`timestamp_ms` is expected to be a whole number"),
        (
            b'{"headers": [], "value": "", "timestamp_ms": true}',
            "`timestamp_ms` is expected to be a whole number",
        ),
        (
            b'{"headers": ["a"], "value": "", "timestamp_ms": 1}',
            "`headers` is expected to be a list of pairs of a name and a value",
        ),
        (
            b'{"headers": [], "value": "", "timestamp_ms": 1, "dead_letter": {"offset": "3"}}',
            "`offset` is expected to be a whole number",
        ),
        (
            b'{"headers": [], "timestamp_ms": 1, "event": ' + (VALUES["deep"] or b"") + b"}",
            "`event` nests too deep",
        ),
    ],
)
def test_a_line_that_is_no_letter_says_why_and_shows_no_value(line: bytes, mistake: Any) -> None:
    said = parse_dead_letter(line)
    assert isinstance(said, ParseError)
    assert said.text.startswith(mistake)
