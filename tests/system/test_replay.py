"""Replay on a real broker: each letter once, through kills and holes, no further than the end at start."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial

import pytest
from support import topics
from support.replays import (
    FIRST_MS,
    REASON,
    RECORDS_PER_CHUNK,
    arrived,
    came_back,
    create_topics,
    ends,
    progress,
    replay,
    start_replay,
    summary,
    value,
    write_letters,
    writer,
)
from support.scenario import Scene
from support.waiting import eventually

pytestmark = pytest.mark.kafka

DEADLINE_S = 60.0


@pytest.fixture(autouse=True)
def topics_there(scene: Scene) -> None:
    create_topics(scene)


def test_each_letter_comes_back_once_as_it_was(scene: Scene) -> None:
    write_letters(scene, range(1_000))

    code, said = replay(scene)

    assert (code, said["ended"], said["replayed"], said["offsets_left"]) == (0, "done", 1_000, 0)
    assert said["letters"] == [{"reason": REASON, "event_name": "purchase", "letters": 1_000}]
    assert arrived(scene) == Counter(range(1_000))
    for record in topics.read_to_end(scene.bootstrap_servers, scene.topic):
        number = json.loads(record.value or b"")["number"]
        assert (record.value, record.key) == (value(number), f"u{number % 50}".encode())
        assert record.timestamp_ms == FIRST_MS + number
        assert record.headers == {
            "dlq.origin-topic": scene.topic.encode(),
            "dlq.origin-partition": b"0",
            "dlq.origin-offset": str(number).encode(),
            "dlq.origin-timestamp": str(FIRST_MS + number).encode(),
            "dlq.replay-count": b"1",
        }
    assert replay(scene)[1]["replayed"] == 0
    assert progress(scene) == ends(scene)


def test_holes_are_passed_and_nothing_of_an_aborted_transaction_comes_back(scene: Scene) -> None:
    transactions = writer(scene, **{"transactional.id": scene.group})
    transactions.init_transactions(30)
    for first, is_kept in ((0, True), (100, False), (200, True), (300, False)):
        transactions.begin_transaction()
        write_letters(scene, range(first, first + 100), producer=transactions)
        (transactions.commit_transaction if is_kept else transactions.abort_transaction)(30)

    code, said = replay(scene)

    assert (code, said["replayed"], said["offsets_left"]) == (0, 200, 0)
    assert arrived(scene) == Counter([*range(100), *range(200, 300)])
    assert progress(scene) == ends(scene)


def test_an_open_transaction_is_not_waited_for(scene: Scene) -> None:
    write_letters(scene, range(100))
    transactions = writer(scene, **{"transactional.id": scene.group})
    transactions.init_transactions(30)
    transactions.begin_transaction()
    write_letters(scene, range(100, 200), producer=transactions)

    assert replay(scene)[1]["replayed"] == 100
    transactions.commit_transaction(30)
    assert replay(scene)[1]["replayed"] == 100
    assert arrived(scene) == Counter(range(200))


def test_a_killed_replay_is_taken_up_where_it_was(scene: Scene) -> None:
    write_letters(scene, range(4_000))
    kills = 3
    for kill in range(1, kills + 1):
        running = start_replay(scene, "--rate", "2000")
        eventually(partial(came_back, scene, 800 * kill), DEADLINE_S)
        assert running.returncode is None
        running.kill()

    code, said = replay(scene)

    assert (code, said["ended"], said["offsets_left"]) == (0, "done", 0)
    assert said["replayed"] < 4_000 - kills * 500
    came = arrived(scene)
    assert set(came) == set(range(4_000))
    assert came.total() - 4_000 <= kills * RECORDS_PER_CHUNK


def test_a_replay_that_is_asked_to_stop_repeats_nothing(scene: Scene) -> None:
    write_letters(scene, range(3_000))
    running = start_replay(scene, "--rate", "1000")
    eventually(lambda: progress(scene), DEADLINE_S)

    assert running.stop(DEADLINE_S) == 130
    first = summary(running)
    assert (first["ended"], first["replayed"] > 0, first["offsets_left"]) == (
        "interrupted",
        True,
        3_000 - first["replayed"],
    )
    code, second = replay(scene)
    assert (code, first["replayed"] + second["replayed"]) == (0, 3_000)
    assert arrived(scene) == Counter(range(3_000))


def test_two_replays_at_once_find_each_other_out_before_much_has_gone_twice(scene: Scene) -> None:
    write_letters(scene, range(3_000))
    both = [start_replay(scene, "--rate", "500") for _ in range(2)]

    codes = [running.wait(DEADLINE_S) for running in both]

    assert 1 in codes
    assert "another replay is running with this group" in both[codes.index(1)].output
    replay(scene)
    came = arrived(scene)
    assert set(came) == set(range(3_000))
    assert came.total() - 3_000 <= 2 * RECORDS_PER_CHUNK


def test_letters_that_come_meanwhile_are_left_for_the_next_time(scene: Scene) -> None:
    write_letters(scene, range(400))
    running = start_replay(scene, "--rate", "200")
    eventually(lambda: progress(scene), DEADLINE_S)

    write_letters(scene, range(400, 600))
    assert running.wait(DEADLINE_S) == 0

    assert summary(running)["replayed"] == 400
    assert arrived(scene) == Counter(range(400))
    assert replay(scene)[1]["replayed"] == 200
    assert arrived(scene) == Counter(range(600))


def test_what_its_origin_does_not_take_is_left_out_and_said(scene: Scene) -> None:
    topics.delete_topics(scene.bootstrap_servers, [scene.topic])
    eventually(lambda: not topics.partitions_of(scene.bootstrap_servers, scene.topic), DEADLINE_S)
    topics.create_topic(scene.bootstrap_servers, scene.topic, config={"max.message.bytes": "4000"})
    write_letters(scene, range(10))
    write_letters(scene, range(10, 12), value=partial(value, size=4_000))

    code, said = replay(scene)

    assert (code, said["ended"], said["replayed"], said["left_out"]) == (1, "done", 10, {"too_large": 2})
    assert arrived(scene) == Counter(range(10))
    code, said = replay(scene)
    assert (code, said["replayed"], said["left_out"]) == (0, 0, {})


def test_a_dry_run_changes_nothing(scene: Scene) -> None:
    write_letters(scene, range(100))

    code, said = replay(scene, "--dry-run")

    assert (code, said["dry_run"], said["replayed"]) == (0, True, 100)
    assert arrived(scene) == Counter()
    assert progress(scene) == {}
