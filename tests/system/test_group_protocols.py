"""Whatever the way in which members share partitions, every event ends once."""

from __future__ import annotations

import time
import urllib.request
from typing import Any

import pytest
from confluent_kafka import Consumer
from support.events import shop_events
from support.scenario import Scene
from support.waiting import eventually

EVENTS = 500
# What a test needs of CAPI_KAFKA_PROPERTIES beside the preset: in the last one the broker has the say.
PRESETS = {"eager": {}, "consumer": {"CAPI_KAFKA_PROPERTIES": "{}"}}
READY_S_MAX = 30.0


@pytest.mark.kafka
@pytest.mark.timeout(180)
@pytest.mark.parametrize("preset", PRESETS)
def test_two_members_share_and_every_event_ends_once(scene: Scene, preset: Any) -> None:
    settings = {"CAPI_GROUP_PROTOCOL": preset, **PRESETS[preset]}
    scene.create_topics(4)
    scene.start_sandbox()
    members = [scene.consumer(**settings) for _ in range(2)]
    eventually(lambda: scene.shares() == [2, 2], 60, "two members share four partitions")
    scene.produce(shop_events(seed=7, count=EVENTS, now_s=int(time.time())))
    eventually(scene.is_done, 60, "all is committed")
    assert [member.stop(30) for member in members] == [0, 0]
    report = scene.report()
    assert report.holds, report
    assert (report.accepted, report.twice) == (EVENTS, 0)


@pytest.mark.kafka
@pytest.mark.timeout(180)
@pytest.mark.parametrize("preset", ["cooperative", *PRESETS])
def test_a_member_without_a_partition_is_ready_and_stands_by(scene: Scene, preset: Any) -> None:
    """Two of three have none, and an orchestrator that waits for them would start them anew for ever."""
    settings = {"CAPI_GROUP_PROTOCOL": preset, **PRESETS.get(preset, {})}
    scene.create_topics(1)
    scene.start_sandbox()
    members = [scene.starting_consumer(**settings) for _ in range(3)]
    for member in members:
        member.await_ready(READY_S_MAX)
        assert member.status("/startupz") == 200
    eventually(lambda: scene.shares() == [0, 0, 1], 60, "one of three has the only partition")
    scene.produce(shop_events(seed=7, count=10, now_s=int(time.time())))
    eventually(scene.is_done, 60, "all is committed")
    assert [member.stop(30) for member in members] == [0, 0, 0]
    assert scene.report().holds


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_a_member_that_waits_for_another_that_hangs_has_started_and_is_not_ready(scene: Scene) -> None:
    """An eager group hands out nothing before all have answered: no reason to start the new one anew."""
    scene.create_topics(2)
    scene.start_sandbox()
    hangs = Consumer(
        {
            "bootstrap.servers": scene.bootstrap_servers,
            "group.id": scene.group,
            "partition.assignment.strategy": "range",
            "enable.auto.commit": False,
        }
    )
    handed_out = []
    hangs.subscribe([scene.topic], on_assign=lambda _, partitions: handed_out.append(partitions))
    eventually(lambda: hangs.poll(0.1) or handed_out, 60, "the other member has all partitions")
    member = scene.starting_consumer(CAPI_GROUP_PROTOCOL="eager")
    eventually(lambda: member.status("/startupz") == 200, READY_S_MAX, "it has started")
    assert member.status("/readyz") == 503
    eventually(lambda: hangs.poll(0.1) or member.status("/readyz") == 200, 60, "it is let in")
    hangs.close()
    assert member.stop(30) == 0


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_a_static_member_that_comes_back_in_time_moves_no_partition(scene: Scene) -> None:
    """It tells nobody that it leaves, and what it had ended is committed all the same."""
    scene.create_topics(4)
    scene.start_sandbox()
    first, other = (scene.consumer(CAPI_GROUP_INSTANCE_ID=name) for name in ("a", "b"))
    eventually(lambda: scene.shares() == [2, 2], 60, "two members share four partitions")
    scene.produce(shop_events(seed=7, count=EVENTS, now_s=int(time.time())))
    eventually(scene.is_done, 60, "all is committed")
    before = rebalances(other)
    assert first.stop(30) == 0
    scene.produce(shop_events(seed=8, count=EVENTS, now_s=int(time.time())))
    scene.consumer(CAPI_GROUP_INSTANCE_ID="a")
    eventually(scene.is_done, 60, "the one that came back did its part")
    assert rebalances(other) == before
    report = scene.report()
    assert report.holds, report
    assert report.twice == 0


def rebalances(consumer: Any) -> list[Any]:
    """The lines of a consumer's metrics that say how its partitions came and went."""
    with urllib.request.urlopen(f"http://{consumer.health}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    found = [line for line in lines if line.startswith("capi_rebalances_total")]
    assert len(found) == 3
    return found
