"""A topic of records that nobody can read is not moved into the dead-letter topic."""

from __future__ import annotations

import time
from typing import Any

import pytest
from support import topics
from support.events import Bad, shop_events
from support.scenario import Scene
from support.waiting import eventually

RECORDS = 3_000
LETTERS_MAX = 99


@pytest.fixture
def braked(scene: Scene) -> Any:
    """Only bad records, and a consumer that has stopped before them."""
    scene.create_topics(partitions=2)
    scene.start_sandbox()
    bad = {Bad.NOT_JSON: RECORDS}
    scene.produce(shop_events(seed=23, count=RECORDS, now_s=int(time.time()), bad=bad))
    consumer = scene.starting_consumer(CAPI_COMMIT_INTERVAL_MS="50")
    eventually(lambda: is_braked(consumer), 60, "the brake is on")
    return scene, consumer


def is_braked(consumer: Any) -> Any:
    if not consumer.still_runs() or consumer.status("/livez") != 200:
        return False
    return (
        consumer.metric("capi_state", state="paused") == 1 and consumer.metric("capi_dlq_breaker_waiting") > 0
    )


def holds_its_place(scene: Any, members: int = 1) -> bool:
    """As many letters as are allowed, nothing committed that has not ended, and the rest is still there."""
    report = scene.report()
    letters_max = members * LETTERS_MAX
    assert report.dead_lettered <= letters_max
    assert report.committed_too_far == ()
    assert sum(topics.committed_offsets(scene.bootstrap_servers, scene.group).values()) <= letters_max
    return True


def everything_ends(scene: Any) -> None:
    eventually(scene.is_done, 60, "all of them are dead letters")
    report = scene.report()
    assert report.holds, report
    assert report.dead_lettered == RECORDS


@pytest.mark.kafka
def test_the_brake_stops_a_flood_and_a_signal_lets_it_go_on(braked: Any) -> None:
    scene, consumer = braked
    assert holds_its_place(scene)
    assert (consumer.status("/readyz"), consumer.status("/livez")) == (503, 200)
    # Longer than it takes the group to miss a member: it goes on polling.
    since = time.monotonic()
    eventually(lambda: time.monotonic() - since > 8 and holds_its_place(scene), 30)
    assert scene.shares() == [2]

    consumer.release_brake()
    everything_ends(scene)
    assert consumer.status("/readyz") == 200
    assert scene.report().letters_twice == 0
    assert consumer.stop(30) == 0


@pytest.mark.kafka
def test_a_braked_consumer_stops_at_once_and_the_next_one_is_released_by_an_option(braked: Any) -> None:
    scene, consumer = braked
    began = time.monotonic()
    assert consumer.stop(30) == 0
    assert time.monotonic() - began < 10  # 25 s would be the wait for what is in flight
    assert holds_its_place(scene)

    scene.starting_consumer("--resume")
    everything_ends(scene)


@pytest.mark.kafka
def test_a_braked_member_gives_a_partition_away_and_is_killed_and_the_next_one_is_braked_too(
    braked: Any,
) -> None:
    scene, first = braked
    second = scene.starting_consumer(CAPI_COMMIT_INTERVAL_MS="50")
    eventually(lambda: scene.shares() == [1, 1], 60, "they share the partitions")
    eventually(lambda: is_braked(second), 60, "what it was given has a flood of its own")
    assert is_braked(first)
    assert holds_its_place(scene, members=2)

    first.kill()
    eventually(lambda: scene.shares() == [2], 60, "the other one has both")
    assert is_braked(second)
    assert holds_its_place(scene, members=2)

    second.release_brake()
    everything_ends(scene)
