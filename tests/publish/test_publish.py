"""Publishing a file: what arrives, what is left out, what is said of it, and how it ends."""

from __future__ import annotations

import errno
import io
import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import dead_letters as letters
from support import topics
from support.kafka_cluster import KafkaCluster
from support.mock_kafka import MockKafka
from support.processes import COMMAND, Processes
from support.waiting import eventually
from typer.testing import CliRunner

from consumer.cli.main import app
from consumer.dead_letters.jsonl import to_line
from consumer.errors import CommandError

FILES = Path(__file__).parents[1] / "event_files" / "files"


@pytest.fixture(scope="module")
def brokers() -> MockKafka:
    return MockKafka()


@pytest.fixture
def topic(brokers: MockKafka, request: pytest.FixtureRequest) -> str:
    name = f"events-{abs(hash(request.node.nodeid))}"
    brokers.make_topic(name)
    return name


class Ended:
    """A command that has ended in this process."""

    def __init__(self, result: Any) -> None:
        self.code = (
            result.exception.exit_code if isinstance(result.exception, CommandError) else result.exit_code
        )
        self.says = str(result.exception) if isinstance(result.exception, CommandError) else ""
        self.stdout = result.stdout
        self.stderr = result.stderr.splitlines()

    @property
    def sum(self) -> Any:
        return json.loads(self.stdout)


@pytest.fixture
def publish(brokers: MockKafka, topic: str) -> Any:
    def run(*arguments: Any, data: bytes | str = b"", **settings: Any) -> Ended:
        environment = {"CAPI_BOOTSTRAP_SERVERS": brokers.bootstrap_servers, "CAPI_TOPICS": topic, **settings}
        return Ended(CliRunner().invoke(app, ["publish", *map(str, arguments)], input=data, env=environment))

    return run


@pytest.fixture
def arrived(brokers: MockKafka, topic: str) -> Any:
    return lambda: sorted((record.key() or b"", record.value()) for record in brokers.records(topic))


def counts(
    read: Any,
    published: Any,
    left_out: int = 0,
    warnings: int = 0,
    failed: int = 0,
    would_be_filtered: int = 0,
) -> dict[Any, Any]:
    return {
        "read": read,
        "published": published,
        "left_out": left_out,
        "warnings": warnings,
        "failed": failed,
        "would_be_filtered": would_be_filtered,
        "dry_run": False,
    }


def event(name: Any, user: Any = None, **more: Any) -> str:
    user_part = {} if user is None else {"user": {"id": user}}
    return json.dumps({"event_name": name} | user_part | more)


def test_json_lines_arrive_to_the_byte_keyed_by_user(publish: Any, arrived: Any) -> None:
    lines = [event("search", "u1"), '{ "event_name":"search" , "user":{"id": 42} }', event("search")]
    ended = publish("--json", data="\n".join(lines))

    assert (ended.code, ended.sum["published"]) == (0, 3)
    assert arrived() == [(b"", lines[2].encode()), (b"42", lines[1].encode()), (b"u1", lines[0].encode())]


