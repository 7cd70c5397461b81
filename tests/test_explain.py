"""`explain`: one answer a line, exactly what would be sent, and nothing it shows moves the terminal."""

import io

import orjson
import pytest
import typer
from deciding import NOW_MS, NOW_TEXT, event, facebook, ordinary, without
from rich.console import Console
from typer.testing import CliRunner

from consumer.core.decide import decide
from consumer.core.decision import NoteWord, Reason
from consumer.core.hashing import BatchHasher
from consumer.core.record import Partition, Record
from consumer.core.rules import Rules
from consumer.explain import explain, explain_lines, explained
from consumer.explain_view import NOTES, REASONS, block

app = typer.Typer()
app.command()(explain)


def run(*arguments, stdin=b"", **environment):
    return CliRunner().invoke(app, list(arguments), input=stdin, env=environment)


def rows(lines, rules=None):
    return list(explain_lines(lines, rules or Rules(), NOW_MS))


def printed(given, width=200):
    """The block of an event, as a person sees it."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    (one,) = explained([orjson.dumps(given)], Rules(), NOW_MS)
    console.print(block(1, one.decision, one.sources))
    return console.file.getvalue()


# Rows


def test_an_event_that_is_sent_shows_its_payload_and_notes():
    (row,) = rows([orjson.dumps(facebook(fbc="x"))])
    assert list(row) == ["decision", "reason", "payload", "notes"]
    assert row["decision"] == "deliverable"
    assert row["reason"] is None
    assert row["payload"]["event_name"] == "PageView"
    assert row["notes"] == [{"field": "fbc", "note": "malformed"}]


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
def test_an_event_that_is_not_sent_shows_why(line, decision, reason):
    (row,) = rows([line])
    assert (row["decision"], row["reason"], row["payload"]) == (decision, reason, None)


def test_the_payload_is_what_would_be_sent():
    for given in (
        ordinary(),
        facebook(custom_data={"value": 1e22, "x": [1.0, 0.1, 12345678901234567890, "é\u2028"]}),
    ):
        value = orjson.dumps(given)
        sent = decide(Record(Partition("stdin", 0), 0, NOW_MS, value), Rules(), BatchHasher(), NOW_MS)
        assert orjson.dumps(rows([value])[0]["payload"]) == sent.payload


def test_a_line_counts_as_a_record_at_its_place():
    line = orjson.dumps(without("event_id", "event_timestamp"))
    first, _, third = rows([line, b"", line])
    assert first["payload"]["event_id"] == f"stdin-0-0-{NOW_MS}"
    assert third["payload"]["event_id"] == f"stdin-0-2-{NOW_MS}"
    assert third["payload"]["event_time"] * 1000 == NOW_MS


def test_a_byte_order_mark_is_stripped_before_the_first_line_only():
    line = b"\xef\xbb\xbf" + orjson.dumps(ordinary())
    assert [row["reason"] for row in rows([line, line])] == [None, "not_json"]


def test_more_lines_than_a_batch_get_their_answers():
    assert [row["decision"] for row in rows([orjson.dumps(ordinary())] * 1_001)] == ["deliverable"] * 1_001


# The command


def test_the_command_prints_one_json_object_a_line():
    stdin = orjson.dumps(ordinary()) + b"\r\n\n" + b"[]\n" + orjson.dumps(ordinary())
    done = run("--json", "--now", NOW_TEXT, stdin=stdin)
    assert done.exit_code == 0
    answers = [orjson.loads(line) for line in done.stdout_bytes.splitlines()]
    assert [answer["reason"] for answer in answers] == [None, "not_json", "not_an_object", None]


def test_nothing_to_read_is_nothing_to_say():
    assert run("--json", stdin=b"").stdout_bytes == b""


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_standard_input_is_read_without_a_file(arguments):
    assert run("--json", *arguments, stdin=b"x").stdout_bytes.startswith(b'{"decision":"invalid"')


def test_a_file_is_read(tmp_path):
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
def test_now_is_any_iso_8601_time(now, expected):
    done = run("--json", "--now", now, stdin=orjson.dumps(without("event_id", "event_timestamp")))
    assert orjson.loads(done.stdout_bytes)["payload"]["event_id"] == f"stdin-0-0-{expected}"


@pytest.mark.parametrize("now", ["", "yesterday", "1763900000", "2025-13-01", "12:00"])
def test_a_time_that_cannot_be_read_is_a_usage_error(now):
    done = run("--json", "--now", now, stdin=b"{}")
    assert done.exit_code == 2
    assert done.stdout_bytes == b""


def test_a_file_that_is_missing_is_a_usage_error(tmp_path):
    assert run("--json", str(tmp_path / "none.jsonl")).exit_code == 2


def test_settings_come_from_the_environment():
    done = run("--json", "--now", NOW_TEXT, stdin=orjson.dumps(ordinary()), CAPI_USER_CONSENT_CATEGORY="3")
    assert orjson.loads(done.stdout_bytes)["reason"] == "no_consent"


# For a person


def test_each_key_is_shown_with_what_is_sent_and_where_it_came_from():
    given = event(
        {
            "amount": "12,50",
            "integrations.facebook": {"event_id": "f-1", "custom_data": {"mine": 1, "content_name": "n"}},
        }
    )
    shown = [tuple(line.split()) for line in printed(given).splitlines()]
    for expected in (
        ("event_id", "f-1", "integrations.facebook.event_id"),
        ("action_source", "website", "setting"),
        ("em", "71d4f55f72fa…", "user.email"),
        ("client_ip_address", "8.8.8.8", "browser.ip"),
        ("value", "12.5", "amount"),
        ("content_name", "n", "integrations.facebook.custom_data.content_name"),
        ("mine", "1", "integrations.facebook.custom_data.mine"),
    ):
        assert expected in shown


def test_an_event_that_is_not_sent_shows_what_was_found():
    shown = printed(event(user={"email": "ann@example.com"}))
    assert "filtered" in shown
    assert "not_enough_to_match" in shown
    assert "user.email" in shown


def test_no_digest_is_shown_whole_and_no_plain_value_of_the_user():
    given = event({"user.email": ["ann@example.com", "bob@example.org"], "user.phone": "+33612345678"})
    shown = printed(given)
    assert "ann" not in shown
    assert "3361" not in shown
    assert "71d4f55f72fa…" in shown
    assert "71d4f55f72fa12" not in shown


@pytest.mark.parametrize("odd", ["\x1b[31mred", "\x9b31m", "a\rb", "\u202eabc", "\x07", "[bold]x[/bold]"])
def test_text_of_an_event_moves_no_terminal_and_is_no_markup(odd):
    shown = printed(
        event({"event_name": odd, "status": odd, "integrations.facebook.custom_data": {odd: odd}})
    )
    assert not set(shown) & set("\x1b\x9b\r\u202e\x07")
    if odd.isprintable():
        assert shown.count(odd) >= 3


def test_several_events_are_summed_up():
    done = run("--now", NOW_TEXT, stdin=orjson.dumps(ordinary()) + b"\n\n" + orjson.dumps(ordinary()))
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "3 events: 2 deliverable, 1 not_json"


def test_each_reason_and_note_has_a_sentence():
    by_answer = {Reason.REFUSED, Reason.UNACCEPTABLE}
    assert set(REASONS) == set(Reason) - by_answer
    assert set(NOTES) == set(NoteWord)
