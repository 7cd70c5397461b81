"""Replay on a real broker: each letter once, through kills and holes, no further than the end at start."""

from __future__ import annotations

import json
import random
import time
from collections import Counter

import pytest
from confluent_kafka import Producer
from eventually import eventually
from system import topics

pytestmark = pytest.mark.kafka

# Younger than any retention: a record's own time decides when it is deleted.
FIRST_MS = int(time.time() - 3600) * 1000
LETTERS_AT_ONCE = 200  # what a killed replay may have sent and not committed
DEADLINE_S = 60.0


def value(number: int, size: int = 0) -> bytes:
    noise = random.Random(number).randbytes(size).hex()
    return json.dumps({"event_name": "purchase", "number": number, "noise": noise}).encode()


def write_letters(producer: Producer, scene, numbers, size: int = 0) -> None:
    """Letters as the consumer writes them, spread over all partitions."""
    failed = []
    for number in numbers:
        headers = {
            "dlq.version": "1",
            "dlq.reason": "purchase_without_currency",
            "dlq.origin-topic": scene.topic,
            "dlq.origin-partition": "0",
            "dlq.origin-offset": str(number),
            "dlq.origin-timestamp": str(FIRST_MS + number),
        }
        producer.produce(
            scene.dead_letter_topic,
            value(number, size),
            f"u{number % 50}",
            headers=[(name, text.encode()) for name, text in headers.items()],
            timestamp=FIRST_MS + number,
            on_delivery=lambda error, _: failed.append(error) if error else None,
        )
        producer.poll(0)
    assert producer.flush(30) == 0
    assert failed == []


def writer(scene, **properties) -> Producer:
    return Producer({"bootstrap.servers": scene.bootstrap_servers, "log_level": 0, **properties})


@pytest.fixture
def replay(scene):
    """`capi-consumer replay ...` to its end; gives its return code and its summary."""
    for topic in (scene.topic, scene.dead_letter_topic):
        topics.create_topic(scene.bootstrap_servers, topic, partitions=3)

    def run(*arguments):
        ended = scene.processes.run("replay", "--json", *arguments, settings=scene.settings())
        return ended.returncode, json.loads(ended.stdout)

    return run


def arrived(scene) -> Counter:
    """How often each letter's number came back."""
    records = topics.read_to_end(scene.bootstrap_servers, scene.topic)
    return Counter(json.loads(record.value)["number"] for record in records)


def progress(scene) -> dict:
    return topics.committed_offsets(scene.bootstrap_servers, f"{scene.group}.replay")


def ends(scene) -> dict:
    return topics.end_offsets(scene.bootstrap_servers, scene.dead_letter_topic)


def test_each_letter_comes_back_once_as_it_was(scene, replay):
    write_letters(writer(scene), scene, range(1_000))

    code, said = replay()

    assert (code, said["ended"], said["replayed"], said["offsets_left"]) == (0, "done", 1_000, 0)
    assert said["letters"] == [
        {"reason": "purchase_without_currency", "event_name": "purchase", "letters": 1_000}
    ]
    assert arrived(scene) == Counter(range(1_000))
    for record in topics.read_to_end(scene.bootstrap_servers, scene.topic):
        number = json.loads(record.value)["number"]
        assert (record.value, record.key) == (value(number), f"u{number % 50}".encode())
        assert record.timestamp_ms == FIRST_MS + number
        assert record.headers == {
            "dlq.origin-topic": scene.topic.encode(),
            "dlq.origin-partition": b"0",
            "dlq.origin-offset": str(number).encode(),
            "dlq.origin-timestamp": str(FIRST_MS + number).encode(),
            "dlq.replay-count": b"1",
        }
    assert replay()[1]["replayed"] == 0
    assert progress(scene) == ends(scene)


def test_holes_are_passed_and_nothing_of_an_aborted_transaction_comes_back(scene, replay):
    transactions = writer(scene, **{"transactional.id": scene.group})
    transactions.init_transactions(30)
    for first, is_kept in ((0, True), (100, False), (200, True), (300, False)):
        transactions.begin_transaction()
        write_letters(transactions, scene, range(first, first + 100))
        (transactions.commit_transaction if is_kept else transactions.abort_transaction)(30)

    code, said = replay()

    assert (code, said["replayed"], said["offsets_left"]) == (0, 200, 0)
    assert arrived(scene) == Counter([*range(100), *range(200, 300)])
    assert progress(scene) == ends(scene)


