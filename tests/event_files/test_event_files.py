"""Events in JSON, in whatever form a file has them, with the lines they stand on."""

from __future__ import annotations

import gzip
import io
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumer.errors import CommandError
from consumer.event_files import lines as file_lines
from consumer.event_files.event_files import Cancelled, EventFile, NoSuchFile, detected
from consumer.event_files.formats import FileFormat
from consumer.event_files.json_events import json_lines, json_values, raw_lines
from consumer.event_files.lines import FoundEvent, Unreadable, chunks, numbered_lines


def pieces_of(data: bytes, size: int) -> Iterator[bytes]:
    return iter([data[at : at + size] for at in range(0, len(data), size)])


def found(entries: Any) -> list[Any]:
    """(line, last line, value or what is wrong)."""
    return [
        (entry.line, entry.last_line, entry.value if isinstance(entry, FoundEvent) else entry.says)
        for entry in entries
    ]


LINES = [
    ("nothing", b"", []),
    ("one line without an end", b'{"a":1}', [(1, 1, b'{"a":1}')]),
    ("one line", b'{"a":1}\n', [(1, 1, b'{"a":1}')]),
    ("windows line ends", b'{"a":1}\r\n{"b":2}\r\n', [(1, 1, b'{"a":1}'), (2, 2, b'{"b":2}')]),
    ("a byte order mark", b'\xef\xbb\xbf{"a":1}\n', [(1, 1, b'{"a":1}')]),
    (
        "blank lines count and are no events",
        b'\n{"a":1}\n  \n\n{"b":2}',
        [(2, 2, b'{"a":1}'), (5, 5, b'{"b":2}')],
    ),
    ("what is no JSON is handed on", b"{oops\n\xff\n", [(1, 1, b"{oops"), (2, 2, b"\xff")]),
]


@pytest.mark.parametrize(("data", "expected"), [row[1:] for row in LINES], ids=[row[0] for row in LINES])
def test_json_lines_are_events_with_their_lines(data: Any, expected: Any) -> None:
    for size in range(1, len(data) + 2):
        assert found(json_lines(numbered_lines(pieces_of(data, size)))) == expected


def test_raw_lines_are_every_line_to_the_byte() -> None:
    data = b'\xef\xbb\xbf{"a":1}\r\n\n  {oops \n\xff'
    assert found(raw_lines(numbered_lines(iter([data])))) == [
        (1, 1, b'\xef\xbb\xbf{"a":1}'),
        (2, 2, b""),
        (3, 3, b"  {oops "),
        (4, 4, b"\xff"),
    ]


def test_a_line_that_is_too_long_is_skipped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_lines, "LINE_BYTES_MAX", 10)
    data = b'{"a":1}\n' + b"x" * 35 + b'\n{"b":2}\n' + b"y" * 25
    for size in (1, 3, 8, 100):
        assert found(json_lines(numbered_lines(pieces_of(data, size)))) == [
            (1, 1, b'{"a":1}'),
            (2, 2, "longer than 16 MiB"),
            (3, 3, b'{"b":2}'),
            (4, 4, "longer than 16 MiB"),
        ]


