"""
F9 and F10: brokers that are gone, and brokers that refuse commits.
"""

from __future__ import annotations

import sys
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, TopicPartition
from faults.measures import Measures, Size
from faults.watching import counter
from faults.world import Stage, World, pause
from support import topics
from support.faulty_kafka import FaultyKafka, Request
from support.oracle import Evidence, Report, committed_too_far, judge, read_accepted
from support.waiting import eventually

CALL_S_MAX = 10.0


def broker_down(world: World, size: Size) -> Measures:
    """F9: one of three is killed for a while, then another is restarted in order, all under load."""
    down_s = size(5, 30)
    missed = {"broker.session.timeout.ms": str(size(2_000, 5_000))}
    with world.brokers(3, missed) as cluster, world.stage(cluster=cluster, latency_ms=20) as stage:
        consumer = stage.scene.consumer()
        killed, restarted = cluster.nodes[2], cluster.nodes[1]
        with stage.load(events_per_s=size(200, 500)):
            stage.await_accepted(200)
            killed.kill()
            before = stage.scene.accepted_lines()
            pause(down_s)
            meanwhile = stage.scene.accepted_lines() - before
            killed.start()
            stage.await_accepted(stage.scene.accepted_lines() + 200)
            for node in size([], [restarted]):
                node.stop()
                node.start()
            stage.await_accepted(stage.scene.accepted_lines() + 200)
        recover_s = stage.await_done()
        report = stage.must_hold()
        stage.must(f"events accepted while a broker was down for {down_s} s > 0", meanwhile, meanwhile > 0)
        stage.must_run("recovers by itself, not restarted", consumer)
        return stage.measures(report, recover_s)


# What a broker may answer to a commit. The last three mean that the group went on without the member.
COMMIT_ERRORS = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
)
WITHOUT_PREFLIGHT = Path(__file__).with_name("without_preflight.py")


def commits_refused(world: World, size: Size) -> Measures:
    """F10: brokers of librdkafka's, since a real one does not fail on demand. They know no admin request."""
    with FaultyKafka() as brokers, world.stage(latency_ms=30, cluster=brokers) as stage:
        scene = stage.scene
        scene.command = (sys.executable, str(WITHOUT_PREFLIGHT))
        own = {"CAPI_COMMIT_INTERVAL_MS": "50", "CAPI_BATCH_EVENTS_MAX": "20", "CAPI_LINGER_MS": "20"}
        consumer = scene.consumer(**own)
        too_far = 0
        codes = size(COMMIT_ERRORS[2::4], COMMIT_ERRORS)
        for code in codes:
            brokers.push(Request.OFFSET_COMMIT, *[code] * size(2, 5))
            for _ in range(size(2, 10)):
                # Mock brokers keep another time of a record than its writer is told: no ids made of it.
                scene.produce([event for event in stage.new_events(size(50, 200)) if event.event_id])
                too_far += len(committed_too_far(scene.produced, _evidence(stage)))
            eventually(lambda: _is_done(stage), 90, "all is committed after all", poll_s=0.1)
        failed = counter(consumer, "capi_commits", 'outcome="failed"')
        stage.must(
            f"{len(codes)} errors, several times each: failed commits > 0", f"{failed:.0f}", failed > 0
        )
        report = stage.must_hold(_report(stage))
        stage.must("records committed before they ended 0", too_far, too_far == 0)
        stage.must_run("no crash", consumer)
        return stage.measures(report)


def _evidence(stage: Stage) -> Evidence:
    """The committed offsets first. Nothing is filtered or bad here."""
    scene = stage.scene
    committed, ends = _offsets(stage)
    accepted = read_accepted(scene.accepted_file) if scene.accepted_file.exists() else []
    return Evidence(accepted=accepted, filtered={}, committed=committed, ends=ends)


def _report(stage: Stage) -> Report:
    return judge(stage.scene.produced, _evidence(stage))


def _is_done(stage: Stage) -> bool:
    committed, ends = _offsets(stage)
    return all(committed.get(place, 0) >= end for place, end in ends.items())


def _offsets(stage: Stage) -> tuple[dict[topics.Partition, int], dict[topics.Partition, int]]:
    """What the group has committed, and the ends of the log."""
    scene = stage.scene
    asking = Consumer({"bootstrap.servers": scene.bootstrap_servers, "group.id": scene.group, "log_level": 0})
    try:
        places = [TopicPartition(scene.topic, number) for number in range(stage.partitions)]
        committed = asking.committed(places, timeout=CALL_S_MAX)
        ends = {
            (p.topic, p.partition): asking.get_watermark_offsets(p, timeout=CALL_S_MAX)[1] for p in places
        }
    finally:
        asking.close()
    return {(p.topic, p.partition): p.offset for p in committed if p.offset >= 0}, ends
