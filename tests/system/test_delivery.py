"""The promise, under load: whatever ends a consumer, every event ends in exactly one place."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from support import topics
from support.events import COMMON, Bad, End, shop_events
from support.load import intended
from support.scenario import PIXEL, TOKEN, Scene
from support.waiting import eventually

PARTITIONS = 6
EVENTS = 25_000
BAD = dict.fromkeys(COMMON, 50)  # 1 % in all
SCHEMA = Path(__file__).parents[2] / "schemas" / "dead-letter.schema.json"
LETTER = jsonschema_rs.validator_for(json.loads(SCHEMA.read_bytes()))


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_a_consumer_of_latest_that_is_killed_before_a_commit_is_due_skips_nothing(scene: Scene) -> None:
    """Where it began is committed before its first record, or its successor would begin further up."""
    settings = {"CAPI_START_OFFSET": "latest", "CAPI_COMMIT_INTERVAL_MS": "3600000"}
    scene.create_topics(2)
    scene.start_sandbox()
    victim = scene.consumer(**settings)
    eventually(lambda: scene.shares() == [2], 60, "it has all partitions")
    scene.behave(pixel_id="42")  # nothing is accepted
    scene.produce(shop_events(seed=7, count=100, now_s=int(time.time())))
    eventually(lambda: victim.metric("capi_in_flight") == 100, 60, "all are taken")
    victim.kill()
    scene.behave(pixel_id=PIXEL)
    successor = scene.consumer(**settings)
    eventually(lambda: scene.accepted_lines() == 100, 60, "all are accepted")
    assert successor.stop(30) == 0
    report = scene.report()
    assert report.holds, report


@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_every_event_ends_once_when_one_of_three_consumers_is_killed_and_another_joins(scene: Scene) -> None:
    scene.create_topics(PARTITIONS)
    scene.start_sandbox("--latency-ms", "30")
    victim, *others = [scene.consumer() for _ in range(3)]
    eventually(lambda: scene.shares() == [2, 2, 2], 60, "three members share six partitions")

    scene.produce(shop_events(seed=2026, count=EVENTS, now_s=int(time.time()), bad=BAD))
    eventually(lambda: scene.accepted_lines() >= EVENTS / 2, 120, "half of it is accepted")
    victim.kill()
    assert scene.committed_too_far() == ()
    others.append(scene.consumer())
    eventually(is_done_and_never_committed_too_far(scene), 200, "all is committed")

    assert [consumer.stop(30) for consumer in others] == [0, 0, 0]
    report, stats = scene.report(), scene.sandbox_stats()
    print(report)
    assert report.holds, report
    assert report.produced == EVENTS
    assert report.accepted == intended(scene.produced, End.ACCEPTED) == EVENTS - 250
    assert (report.filtered, report.dead_lettered) == (100, 150)
    # Something was in flight when it was killed, and came again as it was.
    assert report.twice > 0
    assert (stats["repeats"], stats["repeats_other_event_time"]) == (report.twice, 0)
    assert victim.returncode == -9
    for letter in scene.evidence().letters:
        told = {name: (value or b"").decode() for name, value in letter.headers.items()}
        assert [error.message for error in LETTER.iter_errors(told)] == []


def is_done_and_never_committed_too_far(scene: Any) -> Any:
    def look() -> Any:
        assert scene.committed_too_far() == ()
        return scene.is_done()

    return look


@pytest.mark.kafka
def test_sigterm_under_load_ends_with_nothing_lost_and_nothing_sent_twice(scene: Scene) -> None:
    scene.create_topics(PARTITIONS)
    scene.start_sandbox("--latency-ms", "100")
    scene.produce(shop_events(seed=4, count=5_000, now_s=int(time.time()), bad={Bad.NOT_JSON: 20}))
    first = scene.consumer(CAPI_BATCH_EVENTS_MAX="50", CAPI_EVENTS_IN_FLIGHT_MAX="1000")
    eventually(lambda: scene.accepted_lines() > 500, 60, "it is under load")
    assert first.stop(30) == 0
    assert scene.committed_too_far() == ()
    assert not scene.is_done()

    scene.consumer()
    eventually(scene.is_done, 60, "the next one does the rest")
    report = scene.report()
    assert report.holds, report
    assert (report.twice, report.letters_twice) == (0, 0)


@pytest.mark.kafka
def test_nothing_is_committed_past_a_dead_letter_that_the_broker_does_not_take(scene: Scene) -> None:
    scene.create_topics(PARTITIONS)
    scene.start_sandbox()
    scene.consumer(CAPI_COMMIT_INTERVAL_MS="50")
    topics.delete_topics(scene.bootstrap_servers, [scene.dead_letter_topic])
    scene.produce(shop_events(seed=3, count=600, now_s=int(time.time()), bad={Bad.NOT_JSON: 6}))
    eventually(lambda: scene.accepted_lines() == 594, 60, "the others are sent")
    eventually(lambda: scene.evidence().committed, 30, "what was before the bad ones is committed")
    report = scene.report()
    assert report.committed_too_far == ()
    assert (len(report.lost), report.dead_lettered) == (6, 0)

    topics.create_topic(scene.bootstrap_servers, scene.dead_letter_topic)
    eventually(scene.is_done, 90, "the letters are written")
    report = scene.report()
    assert report.holds, report
    assert report.twice == 0


@pytest.mark.kafka
def test_a_refused_token_ends_no_event_and_a_new_one_in_its_file_is_taken_up(
    scene: Scene, tmp_path: Path
) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("a-token-that-was-revoked")
    scene.create_topics(PARTITIONS)
    scene.start_sandbox()
    scene.produce(shop_events(seed=6, count=500, now_s=int(time.time())))
    consumer = scene.starting_consumer(CAPI_ACCESS_TOKEN="", CAPI_ACCESS_TOKEN_FILE=str(token_file))
    eventually(lambda: scene.sandbox_stats()["requests"], 60, "a request is refused")
    eventually(lambda: consumer.status("/readyz") == 503, 30, "a rollout would stop here")
    assert consumer.status("/livez") == 200
    assert scene.report().accepted == 0
    assert scene.committed_too_far() == ()

    token_file.write_text(TOKEN)
    eventually(scene.is_done, 60, "it goes on without a restart")
    report = scene.report()
    assert report.holds, report
    assert (report.accepted, report.dead_lettered, consumer.returncode) == (500, 0, None)


@pytest.mark.kafka
def test_a_member_without_a_partition_is_ready_and_takes_over(scene: Scene) -> None:
    """One more pod than partitions must not stop a rollout."""
    scene.create_topics(1)
    scene.start_sandbox()
    first = scene.consumer()
    scene.consumer()  # waits until it is ready
    first.stop(30)
    scene.produce(shop_events(seed=9, count=100, now_s=int(time.time())))
    eventually(scene.is_done, 60, "the one that stood by has taken over")
    report = scene.report()
    assert report.holds, report
    assert report.accepted == 100