VALUES = [
    ("an empty array", b" [ ] ", []),
    ("one line", b'[{"a":1},{"b":2}]', [(1, 1, b'{"a":1}'), (1, 1, b'{"b":2}')]),
    ("a byte order mark", b"\xef\xbb\xbf[1]", [(1, 1, b"1")]),
    (
        "laid out over lines",
        b'\n[\n  {\n    "a": 1\n  },\n  {"b": 2}\n]\n',
        [(3, 5, b'{\n    "a": 1\n  }'), (6, 6, b'{"b": 2}')],
    ),
    (
        "marks inside text are text",
        rb'[{"a":"],}\"["}, {"b":"\\"}]',
        [(1, 1, rb'{"a":"],}\"["}'), (1, 1, rb'{"b":"\\"}')],
    ),
    ("nested lists", b"[[1,[2]],[]]", [(1, 1, b"[1,[2]]"), (1, 1, b"[]")]),
    ("scalars", b'[1, "x", null]', [(1, 1, b"1"), (1, 1, b'"x"'), (1, 1, b"null")]),
    (
        "a broken element costs itself",
        b'[{"a":1}},\n{"b" 2},\n{"c":3}]',
        [(1, 1, b'{"a":1}}'), (2, 2, b'{"b" 2}'), (3, 3, b'{"c":3}')],
    ),
    (
        "nothing between two commas",
        b"[1,\n,2]",
        [(1, 1, b"1"), (2, 2, "nothing between two commas"), (2, 2, b"2")],
    ),
    ("no end", b'[{"a":1},\n\n{"b":', [(1, 1, b'{"a":1}'), (3, 3, "the array does not end")]),
    ("an open text", b'[{"a":1},"b]\n', [(1, 1, b'{"a":1}'), (1, 1, "the array does not end")]),
    ("text after the end", b"[1]\n\nx\ny", [(1, 1, b"1"), (3, 4, "text after the end of the array")]),
    (
        "objects one after another",
        b'{\n"a":1\n}\n{"b":2}{"c":3}\n',
        [(1, 3, b'{\n"a":1\n}'), (4, 4, b'{"b":2}'), (4, 4, b'{"c":3}')],
    ),
    (
        "an object without an end",
        b'{"a":1}\n{\n"b":',
        [(1, 1, b'{"a":1}'), (2, 3, "a JSON value that does not end")],
    ),
]


@pytest.mark.parametrize(("data", "expected"), [row[1:] for row in VALUES], ids=[row[0] for row in VALUES])
def test_json_values_are_cut_where_they_end_however_the_file_comes(data: Any, expected: Any) -> None:
    for size in range(1, len(data) + 2):
        assert found(json_values(pieces_of(data, size))) == expected


def test_a_json_value_that_is_too_long_ends_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.event_files.json_events.LINE_BYTES_MAX", 20)
    data = b'[{"a":1},\n{"b":"' + b"x" * 40 + b'"},{"c":3}]'
    assert found(json_values(pieces_of(data, 8))) == [
        (1, 1, b'{"a":1}'),
        (1, 1, "longer than 16 MiB; what follows is not read"),
    ]


DETECTED = [
    (b'{"event_name":"a"}\n{"event_name":"b"}\n', "jsonl"),
    (b'\xef\xbb\xbf\n  {"event_name":"a"}', "jsonl"),
    (b'{"event_name": oops}\n', "jsonl"),
    (b"not json at all\n", "jsonl"),
    (b"", "jsonl"),
    (b'[]\n{"event_name":"a"}\n', "jsonl"),
    (b'[{"event_name":"a"}]', "json"),
    (b'[{"event_name":"a"}]\n\n', "json"),
    (b'[{"event_name":"a"},\n{"event_name":"b"}]', "json"),
    (b"\xef\xbb\xbf\n [\n", "json"),
    (b"{\n", "json"),
    (b'{"event_name": "a",\n', "json"),
    (b"event_name,user.id\n", "csv"),
    (b'\xef\xbb\xbf"event_name";"user.id"\r\n', "csv"),
    (b"user.id\tevent_name\n", "csv"),
    (b"event_name\n", "csv"),
    (b"sep=;\nevent_name;id\n", "csv"),
]


@pytest.mark.parametrize(("head", "form"), DETECTED)
def test_the_form_shows_at_the_beginning(head: Any, form: Any) -> None:
    assert detected(head) == form


@pytest.mark.parametrize(
    ("name", "data", "values"),
    [
        ("events.jsonl", b'[1]\n{"a":1}\n', [b"[1]", b'{"a":1}']),
        ("events.ndjson", b"[1]\n", [b"[1]"]),
        ("events.json", b"[1]\n", [b"1"]),
        ("events.json", b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}']),
        ("EVENTS.CSV", b"event_name\nsearch\n", [b'{"event_name":"search"}']),
        ("events.tsv", b"event_name\tid\nsearch\t7\n", [b'{"event_name":"search","id":"7"}']),
        ("events.txt", b"event_name,id\nsearch,7\n", [b'{"event_name":"search","id":"7"}']),
    ],
)
def test_the_name_goes_before_the_beginning(
    tmp_path: Path, name: str, data: bytes, values: list[bytes]
) -> None:
    (tmp_path / name).write_bytes(data)
    with EventFile(str(tmp_path / name)) as file:
        entries = list(file.events(FileFormat.AUTO))
        assert [entry.value for entry in entries if isinstance(entry, FoundEvent)] == values
        assert len(entries) == len(values)
        assert file.read_bytes == file.size_bytes == len(data)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le"])
