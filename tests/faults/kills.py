"""
F1 to F5: what ends a consumer, or stops it, at any instant.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from typing import NamedTuple

from eventually import eventually
from faults.measures import Measures, Size
from faults.world import Stage, World
from system import topics
from system.events import Bad
from system.oracle import read_accepted
from system.processes import log_lines
from system.topics import Partition

GRACE_S = 30.0  # of a pod; the drain takes at most 25 s of it
# For scenarios in which half of the records are bad on purpose.
WITHOUT_BRAKE = {"CAPI_BRAKE": "false"}
# A member that is gone is missed after a second, so that each kill costs little.
QUICK_SESSION = json.dumps({"session.timeout.ms": 1_000, "heartbeat.interval.ms": 300})
# Small and many requests: at any instant some are on their way.
MANY_REQUESTS = {"CAPI_BATCH_EVENTS_MAX": "50", "CAPI_LINGER_MS": "20", "CAPI_REQUESTS_IN_FLIGHT_MAX": "4"}


class AtAKill(NamedTuple):
    """What was committed and how much was accepted when a consumer was killed."""

    committed: Mapping[Partition, int]
    accepted: int


def killed_at_random_instants(world: World, size: Size) -> Measures:
    """F1."""
    chance = random.Random(1)
    kills: list[AtAKill] = []
    with world.stage(latency_ms=50) as stage:
        with stage.load(events_per_s=1_500):
            for _ in range(size(3, 25)):
                consumer = stage.scene.consumer(CAPI_KAFKA=QUICK_SESSION, **MANY_REQUESTS)
                accepted = stage.scene.accepted_lines()
                stage.await_accepted(accepted + 1)
                time.sleep(chance.uniform(0.0, 2.0))
                consumer.kill()
                kills.append(_at_a_kill(stage))
        stage.scene.consumer(CAPI_KAFKA=QUICK_SESSION)
        recover_s = stage.await_done()
        report = stage.must_hold()
        in_flight = [_accepted_and_uncommitted(stage, kill) for kill in kills]
        were = f"{sum(in_flight)} accepted and uncommitted at {len(kills)} kills"
        bar = f"twice ≤ {were} (at most {max(in_flight)} at one)"
        stage.must(bar, report.twice, 0 < report.twice <= sum(in_flight))
        _must_repeat_unchanged(stage)
        return stage.measures(report, recover_s)


def _at_a_kill(stage: Stage) -> AtAKill:
    """Requests that were on the wire are accepted a moment later: they were in flight too."""
    committed = topics.committed_offsets(stage.scene.bootstrap_servers, stage.scene.group)
    stage.await_quiet()
    return AtAKill(committed, stage.scene.accepted_lines())


def _accepted_and_uncommitted(stage: Stage, kill: AtAKill) -> int:
    places = {one.event_id: one.place for one in stage.scene.produced}
    accepted = {one.event_id for one in read_accepted(stage.scene.accepted_file)[: kill.accepted]}
    return sum(places[one].offset >= kill.committed.get(places[one][:2], 0) for one in accepted)


def _must_repeat_unchanged(stage: Stage) -> None:
    stats = stage.scene.sandbox_stats()
    bar = f"every one of {stats['repeats']} repeats has the same event_id and event_time; others"
    stage.must(bar, stats["repeats_other_event_time"], stats["repeats_other_event_time"] == 0)


def killed_between_answer_and_commit(world: World, size: Size) -> Measures:
    """F2: nothing is committed yet, so everything comes again, as it was."""
    with world.stage() as stage:
        events = size(1_000, 20_000)
        stage.produce(events)
        victim = stage.scene.consumer(CAPI_KAFKA=QUICK_SESSION, CAPI_COMMIT_INTERVAL_MS="60000")
        stage.await_accepted(events)
        victim.kill()
        stage.scene.consumer(CAPI_KAFKA=QUICK_SESSION)
        recover_s = stage.await_done()
        report = stage.must_hold()
        stage.must(f"all {events} come again", report.twice, report.twice == events)
        _must_repeat_unchanged(stage)
        return stage.measures(report, recover_s)


def killed_while_dead_letters_are_written(world: World, size: Size) -> Measures:
    """F3."""
    chance = random.Random(3)
    with world.stage() as stage:
        events = size(2_000, 20_000)
        stage.produce(events, bad={Bad.NOT_JSON: events // 2, Bad.REFUSED: 5})
        kills = 0
        for _ in range(size(3, 15)):
            written = stage.letters()
            victim = stage.scene.consumer(
                CAPI_KAFKA=QUICK_SESSION, CAPI_POLL_RECORDS_MAX="50", **WITHOUT_BRAKE
            )
            eventually(
                lambda seen=written: stage.letters() > seen or stage.scene.is_done(), 60, "letters come"
            )
            time.sleep(chance.uniform(0.0, 0.1))
            kills += not stage.scene.is_done()
            victim.kill()
        stage.scene.consumer(CAPI_KAFKA=QUICK_SESSION, **WITHOUT_BRAKE)
        recover_s = stage.await_done()
        report = stage.must_hold()
        intended = events // 2 + 5
        bar = f"{intended} dead letters after {kills} kills among them"
        stage.must(bar, report.dead_lettered, report.dead_lettered == intended and kills > 0)
        return stage.measures(report, recover_s)


def asked_to_stop_under_load(world: World, size: Size) -> Measures:
    """F4."""
    with world.stage(latency_ms=size(500, 2_000)) as stage:
        stage.produce(size(4_000, 40_000), bad={Bad.NOT_JSON: 20})
        codes, seconds = [], []
        for _ in range(size(1, 5)):
            consumer = stage.scene.consumer(CAPI_BATCH_EVENTS_MAX="100", CAPI_EVENTS_IN_FLIGHT_MAX="2000")
            stage.await_accepted(stage.scene.accepted_lines() + 200)
            began = time.monotonic()
            codes.append(consumer.stop(GRACE_S + 30))
            seconds.append(round(time.monotonic() - began, 1))
        stage.must("exit code 0", codes, not any(codes))
        stage.must(f"exit within {GRACE_S:.0f} s of SIGTERM", seconds, max(seconds) <= GRACE_S)
        stage.must("there was work left", not stage.scene.is_done(), not stage.scene.is_done())
        stage.scene.behave(latency_ms=20)
        stage.scene.consumer()
        recover_s = stage.await_done()
        report = stage.must_hold()
        twice = report.twice + report.letters_twice
        stage.must("twice 0, letters too", twice, twice == 0)
        return stage.measures(report, recover_s)


def stopped_past_the_session_timeout(world: World, size: Size) -> Measures:
    """F5: the zombie wakes up with requests answered long ago and a group that went on without it."""
    with world.stage(latency_ms=100) as stage:
        own = {"CAPI_KAFKA": QUICK_SESSION, **MANY_REQUESTS}
        went_back, too_far = 0, 0
        with stage.load(events_per_s=800):
            for _ in range(size(1, 5)):
                zombie = stage.scene.consumer(**own)
                stage.await_accepted(stage.scene.accepted_lines() + 100)
                zombie.pause()
                stage.scene.consumer(**own)
                stage.await_accepted(stage.scene.accepted_lines() + 500)
                before = topics.committed_offsets(stage.scene.bootstrap_servers, stage.scene.group)
                zombie.resume()
                eventually(lambda one=zombie: _was_lost(one), 30, "the zombie hears that it was thrown out")
                after = topics.committed_offsets(stage.scene.bootstrap_servers, stage.scene.group)
                went_back += sum(after.get(place, 0) < offset for place, offset in before.items())
                too_far += len(stage.scene.committed_too_far())
                for consumer in stage.scene.consumers:
                    if consumer.returncode is None:
                        consumer.stop(GRACE_S + 10)
        stage.must("partitions whose commit went back after SIGCONT 0", went_back, not went_back)
        stage.must("records committed before they ended 0", too_far, not too_far)
        stage.scene.consumer(CAPI_KAFKA=QUICK_SESSION)
        recover_s = stage.await_done()
        report = stage.must_hold()
        _must_repeat_unchanged(stage)
        return stage.measures(report, recover_s)


def _was_lost(zombie) -> bool:
    """It says so itself, and it still runs."""
    assert zombie.still_runs()
    return any("partitions lost" in str(line.get("event")) for line in log_lines([zombie.stderr]))
