"""The promise, under load: whatever ends a consumer, every event ends in exactly one place."""

from __future__ import annotations

import time

import pytest
from eventually import eventually
from system.events import Bad, End, shop_events
from system.production import intended

PARTITIONS = 6
EVENTS = 50_000
BAD = dict.fromkeys(Bad, 100)  # 1 % in all


@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_every_event_ends_once_when_one_of_three_consumers_is_killed_and_another_joins(scene):
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
    assert report.accepted == intended(scene.produced, End.ACCEPTED) == EVENTS - 500
    assert (report.filtered, report.dead_lettered) == (200, 300)
    # Something was in flight when it was killed, and came again as it was.
    assert report.twice > 0
    assert (stats["repeats"], stats["repeats_other_event_time"]) == (report.twice, 0)
    assert victim.returncode == -9


def is_done_and_never_committed_too_far(scene):
    def look():
        assert scene.committed_too_far() == ()
        return scene.is_done()

    return look
