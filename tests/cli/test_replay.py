"""Each letter goes back once, whatever happens meanwhile."""

from __future__ import annotations

import json
import signal
import threading
from collections import Counter
from typing import Any

import pytest
from support.dead_letters import (
    command_on,
    event,
    headers_of,
    letter,
    record,
    settings_on,
    write,
    write_letters,
)
from support.mock_kafka import MockKafka
from support.replay import (
    ALL,
    NOW_MS,
    arrived,
    committed,
    fates_of,
    replay,
    sending_to,
    some_letters,
    values,
)

from consumer.cli.replay import MEANS, replay_exit_code, replay_group
from consumer.dead_letters.headers import VALUE_OMITTED
from consumer.dead_letters.reader import open_dead_letters
from consumer.dead_letters.replay.plan import SkipReason, open_replay_target
from consumer.dead_letters.replay.runner import RateLimit, ReplayRunner, ReplaySummary, StopReason
from consumer.domain.record import Partition, Record
from consumer.errors import CommandError
from consumer.signals import stop_on_signal


@pytest.fixture(scope="module")
def brokers() -> MockKafka:
    return MockKafka()


def test_a_letter_goes_back_as_it_was_with_its_origin_and_the_count_raised(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    topic = settings.topics[0]
    failed = record(topic, 7, event(id="o7"), b"u7", (("trace", b"\xff1"), ("empty", None)))
    write_letters(settings, [letter(failed, detail="currency", attempts=2)])

    outcome = replay(settings)

    assert (outcome.stop_reason, outcome.replayed.total, outcome.skipped) == (StopReason.DONE, 1, {})
    (back,) = arrived(brokers, topic)
    assert (back.key(), back.value(), back.timestamp()[1]) == (b"u7", failed.value, failed.timestamp_ms)
    assert back.headers() == [
        ("trace", b"\xff1"),
        ("empty", None),
        ("dlq.first-failed-at", b"2026-01-01T00:00:05.000+00:00"),
        ("dlq.origin-topic", topic.encode()),
        ("dlq.origin-partition", b"0"),
        ("dlq.origin-offset", b"7"),
        ("dlq.origin-timestamp", b"1767225607000"),
        ("dlq.replay-count", b"1"),
    ]


def test_a_second_replay_has_nothing_to_do(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    write_letters(settings, some_letters(settings, 3))

    assert replay(settings).replayed.total == 3
    assert replay(settings).replayed.total == 0
    assert len(arrived(brokers, settings.topics[0])) == 3


def test_a_dry_run_writes_nothing_and_moves_nothing(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    write_letters(settings, some_letters(settings, 3))

    outcome = replay(settings, dry_run=True)

    assert outcome.replayed.rows() == [("purchase_without_currency", "purchase", 3)]
    assert arrived(brokers, settings.topics[0]) == []
    assert committed(settings) < 0


def test_a_limit_stops_behind_that_many_and_the_next_run_goes_on(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    write_letters(settings, some_letters(settings, 5))

    first = replay(settings, limit=2)
    assert (first.stop_reason, first.replayed.total, committed(settings)) == (StopReason.LIMIT, 2, 2)

    second = replay(settings)
    assert (second.stop_reason, second.replayed.total) == (StopReason.DONE, 3)
    assert values(brokers, settings.topics[0]) == [event(id=f"o{n}") for n in range(5)]


def test_a_limit_of_all_there_is_has_done_it_all(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    write_letters(settings, some_letters(settings, 2))
    assert replay(settings, limit=2).stop_reason is StopReason.DONE


def test_letters_that_come_meanwhile_are_for_the_next_time(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    write_letters(settings, some_letters(settings, 3))
    late = letter(record(settings.topics[0], 9, event(id="late")))

    def a_letter_comes(_passed: Any) -> None:
        write(settings.bootstrap_servers, settings.dead_letter_topic, [late])

    with (
        open_dead_letters(settings, group=replay_group(settings, ALL)) as letters,
        open_replay_target(settings, None) as way,
    ):
        a_letter_comes(0)
        outcome = ReplayRunner(letters, fates_of(settings, way), sending_to(settings)).run(
            pace=RateLimit(None), limit=None, stop=threading.Event(), on_progress=a_letter_comes
        )

    assert outcome.replayed.total == 3
    assert committed(settings) == 3
    assert event(id="late") not in values(brokers, settings.topics[0])


def test_who_is_asked_to_stop_ends_between_two_handfuls_and_can_go_on(
    brokers: MockKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.dead_letters.replay.runner.RECORDS_PER_CHUNK", 2)
    settings = settings_on(brokers)
    write_letters(settings, some_letters(settings, 5))
    stop = threading.Event()

    first = replay(settings, stop=stop, on_progress=lambda passed: stop.set() if passed else None)

    assert (first.stop_reason, first.replayed.total, committed(settings)) == (StopReason.INTERRUPTED, 2, 2)
    assert replay(settings).replayed.total == 3
    assert values(brokers, settings.topics[0]) == [event(id=f"o{n}") for n in range(5)]


def test_what_the_broker_did_not_take_is_not_passed(brokers: MockKafka) -> None:
    class OneIsLost:
        def __init__(self, sending: Any) -> None:
            self.sending = sending

        def send(self, records: Any) -> dict[Any, Any]:
            self.sending.send([one for place, one in enumerate(records) if place != 1])
            return {1: "_MSG_TIMED_OUT"}

    settings = settings_on(brokers)
    write_letters(settings, some_letters(settings, 3))

    outcome = replay(settings, sending=OneIsLost(sending_to(settings)))

    assert (outcome.stop_reason, outcome.replayed.total, committed(settings)) == (
        StopReason.NOT_WRITTEN,
        1,
        1,
    )
    assert outcome.message == f"{settings.topics[0]} did not take a letter (_MSG_TIMED_OUT)"
    assert replay(settings).replayed.total == 2


def test_what_its_topic_does_not_take_for_its_size_is_left_out(brokers: MockKafka) -> None:
    class TooLarge:
        def send(self, records: Any) -> dict[Any, Any]:
            return dict.fromkeys(range(len(records)), "MSG_SIZE_TOO_LARGE")

    settings = settings_on(brokers)
    write_letters(settings, some_letters(settings, 2))

    outcome = replay(settings, sending=TooLarge())

    assert (outcome.stop_reason, outcome.skipped) == (StopReason.DONE, {SkipReason.TOO_LARGE: 2})


def test_a_record_that_is_nobodys_letter_is_left_out(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    stranger = Record(Partition("letters", 0), 0, 1_767_225_600_000, event(), b"u1", (("x", b"1"),))
    write_letters(settings, [stranger, *some_letters(settings, 1)])

    outcome = replay(settings)

    assert (outcome.skipped, outcome.replayed.total) == ({SkipReason.NO_ORIGIN: 1}, 1)


@pytest.mark.parametrize("broken", [b"", b"zero", None])
def test_an_origin_that_cannot_be_read_is_none(brokers: MockKafka, broken: bytes | None) -> None:
    settings = settings_on(brokers)
    headers = [
        (name, broken if name == "dlq.origin-partition" else value)
        for name, value in headers_of(record(settings.topics[0], 1, event()))
    ]
    write_letters(settings, [Record(Partition("letters", 0), 0, 1_767_225_600_000, event(), b"u1", headers)])
    assert replay(settings).skipped == {SkipReason.NO_ORIGIN: 1}


def test_a_tombstone_is_left_out(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    write_letters(settings, [letter(record(settings.topics[0], 1, None))])
    assert replay(settings).skipped == {SkipReason.NO_VALUE: 1}


def test_everything_with_a_value_goes_to_the_topic_that_was_asked_for(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    retries = f"{settings.topics[0]}-retries"
    write(settings.bootstrap_servers, retries, [record(retries, 0, b"{}", b"first")])
    elsewhere = letter(record("gone", 3, event(id="elsewhere")))
    stranger = Record(Partition("letters", 0), 0, 1_767_225_600_000, event(id="stranger"), b"u1", ())
    write_letters(settings, [*some_letters(settings, 1), elsewhere, stranger])

    outcome = replay(settings, to=retries)

    assert (outcome.replayed.total, outcome.skipped) == (3, {})
    assert values(brokers, retries) == sorted([event(id="o0"), event(id="elsewhere"), event(id="stranger")])
    assert arrived(brokers, settings.topics[0]) == []


@pytest.mark.parametrize(
    ("to", "exit_code"), [("no-such-topic", 1), ("dead_letter_topic", 2), ("parking_topic", 2)]
)
def test_a_topic_that_cannot_be_it_is_refused_before_anything_is_read(
    brokers: MockKafka, to: str, exit_code: int
) -> None:
    settings = settings_on(brokers)
    write_letters(settings, some_letters(settings, 1))
    to = getattr(settings, to, to)
    with pytest.raises(CommandError, match=f"--to {to}: .+: name ") as refused:
        replay(settings, to=to)
    assert refused.value.exit_code == exit_code


def test_a_letter_of_a_foreign_topic_holds_what_is_behind_it(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    before, behind = some_letters(settings, 2)
    foreign = letter(record("foreign", 3, event(id="foreign")))
    write_letters(settings, [before, foreign, behind])

    outcome = replay(settings)

    assert (outcome.stop_reason, outcome.replayed.total, committed(settings)) == (StopReason.HELD, 1, 1)
    assert outcome.message == (
        "the letter at partition 0 offset 1 comes from foreign, which is not one of CAPI_TOPICS "
        "or does not exist: add it there, or send with --to TOPIC"
    )
    assert values(brokers, settings.topics[0]) == [event(id="o0")]


def without_value(settings: Any, origin: Any) -> Record:
    headers = (*headers_of(origin), (VALUE_OMITTED, b"true"))
    return Record(Partition("letters", 0), 0, origin.timestamp_ms, None, origin.key, headers)


def test_a_letter_without_its_value_gets_it_from_its_origin(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    topic = settings.topics[0]
    original = record(topic, 0, event(id="large"), b"u1")
    write(settings.bootstrap_servers, topic, [original, record(topic, 1, event(id="next"), b"first")])
    write_letters(settings, [without_value(settings, original)])

    assert replay(settings).replayed.total == 1

    assert values(brokers, topic) == [event(id="large"), event(id="large")]
    assert [
        found for found in arrived(brokers, topic) if dict(found.headers() or ()).get(VALUE_OMITTED)
    ] == []


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param(lambda topic: record(topic, 99, b"", b"u1"), id="beyond the end"),
        pytest.param(
            lambda topic: Record(Partition(topic, 0), 0, 1_700_000_000_000, b"", b"u1"), id="another time"
        ),
        pytest.param(
            lambda topic: Record(Partition(topic, 99), 0, 1_767_225_600_000, b"", b"u1"),
            id="no such partition",
        ),
    ],
)
def test_a_letter_whose_original_is_gone_is_left_out(brokers: MockKafka, origin: Any) -> None:
    settings = settings_on(brokers)
    write_letters(settings, [without_value(settings, origin(settings.topics[0]))])
    assert replay(settings).skipped == {SkipReason.ORIGINAL_GONE: 1}


def test_an_original_is_not_read_from_a_foreign_topic(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    secret = record("secrets", 0, event(id="secret"))
    write(settings.bootstrap_servers, "secrets", [secret])
    write_letters(settings, [without_value(settings, secret)])

    assert replay(settings, to=settings.topics[0]).stop_reason is StopReason.HELD
    assert arrived(brokers, settings.topics[0]) == []


def test_two_replays_at_once_are_found_out(brokers: MockKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.dead_letters.replay.runner.RECORDS_PER_CHUNK", 2)
    settings = settings_on(brokers)
    write_letters(settings, some_letters(settings, 6))

    with pytest.raises(CommandError, match="another replay is running with this group"):
        replay(settings, on_progress=lambda passed: replay(settings) if passed == 2 else None)

    assert values(brokers, settings.topics[0]) == [event(id=f"o{n}") for n in range(6)]


def test_of_two_replays_in_step_one_stops_after_its_first_handful(
    brokers: MockKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have looked before either has committed, and both commit the same offset."""
    monkeypatch.setattr("consumer.dead_letters.replay.runner.RECORDS_PER_CHUNK", 2)
    settings = settings_on(brokers)
    write_letters(settings, some_letters(settings, 6))

    class InStep:
        def send(self, records: Any) -> Any:
            errors = sending_to(settings).send(records)
            replay(settings, limit=2)
            return errors

    with pytest.raises(CommandError, match="another replay is running with this group"):
        replay(settings, sending=InStep())

    assert values(brokers, settings.topics[0]) == [event(id=id) for id in ("o0", "o0", "o1", "o1")]
    assert replay(settings).replayed.total == 4


def test_a_missing_dead_letter_topic_is_said_in_one_line(brokers: MockKafka) -> None:
    with pytest.raises(
        CommandError, match=r"the dead-letter topic letters-\w+ does not exist: check CAPI_DEAD"
    ):
        replay(settings_on(brokers))


def test_pace_is_kept_over_the_whole_run() -> None:
    now = [100.0]
    pace = RateLimit(10, clock=lambda: now[0])
    assert pace.chunk_size(None) == 10
    assert pace.chunk_size(3) == 3
    assert pace.ahead_s(10) == 1.0
    now[0] = 100.4
    assert pace.ahead_s(10) == pytest.approx(0.6)
    now[0] = 105.0
    assert pace.ahead_s(10) == 0.0
    assert RateLimit(0.5, clock=lambda: 0.0).chunk_size(None) == 1
    assert RateLimit(None).ahead_s(1_000_000) == 0.0


# The command


@pytest.fixture
def command(brokers: MockKafka, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("consumer.cli.replay.now_ms", lambda: NOW_MS)
    return command_on(settings_on(brokers), monkeypatch, "replay")


def test_the_summary_is_one_line_of_json(command: Any) -> None:
    settings = command.settings
    stranger = Record(Partition("letters", 0), 0, 1_767_225_600_000, event(), b"u1", ())
    write_letters(settings, [*some_letters(settings, 2), stranger])

    ended = command("--json")

    said = json.loads(ended.stdout)
    assert ended.exit_code == 1
    assert said.pop("seconds") > 0
    assert said == {
        "topic": settings.dead_letter_topic,
        "group": f"{settings.group_id}.replay",
        "filters": {},
        "include_old": False,
        "to": None,
        "dry_run": False,
        "ended": "done",
        "matched": 3,
        "replayed": 2,
        "parked": 0,
        "left_out": {"no_origin": 1},
        "not_matched": 0,
        "letters": [{"reason": "purchase_without_currency", "event_name": "purchase", "letters": 2}],
        "offsets_left": 0,
    }


def test_a_person_is_told_what_was_done_with_which_group(command: Any) -> None:
    settings = command.settings
    write_letters(settings, some_letters(settings, 3))

    dry = command("--dry-run", "--group", "mine")
    topic = settings.dead_letter_topic
    assert (dry.exit_code, dry.stderr) == (0, f"looking at {topic} with group mine; every letter\n")
    assert "until its retention ends" not in dry.stdout
    assert f"3 letters of {settings.dead_letter_topic} would be replayed; group mine" in dry.stdout
    assert "purchase_without_currency" in dry.stdout
    first = command("--limit", "1")
    assert f"1 letter of {settings.dead_letter_topic} replayed" in first.stdout
    assert "fail again unless the cause was mended elsewhere" in first.stdout
    assert "keeps its letters, replayed or not, until its retention ends" in first.stdout
    assert (first.exit_code, "ended early (limit): up to 2 are left" in first.stdout) == (0, True)
    assert (
        f"2 letters of {settings.dead_letter_topic} replayed; group {settings.group_id}.replay"
        in command().stdout
    )


def test_what_is_left_out_is_explained_kind_by_kind(command: Any) -> None:
    stranger = Record(Partition("letters", 0), 0, 1_767_225_600_000, event(), b"u1", ())
    tombstone = letter(record(command.settings.topics[0], 1, None))
    write_letters(command.settings, [stranger, stranger, tombstone])

    lines = command().stdout.splitlines()

    assert "3 left out:" in lines
    assert [line.split(": ")[0] for line in lines if line.startswith("  ")] == [
        "  no_origin 2",
        "  no_value 1",
    ]
    assert "--to TOPIC" in next(line for line in lines if "no_origin" in line)


@pytest.mark.parametrize("word", SkipReason)
def test_each_kind_that_is_left_out_has_its_sentence(word: Any) -> None:
    assert ": " in MEANS[word]


def test_the_help_says_that_unchanged_letters_fail_again(command: Any) -> None:
    assert "fail again unless" in " ".join(command("--help").stdout.split())


@pytest.mark.parametrize(
    ("ended", "left_out", "code"),
    [
        (StopReason.DONE, 0, 0),
        (StopReason.LIMIT, 0, 0),
        (StopReason.DONE, 1, 1),
        (StopReason.HELD, 0, 1),
        (StopReason.NOT_WRITTEN, 0, 1),
        (StopReason.INTERRUPTED, 0, 130),
        (StopReason.INTERRUPTED, 1, 130),
    ],
)
def test_how_it_ended_is_the_exit_code(ended: Any, left_out: int, code: int) -> None:
    counts = Counter({SkipReason.NO_VALUE: left_out}) if left_out else Counter()
    assert replay_exit_code(ReplaySummary(stop_reason=ended, skipped=counts)) == code


def test_a_letter_that_holds_the_others_is_said_and_ends_with_1(command: Any) -> None:
    write_letters(command.settings, [letter(record("foreign", 3, event()))])

    ended = command()

    assert ended.exit_code == 1
    assert "comes from foreign, which is not one of CAPI_TOPICS" in ended.stderr
    assert "ended early (held): up to 1 are left" in ended.stdout


@pytest.mark.parametrize(
    "arguments",
    [["--rate", "0"], ["--limit", "0"], ["--reason"], ["--max-replays", "-1"]],
)
def test_a_mistake_in_the_call_ends_with_2(command: Any, arguments: list[str]) -> None:
    assert command(*arguments).exit_code == 2


def test_who_is_asked_twice_to_stop_stops_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stop_on_signal() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
