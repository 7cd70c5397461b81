"""Commands on a terminal and in a pipe: colours, bars, widths, exit codes, a reader that goes away."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support.dead_letters import event, letter, record, settings_on, write, write_letters
from support.mock_kafka import MockKafka
from support.processes import Processes
from support.terminal_session import COLOUR, into_a_closed_pipe, on_a_terminal

GREEN, YELLOW, RED = "\x1b[32m", "\x1b[33m", "\x1b[31m"


@pytest.fixture(scope="module")
def brokers() -> MockKafka:
    return MockKafka()


@pytest.fixture
def settings(brokers: MockKafka) -> dict[Any, Any]:
    """Topics with two letters, and the environment that names them."""
    known = settings_on(brokers)
    topic = known.topics[0]
    write(known.bootstrap_servers, topic, [record(topic, 0, b"{}", b"first")])
    failed = [record(topic, offset, event("purchase", amount=1, n="x" * 30)) for offset in (1, 2)]
    write_letters(known, [letter(one) for one in failed])
    return {
        "CAPI_BOOTSTRAP_SERVERS": known.bootstrap_servers,
        "CAPI_TOPICS": topic,
        "CAPI_DEAD_LETTER_TOPIC": known.dead_letter_topic,
        "CAPI_PARKING_TOPIC": known.parking_topic,
        "CAPI_GROUP_ID": known.group_id,
        "CAPI_GRAPH_URL": "http://127.0.0.1:1",
        "CAPI_PIXEL_ID": "1",
        "CAPI_ACCESS_TOKEN": "t",
    }


@pytest.fixture
def events(tmp_path: Path) -> str:
    file = tmp_path / "events.jsonl"
    lines = [json.dumps({"event_name": "search", "user": {"id": f"u-{number}"}}) for number in range(200)]
    file.write_text("\n".join([*lines, "[]"]))
    return str(file)


def widest(lines: Any) -> int:
    return max(map(len, lines))


# --help


def test_the_help_has_colours_on_a_terminal_and_keeps_to_its_width() -> None:
    seen = on_a_terminal("replay", "--help", columns=60)
    assert (seen.code, seen.err) == (0, "")
    assert COLOUR.search(seen.out)
    assert widest(seen.lines) <= 60


def test_no_color_takes_the_colours_of_the_help() -> None:
    assert not COLOUR.search(on_a_terminal("replay", "--help", settings={"NO_COLOR": "1"}).out)


def test_the_help_in_a_pipe_is_text() -> None:
    seen = on_a_terminal("replay", "--help", piped=True)
    assert (seen.code, "\x1b" in seen.out) == (0, False)
    assert "# what would go back?" in seen.out


# check


def test_check_is_green_yellow_and_red_lines_on_a_terminal(settings: dict[Any, Any]) -> None:
    seen = on_a_terminal("check", settings=settings)
    assert (seen.code, seen.err) == (1, "")
    assert f"{GREEN}✓" in seen.out
    assert f"{YELLOW}!" in seen.out  # no consent category
    assert f"{RED}✗" in seen.out  # nobody plays Meta


@pytest.mark.parametrize(("piped", "more"), [(False, {"NO_COLOR": "1"}), (True, {})])
def test_check_says_the_same_without_colours(
    settings: dict[Any, Any], piped: bool, more: dict[str, Any]
) -> None:
    seen = on_a_terminal("check", settings=settings | more, piped=piped)
    assert (seen.code, "\x1b" in seen.out) == (1, False)
    assert [line[0] for line in seen.lines] == ["✓", "!", "✓", "✓", "✓", "!", "?", "?", "✗", "?"]


# publish


def test_publish_shows_a_bar_with_rate_on_a_terminal_and_keeps_it_out_of_the_result(
    settings: dict[Any, Any], events: str
) -> None:
    seen = on_a_terminal("publish", events, "--json", settings=settings, piped=True)
    assert seen.code == 1
    assert json.loads(seen.out)["published"] == 200
    assert "events/s" in seen.said
    assert "\x1b[?25h" in seen.err  # the cursor is there again
    assert "line 201: left out: not_an_object" in seen.said


def many_events(tmp_path: Path, count: int = 6_000) -> str:
    file = tmp_path / "many.jsonl"
    file.write_text("".join(f'{{"event_name": "search", "user": {{"id": "u-{n}"}}}}\n' for n in range(count)))
    return str(file)


# Count, bytes of the file, rate, and how long it still takes.
BAR = r"[\d,]+ read +\S+ +[1-9]\d*/\d+ KiB +[\d,]+ events/s +\d:\d\d:\d\d"


def test_the_bar_of_publish_has_the_rate_and_the_time_left(settings: dict[Any, Any], tmp_path: Path) -> None:
    seen = on_a_terminal("publish", many_events(tmp_path), "--dry-run", settings=settings, columns=100)
    assert seen.code == 0
    assert re.search(BAR, seen.said)


def test_ctrl_c_ends_publish_with_a_true_sum(settings: dict[Any, Any], tmp_path: Path) -> None:
    seen = on_a_terminal(
        "publish", many_events(tmp_path), "--json", settings=settings, piped=True, interrupted_at=r"\d read"
    )
    done = json.loads(seen.out)
    assert seen.code == 130
    assert 0 < done["published"] == done["read"] < 6_000
    assert f"interrupted after {done['read']:,} events: the rest was not read" in seen.said


def test_publish_without_a_terminal_shows_no_bar(
    settings: dict[Any, Any], events: str, processes: Processes
) -> None:
    ended = processes.run("publish", events, "--dry-run", settings=settings)
    assert (ended.returncode, ended.stdout, "\x1b" in ended.stderr) == (1, "", False)
    assert "KiB" not in ended.stderr
    assert "200 would be published" in ended.stderr


def test_letters_from_a_file_have_a_bar_too(settings: dict[Any, Any], tmp_path: Path) -> None:
    file = tmp_path / "letters.jsonl"
    exported = on_a_terminal("dead-letters", "export", "--out", str(file), "--json", settings=settings)
    assert (exported.code, json.loads(exported.out)["letters"]) == (0, 2)
    assert "exporting" in exported.said
    seen = on_a_terminal("publish", "--replay", str(file), "--dry-run", settings=settings)
    assert (seen.code, "reading" in seen.said) == (0, True)
    assert "2 letters" in exported.said
    assert "2 would be published to the topics they came from" in seen.said


# replay


def test_replay_shows_a_bar_beside_its_json(settings: dict[Any, Any]) -> None:
    seen = on_a_terminal("replay", "--dry-run", "--json", settings=settings, piped=True)
    assert (seen.code, json.loads(seen.out)["left_out"]) == (1, {"too_old": 2})
    assert "looking" in seen.said
    assert "2/2 offsets" in " ".join(seen.said.split())


# explain


ONE_EVENT = """{"event_name": "page_view", "event_id": "e-1", "event_timestamp": "2026-11-23T18:00:00Z", \
"url": "https://shop.example.fr/", "user": {"email": "user@example.fr", "city": "Paris"}, \
"browser": {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0"}}"""


def test_explain_has_colours_on_a_terminal_and_its_tables_keep_to_its_width(tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    file.write_text(ONE_EVENT)
    seen = on_a_terminal("explain", str(file), "--now", "2026-11-23T18:01:00Z", columns=60)
    assert seen.code == 0
    assert COLOUR.search(seen.out)
    assert widest(seen.lines) <= 60
    assert "user@example.fr" not in seen.out


def test_ctrl_c_ends_explain_between_two_lines_and_says_how_far_it_came(tmp_path: Path) -> None:
    seen = on_a_terminal(
        "explain", many_events(tmp_path, 60_000), "--json", piped=True, interrupted_at="decision"
    )
    told = re.search(r"interrupted after ([\d,]+) events?: the rest was not read", seen.said)
    assert seen.code == 130
    assert told is not None
    assert 0 <= int(told[1].replace(",", "")) - len(seen.lines) <= 1
    assert all(json.loads(line)["decision"] == "filtered" for line in seen.lines)


def test_explain_in_a_pipe_is_text_and_without_a_bar(events: str) -> None:
    seen = on_a_terminal("explain", events, piped=True)
    assert (seen.code, "\x1b" in seen.out) == (0, False)
    assert "KiB" not in seen.said


# dead-letters


def test_letters_are_listed_behind_a_bar_and_keep_to_the_width(settings: dict[Any, Any]) -> None:
    seen = on_a_terminal("dead-letters", "list", settings=settings, columns=60)
    table, said, _ = "\n".join(seen.lines).partition("2 letters in")
    assert (seen.code, said) == (0, "2 letters in")
    assert widest(table.splitlines()) <= 60
    assert "reading" in seen.said


def test_letters_in_a_pipe_are_a_row_a_line(settings: dict[Any, Any]) -> None:
    seen = on_a_terminal("dead-letters", "list", settings=settings, piped=True)
    assert (seen.code, "\x1b" in seen.out) == (0, False)
    assert sum("purchase_without_currency" in line for line in seen.lines) == 4  # counted, listed, advised


# Mistakes, and a reader that goes away


def test_a_mistake_in_the_call_is_one_line_with_where_to_look() -> None:
    seen = on_a_terminal("publish", "--strickt")
    assert (seen.code, seen.out) == (2, "")
    assert seen.said.splitlines()[0].startswith("capi-consumer: No such option: --strickt")
    assert "see `capi-consumer publish --help`" in seen.said
    assert len(seen.said.strip().splitlines()) == 1


CALLS = [
    ["--help"],
    ["check"],
    ["explain"],
    ["publish", "--dry-run", "--json"],
    ["replay", "--dry-run"],
    ["dead-letters", "list"],
    ["dead-letters", "export"],
]


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_a_closed_pipe_ends_a_command_without_a_traceback(
    call: Any, settings: dict[Any, Any], events: str
) -> None:
    file = [events] if call[0] in ("explain", "publish") else []
    seen = into_a_closed_pipe(*call, *file, settings=settings)
    assert seen.code == 1
    assert "Traceback" not in seen.err
    assert "Exception ignored" not in seen.err
    assert "a mistake of ours" not in seen.err
