"""`dead-letters list` shows nobody's data; `dead-letters export` loses no byte."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.dead_letters import command_on, event, letter, record, settings_on, write, write_letters
from support.mock_kafka import MockKafka

from consumer.dead_letters.jsonl import parse_dead_letter
from consumer.dead_letters.summary import (
    OTHERS,
    PAIRS_MAX,
    DeadLetterTally,
    DeadLetterView,
    event_name,
    showable,
    view,
)
from consumer.dead_letters.tables import dead_letters_table, what_to_do
from consumer.domain.decision import Reason
from consumer.domain.record import Partition, Record
from consumer.messages import REASONS, in_plain_text


@pytest.fixture(scope="module")
def brokers() -> MockKafka:
    return MockKafka()


@pytest.fixture
def command(brokers: MockKafka, monkeypatch: pytest.MonkeyPatch) -> Any:
    return command_on(settings_on(brokers), monkeypatch, "dead-letters")


def three_letters(settings: Any) -> list[Any]:
    topic = settings.topics[0]
    return [
        letter(record(topic, 1, event("purchase", user={"email": "jane@example.com"}), b"jane@example.com")),
        letter(record(topic, 2, event("purchase", amount=1))),
        letter(
            record(topic, 3, event("hello jane@example.com")),
            Reason.REJECTED,
            meta_code=100,
            meta_subcode=2804007,
        ),
    ]


def test_list_counts_by_reason_and_event_name_and_shows_rows(command: Any) -> None:
    write_letters(command.settings, three_letters(command.settings))

    listed = json.loads(command("list", "--json").stdout)

    assert listed["letters"] == 3
    assert listed["counts"] == [
        {"reason": "purchase_without_currency", "event_name": "purchase", "letters": 2},
        {"reason": "rejected", "event_name": "*****", "letters": 1},
    ]
    assert listed["rows"][-1] == {
        "partition": 0,
        "offset": 2,
        "reason": "rejected",
        "detail": "",
        "meta_code": "100/2804007",
        "failed_at": "2026-01-01T00:00:05.000+00:00",
        "event_name": "*****",
        "origin": f"{command.settings.topics[0]}/0/3",
        "replay_count": 0,
    }


TO_DO = {
    "purchase_without_currency": 'Send `currency`, such as `"EUR"`. Export the letters, add it, '
    "publish them again.",
    "rejected": "Code and subcode are in the letter's headers: see Meta's codes (docs/reasons.md). "
    "Mend the cause, then the letters.",
}


def test_list_says_what_to_do_once_for_each_reason(command: Any) -> None:
    write_letters(command.settings, three_letters(command.settings))

    assert json.loads(command("list", "--json").stdout)["what_to_do"] == TO_DO
    *_, first, second = command("list").stdout.splitlines()
    assert [first, second] == [f"{reason}: {do}" for reason, do in TO_DO.items()]


def test_what_to_do_for_a_strangers_word_nobody_knows() -> None:
    tally = DeadLetterTally()
    for reason in (Reason.NO_CONSENT.value, "[bold]own word[/]"):
        tally.count(Record(Partition("letters", 0), 0, 0, b"{}", None, (("dlq.reason", reason.encode()),)))
    assert (tally.total, what_to_do(tally)) == (2, {})


def test_no_link_of_the_pages_is_left_in_what_a_terminal_shows() -> None:
    shown = [in_plain_text(advice.do) for advice in REASONS.values()]
    assert not [text for text in shown if "](" in text]
    assert "Enough to match (docs/mapping.md)." in " ".join(shown)


def test_list_shows_what_a_filter_means_and_counts_the_rest(command: Any) -> None:
    write_letters(command.settings, three_letters(command.settings))

    listed = json.loads(command("list", "--json", "--meta-code", "100/2804007").stdout)
    assert (listed["letters"], listed["not_matched"]) == (1, 2)
    assert listed["filters"] == {"meta_codes": ["100/2804007"]}
    assert [row["offset"] for row in listed["rows"]] == [2]

    shown = command("list", "--key", "jane@example.com")
    assert f"1 letter in {command.settings.dead_letter_topic}; 2 not matched" in shown.stdout
    assert "jane" not in shown.output


def test_export_writes_what_a_filter_means(command: Any, tmp_path: Path) -> None:
    write_letters(command.settings, three_letters(command.settings))
    file = tmp_path / "letters.jsonl"

    exported = command("export", "--out", str(file), "--reason", "purchase_without_currency")

    assert [json.loads(line)["dead_letter"]["offset"] for line in file.read_bytes().splitlines()] == [0, 1]
    assert "personal data in clear" in exported.stderr
    assert f"2 letters of {command.settings.dead_letter_topic} exported; 1 not matched" in exported.stderr


def test_export_tells_what_it_wrote_as_json_beside_a_file_only(command: Any, tmp_path: Path) -> None:
    write_letters(command.settings, three_letters(command.settings))
    file = tmp_path / "letters.jsonl"

    exported = command("export", "--out", str(file), "--meta-code", "none", "--json")

    assert json.loads(exported.stdout) == {
        "topic": command.settings.dead_letter_topic,
        "file": str(file),
        "filters": {"meta_codes": ["none"]},
        "letters": 2,
        "not_matched": 1,
    }
    assert len(file.read_bytes().splitlines()) == 2
    for arguments in ([], ["--out", "-"]):
        refused = command("export", "--json", *arguments).exception
        assert str(refused).endswith("name the file with --out")


def test_parked_letters_are_listed_and_exported_in_the_same_way(command: Any, tmp_path: Path) -> None:
    settings = command.settings
    write_letters(settings, three_letters(settings))
    missing = command("list", "--parking-topic").exception
    assert str(missing) == (
        f"the parking topic {settings.parking_topic} does not exist: "
        "check CAPI_PARKING_TOPIC, or create it with `capi-consumer topics create`"
    )
    write(settings.bootstrap_servers, settings.parking_topic, three_letters(settings)[2:])
    file = tmp_path / "letters.jsonl"

    listed = json.loads(command("list", "--parking-topic", "--json").stdout)
    exported = command("export", "--parking-topic", "--out", str(file))

    assert (listed["topic"], listed["letters"]) == (settings.parking_topic, 1)
    assert f"1 letter of {settings.parking_topic} exported" in exported.stderr
    (line,) = file.read_bytes().splitlines()
    assert json.loads(line)["dead_letter"]["topic"] == settings.parking_topic


def test_list_shows_no_personal_value(command: Any) -> None:
    write_letters(command.settings, three_letters(command.settings))
    for arguments in (["list"], ["list", "--json"]):
        result = command(*arguments)
        assert result.exit_code == 0
        assert "purchase_without_currency" in result.stdout
        assert "jane" not in result.output
        assert "example.com" not in result.output


def test_rows_are_not_cut_where_output_is_no_terminal(command: Any) -> None:
    write_letters(command.settings, three_letters(command.settings))
    lines = command("list").stdout.splitlines()
    words = [
        "0",
        "2",
        "rejected",
        "100/2804007",
        "2026-01-01T00:00:05",
        "*****",
        f"{command.settings.topics[0]}/0/3",
    ]
    assert words in [line.split() for line in lines]


def shown(letters: Any, width: Any) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(dead_letters_table(letters, width))
    return captured.get()


FAILED_AT = "2026-11-23T20:41:25.123+00:00"
FIRST = DeadLetterView(
    0,
    229,
    "purchase_without_currency",
    "custom_data.currency",
    "",
    FAILED_AT,
    "purchase",
    "capi.events/0/229",
    0,
)
SECOND = DeadLetterView(
    11, 1230, "rejected", "", "100/2804007", FAILED_AT, "add_to_cart", "capi.events/0/1229", 2
)


def test_a_row_has_one_line_where_it_fits() -> None:
    assert [line.split() for line in shown([FIRST, SECOND], 160).splitlines() if "capi.events" in line] == [
        [
            "0",
            "229",
            "purchase_without_currency",
            "custom_data.currency",
            "11-23",
            "20:41:25",
            "purchase",
            "capi.events/0/229",
        ],
        [
            "11",
            "1230",
            "rejected",
            "100/2804007",
            "11-23",
            "20:41:25",
            "add_to_cart",
            "capi.events/0/1229",
            "2",
        ],
    ]


def test_at_80_columns_a_row_has_two_lines_and_every_word_is_whole() -> None:
    assert [line.split() for line in shown([FIRST, SECOND], 80).splitlines()[4:-1]] == [
        ["0/229", "11-23", "20:41:25", "purchase_without_currency", "custom_data.currency"],
        ["purchase", "capi.events/0/229"],
        ["11/1230", "11-23", "20:41:25", "rejected", "Meta", "100/2804007"],
        ["add_to_cart", "capi.events/0/1229"],
        ["replays:", "2"],
    ]


@pytest.mark.parametrize("width", [36, 50, 60, 79])
def test_a_narrow_terminal_folds_and_cuts_nothing(width: int) -> None:
    text = shown([SECOND], width)
    assert "…" not in text
    assert text.count("9") == 1, "the last digit of the origin's offset"
    assert max(map(len, text.splitlines())) <= width


def test_columns_in_which_nothing_stands_are_left_out() -> None:
    text = shown([FIRST._replace(detail="")], None)
    assert [name in text for name in ("detail", "Meta code", "replays", "origin")] == [False] * 3 + [True]


def test_an_origin_in_a_topic_with_a_long_name_keeps_its_offset() -> None:
    assert view(letter(record("t" * 200, 12345, event()))).origin == "t" * 59 + "…/0/12345"


def test_list_says_that_letters_stay(command: Any) -> None:
    write_letters(command.settings, three_letters(command.settings)[:1])
    assert command("list").stdout.splitlines()[-3:-1] == [
        f"1 letter in {command.settings.dead_letter_topic}",
        "The topic keeps its letters, replayed or not, until its retention ends.",
    ]


def test_list_shows_the_latest_rows_and_counts_all(command: Any) -> None:
    topic = command.settings.topics[0]
    write_letters(command.settings, [letter(record(topic, n, event())) for n in range(5)])

    listed = json.loads(command("list", "--limit", "2", "--json").stdout)
    assert (listed["letters"], [row["offset"] for row in listed["rows"]]) == (5, [3, 4])
    assert json.loads(command("list", "--limit", "0", "--json").stdout)["letters"] == 5


def test_list_says_which_topic_is_missing(command: Any) -> None:
    result = command("list")
    assert (result.exit_code, type(result.exception).__name__) == (1, "CommandError")
    assert command.settings.dead_letter_topic in str(result.exception)


def test_export_gives_every_letter_to_the_byte_for_its_owners_eyes(command: Any, tmp_path: Path) -> None:
    broken = letter(record(command.settings.topics[0], 4, b'{"event_name":\xff', None), Reason.NOT_JSON)
    letters = [*three_letters(command.settings), broken]
    write_letters(command.settings, letters)
    target = tmp_path / "letters.jsonl"

    before = os.umask(0)
    try:
        result = command("export", "--out", str(target))
    finally:
        os.umask(before)

    assert result.exit_code == 0
    assert "personal data" in result.stderr
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    exported: list[Any] = [parse_dead_letter(line) for line in target.read_bytes().splitlines()]
    assert [(read.key, read.value, read.headers, read.timestamp_ms) for read in exported] == [
        (wrote.key, wrote.value, wrote.headers, wrote.timestamp_ms) for wrote in letters
    ]
    assert {read.partition for read in exported} == {Partition(command.settings.dead_letter_topic, 0)}


def test_export_to_standard_output_is_lines_alone(command: Any) -> None:
    write_letters(command.settings, three_letters(command.settings))
    result = command("export")
    assert [json.loads(line)["event"]["event_name"] for line in result.stdout.splitlines()] == [
        "purchase",
        "purchase",
        "hello jane@example.com",
    ]


def on_a_terminal(*arguments: Any) -> tuple[int, bytes]:
    """Exit code and everything that one terminal shows, as bytes, of `dead-letters export`."""
    ours, theirs = os.openpty()
    launch = "from consumer.cli.main import main; main()"
    child = subprocess.Popen(
        [sys.executable, "-c", launch, "dead-letters", "export", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 65536):
            seen += part
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(ours)
    return child.wait(30), seen


def test_export_shows_nobodys_data_on_a_terminal_that_did_not_ask(command: Any) -> None:
    write_letters(command.settings, three_letters(command.settings))
    assert on_a_terminal() == (
        2,
        b"capi-consumer: this would show personal data on the screen: "
        b"name a file with --out, or say --out -\r\n",
    )


def test_export_to_a_terminal_that_asked_has_no_bar_between_its_lines(command: Any) -> None:
    write_letters(command.settings, three_letters(command.settings))
    code, seen = on_a_terminal("--out", "-")
    assert (code, b"\x1b" in seen) == (0, False)
    lines = [line for line in seen.splitlines() if line.startswith(b"{")]
    assert [json.loads(line)["event"]["event_name"] for line in lines] == [
        "purchase",
        "purchase",
        "hello jane@example.com",
    ]


def test_export_that_refuses_warns_of_nothing_and_leaves_no_file(command: Any, tmp_path: Path) -> None:
    target = tmp_path / "letters.jsonl"
    result = command("export", "--out", str(target))
    assert (result.exit_code, result.stderr, target.exists()) == (1, "", False)


def test_export_overwrites_nothing(command: Any, tmp_path: Path) -> None:
    write_letters(command.settings, three_letters(command.settings))
    target = tmp_path / "mended.jsonl"
    target.write_text("hours of work")

    result = command("export", "--out", str(target))

    assert (result.exit_code, str(result.exception)) == (
        1,
        f"{target} exists: name another file, or delete it first",
    )
    assert target.read_text() == "hours of work"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b'{"event_name":" purchase "}', "purchase"),
        (b'{"event_name":"for me@example.com"}', "*****"),
        (b'{"event_name":"a\\u001b[2Jb\\nc"}', "a?[2Jb?c"),
        (b'{"event_name":"' + b"x" * 100 + b'"}', "x" * 59 + "…"),
        (b'{"event_name":""}', "-"),
        (b'{"event_name":7}', "-"),
        (b'["event_name"]', "-"),
        (b"{", "-"),
        (None, "-"),
    ],
)
def test_an_event_name_is_shown_as_far_as_it_may_be(value: bytes | None, name: str) -> None:
    assert event_name(record("events", 0, value)) == name


def test_a_record_of_a_stranger_is_shown_without_a_word_of_its_own() -> None:
    stranger = Record(Partition("letters", 2), 9, 0, b"{}", headers=(("dlq.reason", b"me@example.com"),))
    assert view(stranger)[:3] == (2, 9, "*****")
    assert view(Record(Partition("letters", 2), 9, 0, None))[2:] == ("-", "", "", "", "-", "", 0)
    assert showable("\u202etxt\x00") == "?txt?"


def test_a_tally_is_bounded() -> None:
    tally = DeadLetterTally()
    for number in range(PAIRS_MAX + 5):
        tally.count(letter(record("events", number, event(f"name {number}"))))
    assert (tally.total, len(tally.rows())) == (PAIRS_MAX + 5, PAIRS_MAX + 1)
    assert tally.rows()[0] == (OTHERS, OTHERS, 5)
