"""The benchmark on a real broker, in small: its bytes are the program's, and a lost event is found."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.kafka_cluster import KafkaCluster
from support.scenario import PIXEL, TOKEN, Scene
from support.waiting import eventually

from benchmarks.backlog import Backlog, values, write
from benchmarks.core import payload_of
from benchmarks.drain import drain
from benchmarks.events import RULES, records
from benchmarks.ledger import NotHonest
from benchmarks.others import NAIVE
from benchmarks.world import PARTITIONS, Size, World
from consumer.sandbox.server import Sandbox
from consumer.sandbox.settings import SandboxSettings

pytestmark = pytest.mark.kafka

EVENTS = 1_500
SMALL = Size(small=EVENTS, large=2 * EVENTS, large_drained=EVENTS, part=EVENTS, latency_s=1)


@pytest.fixture
def world(kafka: KafkaCluster, tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, SMALL)
    made.use(kafka)
    yield made
    made.end()


def test_a_backlog_is_drained_and_the_oracle_has_nothing_against_it(world: World) -> None:
    ours = drain(world, world.backlog(EVENTS))
    assert (ours.report.accepted, ours.report.twice) == (EVENTS, 0)
    assert ours.cpu_us > 0
    assert ours.peak_mb > 20
    theirs = drain(world, world.backlog(EVENTS), NAIVE)
    assert theirs.report.accepted == EVENTS
    part = drain(world, world.backlog(EVENTS), drained=EVENTS // 2)
    assert EVENTS // 2 <= part.report.accepted <= EVENTS


def test_a_lost_event_makes_the_run_fail(world: World) -> None:
    topic = world.topic("events")
    made = list(values(600, PARTITIONS))
    partition, value = made[123]
    # Without consent it is filtered, rightly, but committed and never accepted: to the oracle it is lost.
    made[123] = partition, value.replace(b'"consent_categories":["1","3"]', b'"consent_categories":["3"]')
    write(world.brokers, topic, made, "lz4", is_traced=False)
    with pytest.raises(NotHonest, match="lost=1"):
        drain(world, Backlog(topic, 600, PARTITIONS), drained=599)


async def test_the_pipeline_sends_the_bytes_that_the_core_part_makes(scene: Scene) -> None:
    now_ms = int(time.time() * 1000)
    await asyncio.to_thread(scene.create_topics, PARTITIONS)
    made = values(EVENTS, PARTITIONS, now_ms=now_ms)
    await asyncio.to_thread(write, scene.bootstrap_servers, scene.topic, made, "lz4", is_traced=False)
    settings = SandboxSettings(pixel_id=PIXEL, access_token=TOKEN, bodies_kept_max=50)
    async with Sandbox(settings) as sandbox:
        scene.graph_url = sandbox.url
        own: dict[str, Any] = {
            "CAPI_DEFAULT_COUNTRY": RULES.default_country,
            "CAPI_USER_CONSENT_CATEGORY": RULES.user_consent_category,
        }
        consumer = await asyncio.to_thread(scene.consumer, **own)
        arrived = lambda: sandbox.stats.events_accepted >= EVENTS  # noqa: E731
        await asyncio.to_thread(eventually, arrived, 60, "all events are accepted")
        await asyncio.to_thread(consumer.stop, 30)
        sent = [event for body in sandbox.bodies for event in orjson.loads(body)["data"]]
    assert len(sent) == EVENTS
    expected = {payload_of(record, now_ms) for record in records(EVENTS, now_ms=now_ms)}
    assert {orjson.dumps(event) for event in sent} == expected
