"""`explain`: one answer a line, exactly what would be sent, and nothing it shows moves the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
from support.mapping import NOW_MS, NOW_TEXT, event, facebook, ordinary, without
from typer.testing import CliRunner, Result

from consumer import errors
from consumer.cli.commands.publish import explain
from consumer.errors import CommandError, UsageError
from consumer.event_files.event_files import NoSuchFile
from consumer.event_files.lines import FoundEvent
from consumer.explain.decisions import explain_events, row
from consumer.mapping.rules import MappingOptions

app = typer.Typer()
app.command()(explain)


def run(*arguments: Any, stdin: bytes = b"", **environment: Any) -> Result:
    return CliRunner().invoke(app, list(arguments), input=stdin, env=environment)


def rows(lines: Any, rules: Any = None) -> list[Any]:
    entries = [FoundEvent(number, number, line) for number, line in enumerate(lines, start=1)]
    return [row(one.decision) for one in explain_events(entries, rules or MappingOptions(), NOW_MS)]


def answers(done: Any) -> list[Any]:
    """What the command printed, one JSON object a line."""
    assert done.exit_code == 0, done.exception
    return [orjson.loads(line) for line in done.stdout_bytes.splitlines()]


# Rows


def test_an_event_that_is_sent_shows_its_payload_and_notes() -> None:
    (shown,) = rows([orjson.dumps(facebook(fbc="x"))])
    assert list(shown) == ["decision", "reason", "payload", "notes"]
    assert shown["decision"] == "deliverable"
    assert shown["reason"] is None
    assert shown["payload"]["event_name"] == "PageView"
    assert shown["notes"] == [{"field": "fbc", "note": "malformed"}]


@pytest.mark.parametrize(
    ("line", "decision", "reason"),
    [
        (b"", "invalid", "not_json"),
        (b"\n", "invalid", "not_json"),
        (b"\r\n", "invalid", "not_json"),
        (b"   ", "invalid", "not_json"),
        (b"x", "invalid", "not_json"),
        (b"[]", "invalid", "not_an_object"),
        (b"{}", "invalid", "no_event_name"),
        (b'{"event_name": "x"}', "filtered", "not_enough_to_match"),
    ],
)
def test_an_event_that_is_not_sent_shows_why(line: bytes, decision: str, reason: str) -> None:
    (shown,) = rows([line])
    assert (shown["decision"], shown["reason"], shown["payload"]) == (decision, reason, None)


SENT_BUT_CUSTOM_DATA = (
    '{"event_name":"PageView","event_time":1763900000,"event_id":"e-1","action_source":"website",'
    '"event_source_url":"https://shop.example.com/","user_data":{'
    '"external_id":"a24a7f55f278dd49fb1f99c5507800cb198a5bfe10fe2126cd0b25672152b0da",'
    '"em":"71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476",'
    '"ct":"1670f2e42fefa5044d59a65349e47c566009488fc57d7b4376dd5787b59e3c57",'
    '"client_ip_address":"8.8.8.8","client_user_agent":"Mozilla/5.0"},"custom_data":'
)


@pytest.mark.parametrize(
    ("given", "custom_data"),
    [
        (ordinary(), '{"content_type":"product"}}'),
        (
            facebook(custom_data={"value": 1e22, "x": [1.0, 0.1, 12345678901234567890, "é\u2028"]}),
            '{"value":1e+22,"content_type":"product","x":[1.0,0.1,12345678901234567890,"é\u2028"]}}',
        ),
    ],
)
def test_the_payload_is_what_would_be_sent_to_the_byte(given: Any, custom_data: str) -> None:
    done = run("--json", "--now", NOW_TEXT, stdin=orjson.dumps(given))
    payload = (SENT_BUT_CUSTOM_DATA + custom_data).encode()
    assert (
        done.stdout_bytes
        == b'{"decision":"deliverable","reason":null,"payload":' + payload + b',"notes":[]}\n'
    )


def test_a_line_counts_as_a_record_at_its_place() -> None:
    line = orjson.dumps(without("event_id", "event_timestamp"))
    first, _, third = rows([line, b"", line])
    assert first["payload"]["event_id"] == f"stdin-0-0-{NOW_MS}"
    assert third["payload"]["event_id"] == f"stdin-0-2-{NOW_MS}"
    assert third["payload"]["event_time"] * 1000 == NOW_MS


def test_a_byte_order_mark_is_stripped_before_the_first_line_only() -> None:
    line = b"\xef\xbb\xbf" + orjson.dumps(ordinary())
    assert [shown["reason"] for shown in rows([line, line])] == [None, "not_json"]


def test_more_lines_than_a_batch_get_their_answers() -> None:
    assert [shown["decision"] for shown in rows([orjson.dumps(ordinary())] * 1_001)] == [
        "deliverable"
    ] * 1_001


# The command


def test_the_command_prints_one_json_object_a_line() -> None:
    stdin = orjson.dumps(ordinary()) + b"\r\n\n" + b"[]\n" + orjson.dumps(ordinary())
    done = run("--json", "--now", NOW_TEXT, stdin=stdin)
    assert [answer["reason"] for answer in answers(done)] == [None, "not_json", "not_an_object", None]


def test_nothing_to_read_is_nothing_to_say() -> None:
    assert run("--json", stdin=b"").stdout_bytes == b""


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_standard_input_is_read_without_a_file(arguments: Any) -> None:
    assert run("--json", *arguments, stdin=b"x").stdout_bytes.startswith(b'{"decision":"invalid"')


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + orjson.dumps(ordinary()) + b"\n")
    done = run("--json", "--now", NOW_TEXT, str(file))
    assert orjson.loads(done.stdout_bytes)["decision"] == "deliverable"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (NOW_TEXT, NOW_MS),
        ("2025-11-23T12:13:20", NOW_MS),
        ("2025-11-23 13:13:20+01:00", NOW_MS),
        ("2025-11-23T12:13:20.250Z", NOW_MS + 250),
        ("2025-11-23", NOW_MS - (12 * 3600 + 13 * 60 + 20) * 1000),
    ],
)
def test_now_is_any_iso_8601_time(now: Any, expected: Any) -> None:
    done = run("--json", "--now", now, stdin=orjson.dumps(without("event_id", "event_timestamp")))
    assert orjson.loads(done.stdout_bytes)["payload"]["event_id"] == f"stdin-0-0-{expected}"


@pytest.mark.parametrize(
    "now", ["", "yesterday", "1763900000", "2025-13-01", "12:00", "0001-01-01T00:00:00+14:00"]
)
def test_a_time_that_cannot_be_read_is_a_usage_error(now: str) -> None:
    done = run("--json", "--now", now, stdin=b"{}")
    assert done.exit_code == 2
    assert done.stdout_bytes == b""


def test_a_file_that_is_missing_is_a_usage_error(tmp_path: Path) -> None:
    done = run("--json", str(tmp_path / "none.jsonl"))
    assert isinstance(done.exception, NoSuchFile)
    assert done.exception.exit_code == errors.EXIT_USAGE


def test_settings_come_from_the_environment() -> None:
    done = run("--json", "--now", NOW_TEXT, stdin=orjson.dumps(ordinary()), CAPI_USER_CONSENT_CATEGORY="3")
    assert orjson.loads(done.stdout_bytes)["reason"] == "no_consent"


# Files that are not read line by line

CSV = b"""\
event_name;id;amount;currency;user.id;user.email;user.city;browser.ip;browser.user_agent;items.*.product.id
purchase;A7;12,50;EUR;u-1;ann@example.com;Paris;8.8.8.8;Mozilla/5.0;sku-1
;A7;;;;;;;;sku-2
page_view;;;;;"open
page_view;;;;u-1;ann@example.com;Paris;8.8.8.8;Mozilla/5.0;
"""
ARRAY = b'[\n{"event_name": "page_view"},\n,\n{"oops"},\n{}\n]'


def explained_file(folder: Any, name: Any, data: Any, *arguments: Any) -> Any:
    file = folder / name
    file.write_bytes(data)
    return run("--json", "--now", NOW_TEXT, *arguments, str(file))


@pytest.mark.parametrize(
    ("name", "arguments"), [("offline.csv", ()), ("OFFLINE.CSV", ()), ("offline.txt", ("--format", "csv"))]
)
def test_a_csv_file_is_read_event_by_event(tmp_path: Path, name: str, arguments: Any) -> None:
    data = CSV.replace(b'"open', b"")
    purchase, empty, view = answers(explained_file(tmp_path, name, data, *arguments))
    assert [line["id"] for line in purchase["payload"]["custom_data"]["contents"]] == ["sku-1", "sku-2"]
    assert empty["reason"] == "not_enough_to_match"
    assert view["payload"]["event_id"] == f"stdin-0-2-{NOW_MS}"


def test_a_csv_event_that_cannot_be_read_is_an_answer_of_its_own(tmp_path: Path) -> None:
    shown = answers(explained_file(tmp_path, "offline.csv", CSV))
    assert [one["reason"] for one in shown] == [None, "not_json"]
    assert shown[1] == {"decision": "invalid", "reason": "not_json", "payload": None, "notes": []}


def test_a_column_that_nothing_reads_is_said_beside_the_answers(tmp_path: Path) -> None:
    done = explained_file(tmp_path, "a.csv", b"event_name;email\npage_view;ann@example.com\n")
    assert len(answers(done)) == 1
    assert done.stderr.splitlines() == [
        "CAPI_USER_CONSENT_CATEGORY is not set: every event passes",
        "line 1: warning: column email: nothing reads it; did you mean user.email?",
    ]


@pytest.mark.parametrize(("name", "arguments"), [("events.json", ()), ("events.txt", ("--format", "json"))])
def test_a_json_array_is_read_event_by_event(tmp_path: Path, name: str, arguments: Any) -> None:
    shown = answers(explained_file(tmp_path, name, ARRAY, *arguments))
    assert [one["reason"] for one in shown] == [
        "not_enough_to_match",
        "not_json",
        "not_json",
        "no_event_name",
    ]


@pytest.mark.parametrize(
    ("name", "arguments"), [("a.jsonl", ()), ("a.txt", ()), ("a.csv", ("--format", "jsonl"))]
)
def test_any_other_file_gets_as_many_answers_as_it_has_lines(
    tmp_path: Path, name: str, arguments: Any
) -> None:
    assert len(answers(explained_file(tmp_path, name, CSV, *arguments))) == 5
    assert len(answers(explained_file(tmp_path, name, ARRAY, *arguments))) == 6


def test_standard_input_is_read_line_by_line_whatever_it_looks_like() -> None:
    assert [one["reason"] for one in answers(run("--json", stdin=CSV))] == ["not_json"] * 5


def test_a_csv_file_in_another_encoding_is_read_when_that_is_said(tmp_path: Path) -> None:
    data = CSV.replace(b'"open', b"").replace(b"Paris", "Nîmes".encode("cp1252"))
    assert answers(explained_file(tmp_path, "a.csv", data))[0]["reason"] == "not_json"
    shown = answers(explained_file(tmp_path, "a.csv", data, "--encoding", "windows-1252"))
    assert shown[0]["reason"] is None


def test_a_csv_file_without_a_header_cannot_be_explained(tmp_path: Path) -> None:
    done = explained_file(tmp_path, "a.csv", b"1;2\n")
    assert isinstance(done.exception, CommandError)
    assert done.stdout_bytes == b""


# For a person


def test_an_entry_that_cannot_be_read_is_shown_with_its_line_and_why(tmp_path: Path) -> None:
    file = tmp_path / "events.json"
    file.write_bytes(b'[\n{"event_name": "x"},\n,\n{}]')
    shown = run("--now", NOW_TEXT, str(file)).stdout
    assert "line 3  invalid  not_json: nothing between two commas\n" in shown
    assert "line 4  invalid  no_event_name: " in shown


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("events.jsonl", b'{"event_name": "x"}\n{"event_name": }\n', "line 2, column 16"),
        ("events.json", b'{"event_name": "x",\n "id" 1}', "line 2, column 7"),
        ("events.json", b'{"event_name": "x",\n "\xc3\xa9": "\xe9"}\n', "line 2, column 8"),
    ],
)
def test_what_is_no_json_says_where_it_breaks(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    assert f"not_json: no JSON in UTF-8, from {says} on\n" in run("--now", NOW_TEXT, str(file)).stdout


def test_a_person_gets_a_table_with_each_key_on_a_line() -> None:
    done = run("--now", NOW_TEXT, stdin=orjson.dumps(ordinary()))
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["line", "1", "deliverable", "PageView"]
    assert ["user_data.em", "user.email", "xxx@xxxxxxx.xxx", "71d4f5…"] in lines
    assert ["user_data.client_ip_address", "browser.ip", "9.9.9.9"] in lines
    assert ["action_source", "setting", "website"] in lines
    assert done.stdout == "\n".join(line.rstrip() for line in done.stdout.splitlines()) + "\n"


def test_values_are_shown_when_they_are_asked_for() -> None:
    done = run("--now", NOW_TEXT, "--show-values", stdin=orjson.dumps(ordinary()))
    digest = "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476"
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["user_data.em", "user.email", "ann@example.com", digest] in lines
    assert ["user_data.client_ip_address", "browser.ip", "8.8.8.8"] in lines


def test_a_pipe_gets_no_colour() -> None:
    assert "\x1b" not in run("--now", NOW_TEXT, stdin=orjson.dumps(ordinary())).stdout


def test_several_events_are_summed_up() -> None:
    done = run("--now", NOW_TEXT, stdin=orjson.dumps(ordinary()) + b"\n\n" + orjson.dumps(ordinary()))
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "3 events: 2 deliverable, 1 not_json"


def test_what_several_events_lost_is_summed_up() -> None:
    lost = event({"user.birthdate": "02/03/1997", "fbp": "x"})
    done = run("--now", NOW_TEXT, stdin=orjson.dumps(lost) + b"\n" + orjson.dumps(event(fbp="x")))
    assert done.stdout.splitlines()[-1] == "notes: 2 user_data.fbp malformed, 1 user_data.db ambiguous"


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls", "a.csv"])
def test_a_spreadsheet_is_a_usage_error_that_says_what_to_do(tmp_path: Path, name: str) -> None:
    done = explained_file(tmp_path, name, b"PK\x03\x04\x14\x00")
    assert isinstance(done.exception, UsageError)
    assert done.exception.do == "save it as CSV UTF-8"
