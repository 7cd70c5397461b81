"""Events that wait for the browser's copy: sent when their time has come, and waited for by nobody."""

from __future__ import annotations

import json
import time
import urllib.request
from dataclasses import replace
from typing import Any

import pytest
from support.events import shop_events
from support.scenario import Scene
from support.waiting import eventually

HOLD_S = 3
EVENTS = 20
# A member that is gone is missed after a second.
QUICK_SESSION = {"session.timeout.ms": 1_000, "heartbeat.interval.ms": 300}


def of_now(seed: Any) -> list[Any]:
    """Events of a shop that happened this second."""
    now_s = int(time.time())
    return [replace(event, value=happened(event.value, now_s)) for event in shop_events(seed, EVENTS, now_s)]


def happened(value: Any, time_s: Any) -> bytes:
    event = json.loads(value)
    event["context"]["event_timestamp"] = time_s
    return json.dumps(event).encode()


def held(consumer: Any) -> float:
    """How many events a consumer says that it holds."""
    with urllib.request.urlopen(f"http://{consumer.health}/metrics", timeout=5) as answer:
        lines = [
            line for line in answer.read().decode().splitlines() if line.startswith("capi_events_delayed")
        ]
    return float(lines[0].rpartition(" ")[2])


@pytest.mark.kafka
@pytest.mark.timeout(120)
def test_held_events_come_in_time_and_sigterm_leaves_them_uncommitted(scene: Scene) -> None:
    scene.create_topics(1)
    scene.start_sandbox()
    first = scene.consumer(CAPI_SEND_DELAY_S="600")
    scene.produce(of_now(1))
    eventually(lambda: held(first) == EVENTS, 20, "all of them are held")
    began = time.monotonic()
    assert first.stop(15) == 0
    assert time.monotonic() - began < 10  # it has 25 s to drain
    assert scene.accepted_lines() == 0
    assert set(scene.evidence().committed.values()) <= {0}

    second = scene.consumer(CAPI_SEND_DELAY_S=str(HOLD_S))
    scene.produce(of_now(2))
    scene.produce(shop_events(seed=3, count=EVENTS, now_s=int(time.time())))
    eventually(scene.is_done, 30, "all of them are sent")
    accepted = [json.loads(line) for line in scene.accepted_file.read_text().splitlines()]
    assert len(accepted) == 3 * EVENTS
    early = [line for line in accepted if line["received_at"] < line["event_time"] + HOLD_S]
    assert early == []
    waited = [line["received_at"] - line["event_time"] for line in accepted if "-2-" in line["event_id"]]
    assert len(waited) > EVENTS / 2
    assert (
        max(waited) < HOLD_S + 3
    )  # the hold, a second that its time may lack, the linger, and some patience
    assert second.stop(15) == 0
    report = scene.report()
    assert report.holds, report
    assert report.twice == 0


@pytest.mark.kafka
def test_held_events_go_to_whoever_has_their_partition_then_and_none_is_lost_with_a_member(
    scene: Scene,
) -> None:
    scene.create_topics(2)
    scene.start_sandbox()
    own = {"CAPI_SEND_DELAY_S": "600", "CAPI_KAFKA_PROPERTIES": json.dumps(QUICK_SESSION)}
    first = scene.consumer(**own)
    scene.produce(of_now(4))
    eventually(lambda: held(first) == EVENTS, 20, "all of them are held")
    second = scene.consumer(**own)
    eventually(lambda: scene.shares() == [1, 1], 30, "one partition has moved")
    eventually(lambda: held(first) + held(second) == EVENTS, 20, "with what was held of it")
    assert held(second) > 0

    first.kill()
    eventually(lambda: held(second) == EVENTS, 30, "the other one holds what the killed one held")
    assert scene.accepted_lines() == 0
    assert set(scene.evidence().committed.values()) <= {0}
    assert second.stop(15) == 0

    scene.consumer(CAPI_SEND_DELAY_S="1")
    eventually(scene.is_done, 30, "all of them are sent")
    report = scene.report()
    assert report.holds, report
    assert (report.accepted, report.twice) == (EVENTS, 0)