def test_an_open_transaction_is_not_waited_for(scene, replay):
    write_letters(writer(scene), scene, range(100))
    transactions = writer(scene, **{"transactional.id": scene.group})
    transactions.init_transactions(30)
    transactions.begin_transaction()
    write_letters(transactions, scene, range(100, 200))

    assert replay()[1]["replayed"] == 100
    transactions.commit_transaction(30)
    assert replay()[1]["replayed"] == 100
    assert arrived(scene) == Counter(range(200))


def test_a_killed_replay_is_taken_up_where_it_was(scene, replay):
    write_letters(writer(scene), scene, range(4_000))
    kills = 3
    for kill in range(1, kills + 1):
        running = scene.processes.start("replay", "--json", "--rate", "2000", settings=scene.settings())
        eventually(
            lambda kill=kill: (
                sum(topics.end_offsets(scene.bootstrap_servers, scene.topic).values()) > 800 * kill
            ),
            DEADLINE_S,
        )
        assert running.returncode is None
        running.kill()

    code, said = replay()

    assert (code, said["ended"], said["offsets_left"]) == (0, "done", 0)
    assert said["replayed"] < 4_000 - kills * 500
    came = arrived(scene)
    assert set(came) == set(range(4_000))
    assert came.total() - 4_000 <= kills * LETTERS_AT_ONCE


def test_a_replay_that_is_asked_to_stop_repeats_nothing(scene, replay):
    write_letters(writer(scene), scene, range(3_000))
    running = scene.processes.start("replay", "--json", "--rate", "1000", settings=scene.settings())
    eventually(lambda: progress(scene), DEADLINE_S)

    assert running.stop(DEADLINE_S) == 130
    first = json.loads(running.stdout.read_text())
    assert (first["ended"], first["replayed"] > 0, first["offsets_left"]) == (
        "interrupted",
        True,
        3_000 - first["replayed"],
    )
    code, second = replay()
    assert (code, first["replayed"] + second["replayed"]) == (0, 3_000)
    assert arrived(scene) == Counter(range(3_000))


def test_letters_that_come_meanwhile_are_left_for_the_next_time(scene, replay):
    write_letters(writer(scene), scene, range(400))
    running = scene.processes.start("replay", "--json", "--rate", "200", settings=scene.settings())
    eventually(lambda: progress(scene), DEADLINE_S)

    late = writer(scene)
    write_letters(late, scene, range(400, 600))
    assert running.wait(DEADLINE_S) == 0

    assert json.loads(running.stdout.read_text())["replayed"] == 400
    assert arrived(scene) == Counter(range(400))
    assert replay()[1]["replayed"] == 200
    assert arrived(scene) == Counter(range(600))


def test_what_its_origin_does_not_take_is_left_out_and_said(scene, replay):
    topics.delete_topics(scene.bootstrap_servers, [scene.topic])
    eventually(lambda: not topics.partitions_of(scene.bootstrap_servers, scene.topic), DEADLINE_S)
    topics.create_topic(scene.bootstrap_servers, scene.topic, config={"max.message.bytes": "4000"})
    producer = writer(scene)
    write_letters(producer, scene, range(10))
    write_letters(producer, scene, range(10, 12), size=4_000)

    code, said = replay()

    assert (code, said["ended"], said["replayed"], said["left_out"]) == (1, "done", 10, {"too_large": 2})
    assert arrived(scene) == Counter(range(10))
    code, said = replay()
    assert (code, said["replayed"], said["left_out"]) == (0, 0, {})


def test_a_dry_run_changes_nothing(scene, replay):
    write_letters(writer(scene), scene, range(100))

    code, said = replay("--dry-run")

    assert (code, said["dry_run"], said["replayed"]) == (0, True, 100)
    assert arrived(scene) == Counter()
    assert progress(scene) == {}
