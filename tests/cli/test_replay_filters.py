"""A filter means its own letters and takes none from the next; what came back too often, or is too old."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from support.dead_letters import (
    FIRST_MS,
    command_on,
    event,
    letter,
    record,
    settings_on,
    write,
    write_letters,
)
from support.mock_kafka import MockKafka
from support.replay import (
    ALL,
    DAY_MS,
    NOW_MS,
    arrived,
    at_age,
    come_back,
    committed,
    refused,
    replay,
    replays,
    some_letters,
    values,
)

from consumer.cli.replay import replay_exit_code, replay_group
from consumer.config.settings import Settings
from consumer.dead_letters.filters import Filter, MetaCode
from consumer.dead_letters.replay.plan import ParkingTopicMissing, SkipReason, blocks
from consumer.dead_letters.replay.runner import RateLimit, StopReason
from consumer.domain.decision import Reason
from consumer.errors import UsageError


@pytest.fixture(scope="module")
def brokers() -> MockKafka:
    return MockKafka()


ONLY_REFUSED = Filter(reasons=frozenset({"rejected"}))
ONLY_PURCHASES = Filter(event_names=frozenset({"purchase"}))


def test_what_a_filter_does_not_mean_is_passed_for_its_group_alone(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    write_letters(settings, [*some_letters(settings, 2), refused(settings, 2)])

    first = replay(settings, ONLY_REFUSED)

    assert (first.stop_reason, first.matched, first.not_matched, first.skipped) == (StopReason.DONE, 1, 2, {})
    assert values(brokers, settings.topics[0]) == [event(id="o2")]
    assert (committed(settings, ONLY_REFUSED), committed(settings)) == (3, -1001)
    assert replay(settings, ONLY_REFUSED).matched == 0


def test_after_one_filter_the_next_and_all_have_each_letter_of_theirs(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    write_letters(settings, [*some_letters(settings, 2), refused(settings, 2)])

    counts = [replay(settings, chosen).replayed.total for chosen in (ONLY_REFUSED, ONLY_PURCHASES, ALL)]

    assert counts == [1, 3, 3]
    times = Counter(values(brokers, settings.topics[0]))
    assert times == {event(id="o0"): 2, event(id="o1"): 2, event(id="o2"): 3}


def test_a_limit_counts_what_matches_and_the_next_run_goes_on_behind_it(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    unmeant = some_letters(settings, 3)
    write_letters(settings, [*unmeant, refused(settings, 3), *unmeant, refused(settings, 7)])

    first = replay(settings, ONLY_REFUSED, limit=1)
    assert (first.stop_reason, first.replayed.total, first.not_matched) == (StopReason.LIMIT, 1, 6)
    assert (committed(settings, ONLY_REFUSED), first.offsets_left) == (7, 1)

    second = replay(settings, ONLY_REFUSED, limit=1)
    assert (second.stop_reason, second.replayed.total, second.not_matched) == (StopReason.DONE, 1, 0)
    assert values(brokers, settings.topics[0]) == [event(id="o3"), event(id="o7")]


def test_who_stops_between_read_letters_loses_none_of_them(brokers: MockKafka) -> None:
    """They are read by the handful and handled at the pace: what is read and not handled is not passed."""
    settings = settings_on(brokers)
    write_letters(settings, some_letters(settings, 5))
    stop = threading.Event()

    first = replay(
        settings, stop=stop, pace=RateLimit(2, clock=lambda: 0.0), on_progress=lambda _: stop.set()
    )

    assert (first.stop_reason, first.replayed.total, committed(settings)) == (StopReason.INTERRUPTED, 2, 2)
    assert first.offsets_left == 3
    assert replay(settings).replayed.total == 3


def test_a_filter_passes_by_what_would_hold_another_replay(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    foreign = letter(record("foreign", 0, event(id="foreign")))
    write_letters(settings, [foreign, refused(settings, 1)])

    outcome = replay(settings, ONLY_REFUSED)

    assert (outcome.stop_reason, outcome.replayed.total, outcome.not_matched) == (StopReason.DONE, 1, 1)


# Parked and too old


def test_a_letter_that_has_come_back_too_often_is_parked_as_it_is(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    write(settings.bootstrap_servers, settings.parking_topic, [record("x", 0, b"{}", b"first")])
    worn = come_back(settings, 1, 3)
    write_letters(settings, [come_back(settings, 0, 2), worn, come_back(settings, 2, 4)])

    outcome = replay(settings, max_replays=3)

    assert (outcome.replayed.total, outcome.parked, outcome.stop_reason) == (1, 2, StopReason.DONE)
    assert (committed(settings), replay_exit_code(outcome)) == (3, 1)
    parked, _ = arrived(brokers, settings.parking_topic)
    assert (parked.key(), parked.value(), parked.timestamp()[1]) == (worn.key, worn.value, worn.timestamp_ms)
    assert parked.headers() == list(worn.headers)
    assert dict(worn.headers)["dlq.replay-count"] == b"3"
    (back,) = arrived(brokers, settings.topics[0])
    assert dict(back.headers())["dlq.replay-count"] == b"3"


def test_a_letter_without_its_value_is_parked_without_it_and_whatever_its_age(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    write(settings.bootstrap_servers, settings.parking_topic, [record("x", 0, b"{}", b"first")])
    worn = come_back(settings, 0, 5)
    large = replace(worn, value=None, headers=(*worn.headers, ("dlq.value-omitted", b"true")))
    old = at_age(settings, 30 * DAY_MS)
    write_letters(settings, [large, replace(old, headers=(*old.headers, replays(5)))])

    outcome = replay(settings)

    assert (outcome.parked, outcome.skipped) == (2, {})
    first, second = arrived(brokers, settings.parking_topic)
    assert (first.value(), dict(first.headers())["dlq.value-omitted"]) == (None, b"true")
    assert second.value() == old.value


@pytest.mark.parametrize(("count", "says"), [(1, "1 time and"), (2, "2 times and")])
def test_how_often_a_letter_has_come_back_is_counted_in_good_english(count: int, says: str) -> None:
    worn = replace(record("x", 0, b"{}"), headers=(replays(count),))
    assert f"has come back {says} is to be parked" in blocks(ParkingTopicMissing("parked"), worn)


def test_without_a_parking_topic_such_a_letter_holds_what_is_behind_it(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    write_letters(settings, [come_back(settings, 0, 0), come_back(settings, 1, 5), come_back(settings, 2, 0)])

    outcome = replay(settings, is_parking_there=False)

    assert (outcome.stop_reason, outcome.replayed.total, outcome.parked) == (StopReason.HELD, 1, 0)
    assert committed(settings) == 1
    assert outcome.message == (
        "the letter at partition 0 offset 1 has come back 5 times and is to be parked, but "
        f"{settings.parking_topic} does not exist: create it with `capi-consumer topics create`, let "
        "CAPI_PARKING_TOPIC name another, or raise --max-replays"
    )


def test_a_parking_topic_that_takes_no_letter_is_named_and_nothing_is_passed(brokers: MockKafka) -> None:
    class Refusing:
        def send(self, records: Any) -> dict[Any, Any]:
            return {0: "TOPIC_AUTHORIZATION_FAILED"}

    settings = settings_on(brokers)
    write_letters(settings, [come_back(settings, 0, 5)])

    outcome = replay(settings, sending=Refusing())

    assert outcome.stop_reason is StopReason.NOT_WRITTEN
    assert outcome.message == f"{settings.parking_topic} did not take a letter (TOPIC_AUTHORIZATION_FAILED)"
    assert committed(settings) < 0


MINUTES_10 = 600_000
AGES = [
    # age of the record, the event's own fields, whether Meta takes it
    (7 * DAY_MS - MINUTES_10 - 60_000, {}, True),
    (7 * DAY_MS - MINUTES_10 + 60_000, {}, False),
    (30 * DAY_MS, {}, False),
    (30 * DAY_MS, {"event_timestamp": NOW_MS}, True),
    (0, {"event_timestamp": NOW_MS - 8 * DAY_MS}, False),
    (30 * DAY_MS, {"integrations": {"facebook": {"action_source": "physical_store"}}}, True),
    (63 * DAY_MS, {"integrations": {"facebook": {"action_source": "physical_store"}}}, False),
]


@pytest.mark.parametrize(("age_ms", "fields", "is_taken"), AGES)
def test_what_meta_takes_no_more_by_the_events_own_time_is_left_out(
    brokers: MockKafka, age_ms: Any, fields: Any, is_taken: Any
) -> None:
    settings = settings_on(brokers)
    write_letters(settings, [at_age(settings, age_ms, **fields)])

    outcome = replay(settings)

    assert outcome.replayed.total == is_taken
    assert outcome.skipped == ({} if is_taken else {SkipReason.TOO_OLD: 1})
    assert replay_exit_code(outcome) == (0 if is_taken else 1)


def test_what_is_too_old_goes_when_told(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    write_letters(settings, [at_age(settings, 30 * DAY_MS)])
    assert replay(settings, include_old=True).replayed.total == 1


def test_what_was_left_out_as_too_old_goes_when_told_and_nothing_else_goes_again(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    old = at_age(settings, 30 * DAY_MS)
    write_letters(settings, [*some_letters(settings, 2), old])

    first = replay(settings)
    told = replay(settings, include_old=True)

    assert (first.replayed.total, first.skipped) == (2, {SkipReason.TOO_OLD: 1})
    assert (told.replayed.total, told.skipped, told.not_matched) == (1, {}, 2)
    assert values(brokers, settings.topics[0]) == sorted([event(id="o0"), event(id="o1"), old.value or b""])
    write_letters(settings, [refused(settings, 3)])
    assert [replay(settings, include_old=told).replayed.total for told in (True, True, False)] == [1, 0, 1]


def test_what_was_parked_is_not_parked_again_for_being_old_too(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    write(settings.bootstrap_servers, settings.parking_topic, [record("x", 0, b"{}", b"first")])
    old = at_age(settings, 30 * DAY_MS)
    write_letters(settings, [replace(old, headers=(*old.headers, replays(5))), come_back(settings, 1, 5)])

    assert [replay(settings, include_old=told).parked for told in (False, True)] == [2, 0]


def test_in_a_topic_made_anew_nothing_counts_as_sent_before(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    write_letters(settings, some_letters(settings, 1))
    consumer = Consumer(
        {"bootstrap.servers": settings.bootstrap_servers, "group.id": replay_group(settings, ALL)}
    )
    consumer.commit(offsets=[TopicPartition(settings.dead_letter_topic, 0, 9)], asynchronous=False)
    consumer.close()

    assert replay(settings, include_old=True).replayed.total == 1


def test_another_topic_to_send_to_is_another_replay(brokers: MockKafka) -> None:
    """Whoever looked at the letters in a topic for tries has yet to send them."""
    settings = settings_on(brokers)
    tries = f"{settings.topics[0]}-tries"
    write(settings.bootstrap_servers, tries, [record(tries, 0, b"{}", b"first")])
    write_letters(settings, some_letters(settings, 2))

    counts = [replay(settings, to=to).replayed.total for to in (tries, None, tries, None)]

    assert counts == [2, 2, 0, 0]


def test_what_is_no_event_has_no_age(brokers: MockKafka) -> None:
    settings = settings_on(brokers)
    broken = replace(record(settings.topics[0], 0, b"{broken"), timestamp_ms=NOW_MS - 30 * DAY_MS)
    write_letters(settings, [letter(broken, Reason.NOT_JSON)])
    assert replay(settings).replayed.total == 1


# The command


@pytest.fixture
def command(brokers: MockKafka, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("consumer.cli.replay.now_ms", lambda: NOW_MS)
    return command_on(settings_on(brokers), monkeypatch, "replay")


def test_the_group_of_a_filter_is_said_before_it_is_used_and_in_the_summary(command: Any) -> None:
    settings = command.settings
    write_letters(settings, [*some_letters(settings, 2), refused(settings, 2, meta_code=100)])
    arguments = ["--meta-code", "100", "--reason", "rejected,poison_event", "--since", "2026-01-01"]

    ended = command("--json", *arguments)

    said = json.loads(ended.stdout)
    assert said["group"] == replay_group(settings, REFUSED_100)
    assert said["group"].startswith(f"{settings.group_id}.replay.")
    assert ended.stderr == (
        f"replaying {settings.dead_letter_topic} with group {said['group']}; "
        "reasons: poison event, rejected; meta codes: 100; since: 2026-01-01T00:00:00.000+00:00\n"
    )
    assert said["filters"] == {
        "reasons": ["poison_event", "rejected"],
        "meta_codes": ["100"],
        "since": "2026-01-01T00:00:00.000+00:00",
    }
    assert (ended.exit_code, said["matched"], said["not_matched"]) == (0, 1, 2)


REFUSED_100 = Filter(
    reasons=frozenset({"poison_event", "rejected"}), meta_codes=frozenset({MetaCode(100)}), since_ms=FIRST_MS
)


@pytest.mark.parametrize(
    "arguments", [["--key", "jane@example.com"], ["--event-name", "for jane@example.com"]]
)
def test_a_filter_that_names_somebody_has_a_group_of_its_own_and_is_not_shown(
    command: Any, arguments: list[str]
) -> None:
    write_letters(command.settings, [letter(record(command.settings.topics[0], 0, event()))])

    refused = command(*arguments).exception
    assert isinstance(refused, UsageError)
    assert "needs a --group of its own" in str(refused)

    for more in ([], ["--json"]):
        done = command(*arguments, "--group", "mine", *more)
        assert done.exit_code == 0
        assert "group mine" in done.stderr
        assert "jane" not in done.output + str(refused)


def test_a_person_is_told_what_was_parked_and_what_did_not_match(command: Any) -> None:
    settings = command.settings
    write(settings.bootstrap_servers, settings.parking_topic, [record("x", 0, b"{}", b"first")])
    write_letters(settings, [come_back(settings, 0, 5), refused(settings, 1)])

    dry = command("--dry-run", "--reason", "purchase_without_currency")
    done = command("--reason", "purchase_without_currency")

    assert f"1 letter would be parked in {settings.parking_topic}" in dry.stdout
    assert f"1 letter parked in {settings.parking_topic}" in done.stdout
    assert "1 letter not matched: passed for this group alone, and there for another filter's" in done.stdout
    assert (dry.exit_code, done.exit_code) == (1, 1)


def test_old_events_go_when_told_and_else_are_left_out_with_what_to_do(command: Any) -> None:
    write_letters(command.settings, [at_age(command.settings, 30 * DAY_MS)])

    first = command()
    assert "  too_old 1: Meta takes the event no more" in first.stdout
    assert "--include-old (and another --group, where one was named)" in first.stdout
    told = command("--include-old")
    assert told.exit_code == 0
    assert f"group {command.settings.group_id}.replay.old" in told.stderr
    assert command("--include-old", "--group", "mine").exit_code == 0


def test_which_letters_are_handled_and_where_they_go_is_in_the_name_of_the_group() -> None:
    settings = Settings(group_id="g")
    given: list[dict[str, Any]] = [
        {},
        {"include_old": True},
        {"to": "retries"},
        {"to": "retries", "include_old": True},
        {"chosen": ONLY_REFUSED, "to": "old", "include_old": True},
        {"to": "old"},
    ]
    assert [replay_group(settings, one.pop("chosen", ALL), **one) for one in given] == [
        "g.replay",
        "g.replay.old",
        "g.replay.to.retries",
        "g.replay.old.to.retries",
        "g.replay.eeaabbea.old.to.old",
        "g.replay.to.old",
    ]


def test_until_a_time_ago_lets_more_in_later_so_it_needs_a_group_of_its_own() -> None:
    with pytest.raises(UsageError, match="name the time itself"):
        replay_group(Settings(group_id="g"), Filter(until_ms=FIRST_MS, until_ago_s=3600))
    assert replay_group(Settings(group_id="g"), Filter(since_ms=FIRST_MS, since_ago_s=3600)).startswith(
        "g.replay."
    )