def test_an_array_arrives_element_by_element(publish: Any, arrived: Any, tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    path.write_text(f"[\n  {event('search', 'a')},\n  {event('search', 'b')}\n]")

    assert publish(path).code == 0
    assert [key for key, _ in arrived()] == [b"a", b"b"]


def test_a_french_spreadsheet_export_arrives(publish: Any, arrived: Any) -> None:
    ended = publish(FILES / "french-spreadsheet.csv", "--json", CAPI_DEFAULT_COUNTRY="FR")

    assert (ended.code, ended.sum) == (0, counts(4, 4, warnings=4))
    found = {key: json.loads(value) for key, value in arrived()}
    assert sorted(found) == [b"u-1001", b"u-1002", b"u-1003", b"u-1004"]
    assert found[b"u-1001"]["amount"] == "12,50"
    assert len(found[b"u-1002"]["items"]) == 3


@pytest.mark.parametrize("arguments", [(), ("--strict",)])
def test_a_column_that_nothing_reads_is_said_once_at_the_head(
    publish: Any, arrived: Any, arguments: Any
) -> None:
    data = "event_name;email\nsearch;a@example.com\nsearch;b@example.com\n"
    ended = publish("--format", "csv", *arguments, data=data)

    said = [line for line in ended.stderr if "column" in line]
    assert said == ["line 1: warning: column email: nothing reads it; did you mean user.email?"]
    assert len(arrived()) == 2


def test_a_windows_1252_file_is_read_when_it_is_said(publish: Any, arrived: Any, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(
        "event_name;user.id;user.city\nsearch;a;Besançon\nsearch;b;Lyon\n".encode("windows-1252")
    )

    refused = publish(path, "--json")
    assert (refused.code, refused.sum["left_out"]) == (1, 1)
    assert (
        "line 2: left out: not UTF-8; save the file as UTF-8, or say --encoding windows-1252 if it is that"
        in (refused.stderr)
    )
    assert publish(path, "--encoding", "windows-1252").code == 0
    assert [json.loads(value)["user"].get("city") for _, value in arrived()] == ["Besançon", "Lyon", "Lyon"]


MIXED = [event("search", "u1"), "{oops", "[]", '{"user":{"id":"u2"}}', "", event("search", "u3")]


def test_bad_lines_are_said_and_left_out(publish: Any, arrived: Any) -> None:
    ended = publish("--json", data="\n".join(MIXED))

    assert ended.code == 1
    assert {name: ended.sum[name] for name in ("read", "published", "left_out")} == {
        "read": 5,
        "published": 2,
        "left_out": 3,
    }
    assert [line for line in ended.stderr if "left out:" in line] == [
        "line 2: left out: not_json (line 2, column 2)",
        "line 3: left out: not_an_object",
        "line 4: left out: no_event_name (event_name)",
    ]
    assert [key for key, _ in arrived()] == [b"u1", b"u3"]


def test_an_exported_letter_is_no_event_and_its_way_back_is_said(publish: Any, arrived: Any) -> None:
    exported = to_line(letters.letter(letters.record("events", 12, event("search").encode())))
    ended = publish("--json", data=exported + event("search", "u1", dead_letter="1").encode())

    assert (ended.code, ended.sum["published"], ended.sum["left_out"]) == (1, 1, 1)
    assert "line 1: left out: an exported dead letter; `publish --replay` sends it back" in ended.stderr
    assert [key for key, _ in arrived()] == [b"u1"]


@pytest.mark.parametrize("by", ["file", "pipe"])
def test_strict_publishes_nothing_when_one_line_is_bad(
    publish: Any, arrived: Any, tmp_path: Path, by: str
) -> None:
    path = tmp_path / "events"
    path.write_text("\n".join(MIXED))
    ended = (
        publish(path, "--strict", "--json")
        if by == "file"
        else publish("--strict", "--json", data=path.read_bytes())
    )

    assert (ended.code, ended.sum["read"], ended.sum["published"], ended.sum["left_out"]) == (1, 5, 0, 5)
    assert "nothing was published, as --strict asks" in ended.stderr
    assert arrived() == []


def test_strict_publishes_a_good_file_and_warns_once(publish: Any, arrived: Any) -> None:
    ended = publish("--strict", "--json", data=event("search", "u1") + "\n" + event("search", "u2"))

    plain = publish("--json", data=event("search", "u1") + "\n" + event("search", "u2"))
    assert (ended.code, ended.sum) == (0, plain.sum)
    assert len([line for line in ended.stderr if "warning: event: would be filtered" in line]) == 2
    assert len(arrived()) == 4


def test_raw_publishes_every_line_as_it_stands(publish: Any, arrived: Any) -> None:
    ended = publish("--raw", "--json", data=b'{oops\r\n\n\xff\xfe\n{"user":{"id":"u1"}}')

    assert (ended.code, ended.sum) == (0, counts(4, 4))
    assert arrived() == [(b"", b""), (b"", b"{oops"), (b"", b"\xff\xfe"), (b"u1", b'{"user":{"id":"u1"}}')]


def test_warnings_are_said_with_line_and_field_then_counted(publish: Any) -> None:
    bad = event("search", "u1", url="nowhere", user_email=1)
    ended = publish("--json", data="\n".join([bad] * 30))

    assert ended.code == 0
    each = ended.sum["warnings"] // 30
    said = [line for line in ended.stderr if ": warning: " in line]
    assert len(said) == 20
    assert "line 1: warning: event_source_url: malformed (url)" in said
    assert f"and {30 * each - 20} more warnings:" in ended.stderr
    assert [
        line.split("  ")[-1]
        for line in ended.stderr
        if line.endswith("would be filtered: not_enough_to_match")
    ][-1] == "event: would be filtered: not_enough_to_match"


def test_how_many_would_be_filtered_is_in_the_sum(publish: Any, topic: str) -> None:
    ended = publish("--json", data="\n".join([event("search", "u1")] * 3 + ["[]"]))

    assert ended.sum["would_be_filtered"] == 3
    assert (
        f"4 events read: 3 published to {topic} (of which 3 would be filtered: not_enough_to_match 3), "
        "1 left out, 0 failed; 12 warnings"
    ) in ended.stderr
    assert publish("--strict", "--json", data=event("search", "u1")).sum["would_be_filtered"] == 1
    assert publish("--strict", "--json", data=event("search") + "\n[]").sum["would_be_filtered"] == 0


def test_a_dry_run_of_events_sends_nothing(publish: Any, arrived: Any) -> None:
    ended = publish("--dry-run", "--json", data="\n".join([event("search", "u1"), "[]"]))

    assert (ended.code, ended.sum["published"], ended.sum["dry_run"]) == (1, 1, True)
    assert arrived() == []


def test_a_thousand_bad_lines_are_said_and_the_rest_counted_by_reason(publish: Any) -> None:
    ended = publish(data="{}\n" * 1_010 + "[]\n" * 5)

    assert ended.code == 1
    assert len([line for line in ended.stderr if ": left out: " in line]) == 1_000
    assert ended.stderr[1_000:1_003] == [
        "and 15 more events left out:",
        "         10  no_event_name",
        "          5  not_an_object",
    ]


def test_nothing_that_is_said_holds_a_value(publish: Any) -> None:
    secret = "jane.secret@example.com"
    lines = [
        event("search", secret, url=secret, fbc=secret),
        f'{{"event_name":"{secret}',
        event(secret),
        json.dumps({"event_name": "purchase", "id": secret, "currency": secret}),
    ]
    ended = publish("--json", data="\n".join(lines))
    table = publish("--format", "csv", data=f"{secret};{secret}\n")

    assert ended.sum["left_out"] == 2
    assert "no column event_name" in table.says
    assert "secret" not in ended.stdout + "".join(ended.stderr) + table.says


def test_an_empty_file_is_all_published(publish: Any) -> None:
    ended = publish("--json")
    assert (ended.code, ended.sum) == (0, counts(0, 0))


def test_a_topic_that_is_not_there_is_said_with_what_to_do_and_not_made(
    publish: Any, brokers: MockKafka
) -> None:
    ended = publish("--topic", "nobody-made-it", data=event("search"))

    assert ended.code == 1
    assert ended.says.startswith("topic nobody-made-it does not exist, or may not be seen: ")
    assert "capi-consumer topics create" in ended.says
    assert publish("--topic", "nobody-made-it", data=event("search")).code == 1


@pytest.mark.parametrize("kind", ["dead-letter", "parking"])
@pytest.mark.parametrize("arguments", [(), ("--replay",), ("--raw",)])
def test_nothing_is_published_to_a_topic_of_letters(
    publish: Any, brokers: MockKafka, arguments: Any, kind: str
) -> None:
    brokers.make_topic("letters-of-all")
    named = {f"CAPI_{kind.upper().replace('-', '_')}_TOPIC": "letters-of-all"}
    ended = publish("--topic", "letters-of-all", *arguments, data=event("search"), **named)

    assert ended.code == 2
    assert ended.says == (
        f"--topic letters-of-all: that is the {kind} topic itself: name an events topic, or leave --topic out"
    )
    assert brokers.records("letters-of-all") == []


MISUSES = [
    (("no/such/file",), "no/such/file cannot be read: No such file or directory"),
    ((".",), ". cannot be read: Is a directory"),
    (("--raw", "--strict"), None),
    (("--raw", "--format", "csv"), None),
    (("--format", "xml"), None),
    (("--encoding", "utf-7"), None),
]


@pytest.mark.parametrize(("arguments", "says"), MISUSES)
def test_a_mistake_in_the_call_ends_with_2(publish: Any, arguments: Any, says: Any) -> None:
    ended = publish(*arguments)
    assert ended.code == 2
    assert ended.says == (says or "")


def test_mistakes_in_the_settings_are_all_said_and_end_with_2(publish: Any) -> None:
    ended = publish(CAPI_LINGER_MS="soon", CAPI_TOPIC="x")
    assert ended.code == 2
    assert "CAPI_LINGER_MS" in ended.says
    assert "CAPI_TOPIC: no such setting" in ended.says


def test_brokers_that_do_not_answer_are_said_in_one_line(
    publish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.kafka.clients.METADATA_TIMEOUT_S", 0.5)
    ended = publish(data=event("search"), CAPI_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert ended.code == 1
    assert ended.says.startswith("no answer from the brokers 127.0.0.1:1")


class BadDisk(io.RawIOBase):
    """A file whose second block cannot be read."""

    def __init__(self, first: Any) -> None:
        self._blocks = [first]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._blocks:
            raise OSError(errno.EIO, "Input/output error")
        block = self._blocks.pop()
        buffer[: len(block)] = block
        return len(block)


@pytest.mark.parametrize("arguments", [(), ("--raw",)])
def test_a_file_that_cannot_be_read_to_its_end_is_said_and_what_was_read_is_accounted_for(
    publish: Any, arrived: Any, monkeypatch: pytest.MonkeyPatch, arguments: Any
) -> None:
    disk = io.BufferedReader(BadDisk(f"{event('search', 'u1')}\n{event('search', 'half')}".encode()))
    monkeypatch.setattr("consumer.event_files.event_files._opened", lambda _name: disk)

    ended = publish("events.jsonl", "--json", *arguments)

    assert (ended.code, ended.sum["read"], ended.sum["published"]) == (1, 1, 1)
    assert "capi-consumer: events.jsonl cannot be read further: Input/output error" in ended.stderr
    assert "interrupted after 1 event: the rest was not read" in ended.stderr
    assert [key for key, _ in arrived()] == [b"u1"]


def test_strict_publishes_nothing_of_a_file_that_cannot_be_read_to_its_end(
    publish: Any, arrived: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = io.BufferedReader(BadDisk(f"{event('search', 'u1')}\n".encode()))
    monkeypatch.setattr("consumer.event_files.event_files._opened", lambda _name: disk)

    ended = publish("events.jsonl", "--strict", "--json")

    assert (ended.code, ended.sum["published"]) == (1, 0)
    assert "capi-consumer: events.jsonl cannot be read further: Input/output error" in ended.stderr
    assert arrived() == []


def test_a_standard_input_that_is_closed_is_said_in_one_line(brokers: MockKafka, topic: str) -> None:
    environment = {"PATH": "", "CAPI_BOOTSTRAP_SERVERS": brokers.bootstrap_servers, "CAPI_TOPICS": topic}
    ended = subprocess.run(
        ["/bin/sh", "-c", f"exec '{COMMAND}' publish <&-"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (2, "capi-consumer: standard input is closed\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_a_true_summary(
    brokers: MockKafka, topic: str, arrived: Any, number: Any, tmp_path: Path
) -> None:
    environment = {"PATH": "", "CAPI_BOOTSTRAP_SERVERS": brokers.bootstrap_servers, "CAPI_TOPICS": topic}
    said = tmp_path / "stderr"
    with (
        said.open("wb") as stderr,
        subprocess.Popen(
            [COMMAND, "publish", "--json"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
        ) as child,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(f"{event('search', 'u1')}\n[]\n{event('search', 'half').rstrip('}')}".encode())
            child.stdin.flush()
            eventually(lambda: "line 2: left out" in said.read_text(), 30)
            child.send_signal(number)
            stdout = child.stdout.read()
            assert child.wait(30) == 130
        finally:
            child.kill()

    assert {name: json.loads(stdout)[name] for name in ("read", "published", "left_out", "failed")} == {
        "read": 2,
        "published": 1,
        "left_out": 1,
        "failed": 0,
    }
    assert "interrupted after 2 events: the rest was not read" in said.read_text()
    assert [key for key, _ in arrived()] == [b"u1"]


@pytest.mark.kafka
def test_what_the_broker_does_not_take_is_counted_and_said_by_line(
    kafka: KafkaCluster, topic_names: Callable[[str], str], processes: Processes, tmp_path: Path
) -> None:
    topic = topic_names("events")
    topics.create_topic(kafka.bootstrap_servers, topic, partitions=3, config={"max.message.bytes": "2000"})
    path = tmp_path / "events.jsonl"
    noise = (
        "".join(chr(33 + number * number * 31 % 90) for number in range(9_000))
        .replace('"', "")
        .replace("\\", "")
    )
    path.write_text(
        f"{event('search', 'u1')}\n{event('search', 'u2', text=noise)}\n{event('search', 'u3')}\n"
    )

    settings = {"CAPI_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "CAPI_TOPICS": topic}
    settings["CAPI_KAFKA_PROPERTIES"] = '{"compression.type": "none"}'
    ended = processes.run("publish", str(path), "--json", settings=settings)

    said = json.loads(ended.stdout)
    assert ended.returncode == 1
    assert (said["read"], said["published"], said["left_out"], said["failed"]) == (3, 2, 0, 1)
    assert "line 2: not delivered (MSG_SIZE_TOO_LARGE)" in ended.stderr
    assert sorted(record.key or b"" for record in topics.read_to_end(kafka.bootstrap_servers, topic)) == [
        b"u1",
        b"u3",
    ]


@pytest.mark.kafka
def test_many_events_arrive_in_their_order_for_each_user(
    kafka: KafkaCluster, topic_names: Callable[[str], str], processes: Processes, tmp_path: Path
) -> None:
    topic = topic_names("events")
    topics.create_topic(kafka.bootstrap_servers, topic, partitions=6)
    path = tmp_path / "events.jsonl"
    path.write_text(
        "".join(event("search", f"u{number % 50}", event_id=number) + "\n" for number in range(20_000))
    )

    settings = {"CAPI_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "CAPI_TOPICS": topic}
    ended = processes.run("publish", str(path), "--json", settings=settings)

    assert (ended.returncode, json.loads(ended.stdout)["published"]) == (0, 20_000)
    seen: dict[bytes, list[int]] = {}
    places: dict[bytes, set[int]] = {}
    for record in topics.read_to_end(kafka.bootstrap_servers, topic):
        assert record.key is not None
        assert record.value is not None
        seen.setdefault(record.key, []).append(json.loads(record.value)["event_id"])
        places.setdefault(record.key, set()).add(record.place.partition)
    assert seen == {b"u%d" % user: list(range(user, 20_000, 50)) for user in range(50)}
    assert {len(partitions) for partitions in places.values()} == {1}