def test_utf_16_is_refused_with_what_to_do(tmp_path: Path, encoding: str) -> None:
    text = "event_name,id\nsearch,7\n"
    data = text.encode(encoding) if encoding == "utf-16" else f"\ufeff{text}".encode(encoding)
    (tmp_path / "events.csv").write_bytes(data)
    with (
        EventFile(str(tmp_path / "events.csv")) as file,
        pytest.raises(CommandError, match="save the file as UTF-8"),
    ):
        file.events(FileFormat.AUTO)


@pytest.mark.parametrize(
    "data",
    [gzip.compress(b'{"event_name":"search"}\n'), '{"event_name":"search"}\n'.encode("utf-16-le")],
    ids=["gzip", "UTF-16 without its mark"],
)
def test_what_is_no_text_is_refused_as_a_whole(tmp_path: Path, data: Any) -> None:
    (tmp_path / "events.jsonl").write_bytes(data)
    with (
        EventFile(str(tmp_path / "events.jsonl")) as file,
        pytest.raises(CommandError, match="no text; a packed file is unpacked first"),
    ):
        file.events(FileFormat.AUTO)


def test_a_nul_further_on_is_a_matter_of_its_line(tmp_path: Path) -> None:
    data = b'{"event_name":"search"}\n' * 40 + b"\0\n"
    (tmp_path / "events.jsonl").write_bytes(data)
    with EventFile(str(tmp_path / "events.jsonl")) as file:
        assert len(list(file.events(FileFormat.AUTO))) == 41


def test_a_file_that_is_not_there_is_a_mistake_of_usage(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(NoSuchFile) as refused:
            EventFile(str(path))
        assert refused.value.exit_code == 2


class Piped:
    """Standard input as a pipe, for the time of a test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        read, self.write = os.pipe()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(os.fdopen(read, "rb")))

    def put(self, data: Any) -> None:
        os.write(self.write, data)


def test_a_pipe_can_be_read_twice_because_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = Piped(monkeypatch)
    pipe.put(b'{"a":1}\n{"b":2}\n')
    os.close(pipe.write)
    with EventFile("-") as file:
        assert file.size_bytes is None
        file.go_to_start()
        assert file.size_bytes == 16
        first = list(file.events(FileFormat.AUTO))
        file.go_to_start()
        assert list(file.events(FileFormat.AUTO)) == first
        assert len(first) == 2


def test_a_file_on_standard_input_is_rewound_to_where_it_began(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "events"
    path.write_bytes(b'{"a":1}\n{"b":2}\n')
    with path.open("rb") as opened:
        opened.seek(8)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(opened))
        file = EventFile("-")
        file.go_to_start()
        for _ in range(2):
            assert found(file.events(FileFormat.AUTO)) == [(1, 1, b'{"b":2}')]
            file.go_to_start()
        assert file.size_bytes == 8


def test_a_silent_pipe_hears_the_wish_to_stop_and_hands_on_no_half_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop = threading.Event()
    pipe = Piped(monkeypatch)
    pipe.put(b'{"a":1}\n12')
    with EventFile("-", stop) as file:
        events = file.events(FileFormat.JSONL)
        first = next(events)
        assert isinstance(first, FoundEvent)
        assert first.value == b'{"a":1}'
        stop.set()
        with pytest.raises(Cancelled):
            next(events)


def test_an_entry_that_cannot_be_read_shows_nothing_of_the_file() -> None:
    secret = b'[{"email":"jane@example.com"},,"jane@example.com'
    says = [entry.says for entry in json_values(iter([secret])) if isinstance(entry, Unreadable)]
    assert says == ["nothing between two commas", "the array does not end"]


def test_chunks_come_as_soon_as_they_are_there() -> None:
    assert list(chunks(io.BytesIO(b"x" * 100_000))) == [b"x" * 65_536, b"x" * 34_464]
