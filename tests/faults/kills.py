"""
F1 to F5: what ends a consumer, or stops it, at any instant.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from faults.measures import Bars, Measures, Size, summed
from faults.watching import counter
from faults.world import PARTITIONS, Stage, World, pause
from support import topics
from support.events import Bad
from support.oracle import read_accepted
from support.processes import Running, log_lines
from support.topics import Partition
from support.waiting import eventually

COMMIT_S = 1.0  # the default interval
STOP_S = 5.0  # to commit and leave, on a machine that others use too
GRACE_S = 30.0  # of a pod; the drain takes at most 25 s of it
# For scenarios in which half of the records are bad on purpose.
WITHOUT_BRAKE = {"CAPI_DLQ_BREAKER": "false"}
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
                consumer = stage.scene.consumer(CAPI_KAFKA_PROPERTIES=QUICK_SESSION, **MANY_REQUESTS)
                accepted = stage.scene.accepted_lines()
                stage.await_accepted(accepted + 1)
                time.sleep(chance.uniform(0.0, 2.0))
                consumer.kill()
                kills.append(_at_a_kill(stage))
        stage.scene.consumer(CAPI_KAFKA_PROPERTIES=QUICK_SESSION)
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
        victim = stage.scene.consumer(CAPI_KAFKA_PROPERTIES=QUICK_SESSION, CAPI_COMMIT_INTERVAL_MS="60000")
        stage.await_accepted(events)
        victim.kill()
        stage.scene.consumer(CAPI_KAFKA_PROPERTIES=QUICK_SESSION)
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
                CAPI_KAFKA_PROPERTIES=QUICK_SESSION, CAPI_POLL_RECORDS_MAX="50", **WITHOUT_BRAKE
            )
            eventually(
                partial(_has_more_letters, stage, written),
                60,
                "letters come",
            )
            time.sleep(chance.uniform(0.0, 0.1))
            kills += not stage.scene.is_done()
            victim.kill()
        stage.scene.consumer(CAPI_KAFKA_PROPERTIES=QUICK_SESSION, **WITHOUT_BRAKE)
        recover_s = stage.await_done()
        report = stage.must_hold()
        intended = events // 2 + 5
        bar = f"{intended} dead letters after {kills} kills among them"
        stage.must(bar, report.dead_lettered, report.dead_lettered == intended and kills > 0)
        return stage.measures(report, recover_s)


def _has_more_letters(stage: Stage, seen: int) -> bool:
    return stage.letters() > seen or stage.scene.is_done()


def asked_to_stop_under_load(world: World, size: Size) -> Measures:
    """F4: with a slow sink; and while Meta throttles."""
    bars, rows = Bars(), []
    with world.stage(latency_ms=size(500, 2_000)) as stage:
        stage.produce(size(4_000, 40_000), bad={Bad.NOT_JSON: 20})
        codes, seconds = [], []
        for _ in range(size(1, 5)):
            consumer = stage.scene.consumer(CAPI_BATCH_EVENTS_MAX="100", CAPI_EVENTS_IN_FLIGHT_MAX="2000")
            stage.await_accepted(stage.scene.accepted_lines() + 200)
            code, took_s = _stopped(consumer)
            codes.append(code)
            seconds.append(took_s)
        stage.must("exit code 0", codes, not any(codes))
        stage.must(f"exit within {GRACE_S:.0f} s of SIGTERM", seconds, max(seconds) <= GRACE_S)
        rows.append(_done_by_the_next(stage))
        bars.take("slow", stage.bars)
    with world.stage() as stage:
        # No bad ones: a letter behind an event that waits for Meta cannot be committed, and comes twice.
        stage.produce(1_000)
        _stopped_while_throttled(stage, answer_s=size(3, 10))
        # Whichever request comes first has the late answer: of the second its events lie behind those that
        # wait, cannot be committed, and come twice.
        rows.append(_done_by_the_next(stage, twice_max=100))
        bars.take("throttled", stage.bars)
    return summed(rows, bars)


def _done_by_the_next(stage: Stage, twice_max: int = 0) -> Measures:
    stage.must("there was work left", not stage.scene.is_done(), not stage.scene.is_done())
    stage.scene.behave(latency_ms=20, faults=[])
    stage.scene.consumer()
    recover_s = stage.await_done()
    report = stage.must_hold()
    twice = report.twice + report.letters_twice
    bar = f"twice ≤ {twice_max}, letters too" if twice_max else "twice 0, letters too"
    stage.must(bar, twice, twice <= twice_max)
    return stage.measures(report, recover_s)


def _stopped(consumer: Running) -> tuple[int, float]:
    """The exit code, and the seconds that it took."""
    began = time.monotonic()
    code = consumer.stop(GRACE_S + 30)
    return code, round(time.monotonic() - began, 1)


def _stopped_while_throttled(stage: Stage, answer_s: int) -> None:
    """One request is on the wire when another is answered with "too many": only the first is waited for."""
    late = {"kind": "late", "latency_ms": answer_s * 1_000}
    too_many = {"kind": "error", "status": 429, "code": 4, "latency_ms": 0, "retry_after": 120}
    stage.scene.behave(faults=[late, too_many])
    before = stage.scene.accepted_lines()
    own = {"CAPI_REQUEST_TIMEOUT_S": "30", "CAPI_REQUESTS_IN_FLIGHT_MAX": "2"}
    consumer = stage.scene.consumer(CAPI_BATCH_EVENTS_MAX="100", **own)
    eventually(lambda: consumer.metric("capi_state", state="throttled") == 1, 30, "Meta throttles")
    on_the_wire = stage.scene.sandbox_stats()["requests_at_once"]
    code, took_s = _stopped(consumer)
    stage.must("stopped while throttled: requests on the wire then 1", on_the_wire, on_the_wire == 1)
    most_s = answer_s + STOP_S
    stage.must(f"exit code 0 within {most_s:.0f} s", (code, took_s), code == 0 and took_s <= most_s)
    accepted = stage.scene.accepted_lines() - before
    stage.must("events accepted meanwhile 100, the late answer's", accepted, accepted == 100)


def stopped_past_the_session_timeout(world: World, size: Size) -> Measures:
    """F5: the zombie wakes up with requests answered long ago and a group that went on without it."""
    bars, rows = Bars(), []
    with world.stage(partitions=1, latency_ms=100) as stage:
        woken = [_zombie_of_one_partition(stage) for _ in range(size(1, 3))]
        for bar, found in zip(Woken._fields, map(sum, zip(*woken, strict=True)), strict=True):
            stage.must(f"{bar.replace('_', ' ')} after {len(woken)} SIGCONT 0", f"{found:.0f}", not found)
        rows.append(_after_zombies(stage))
        bars.take("one partition", stage.bars)
    for _ in range(size(0, 1)):
        with world.stage(latency_ms=100) as stage:
            _zombies_under_load(stage, times=5)
            rows.append(_after_zombies(stage))
            bars.take(f"{PARTITIONS} partitions, under load", stage.bars)
    return summed(rows, bars)


def _zombie_of_one_partition(stage: Stage) -> Woken:
    """
    Its own count of commits is what is judged.

    It was at rest when its last requests went out, so it had nothing to commit before it was stopped.
    The other member keeps the only partition, so there is nothing that it might rightly commit later.
    """
    scene = stage.scene
    own = {"CAPI_KAFKA_PROPERTIES": QUICK_SESSION, **MANY_REQUESTS}
    zombie = scene.consumer(**own)
    stage.produce(200)
    stage.await_done()
    pause(1.0)  # the answer to the last commit is counted when it polls
    before = _counts(zombie)
    scene.behave(latency_ms=2_000)
    stage.produce(100)
    eventually(lambda: scene.sandbox_stats()["requests_at_once"] > 0, 30, "its requests are on the wire")
    zombie.pause()
    scene.behave(latency_ms=100)
    other = scene.consumer(**own)
    with stage.load(events_per_s=400):
        stage.await_accepted(scene.accepted_lines() + 500)
        committed = topics.committed_offsets(scene.bootstrap_servers, scene.group)
        zombie.resume()
        eventually(lambda: _was_lost(zombie), 30, "the zombie hears that it was thrown out")
        eventually(lambda: scene.shares() == [0, 1], 30, "it is back in the group, without a partition")
        pause(2 * COMMIT_S)
    after = _counts(zombie)
    now = topics.committed_offsets(scene.bootstrap_servers, scene.group)
    for consumer in (zombie, other):
        consumer.stop(GRACE_S + 10)
    return Woken(
        commits_of_the_zombie_that_went_well=after.ok - before.ok,
        partitions_assigned_to_it=after.assigned - before.assigned,
        partitions_whose_commit_went_back=sum(now.get(place, 0) < was for place, was in committed.items()),
        records_committed_before_they_ended=len(scene.committed_too_far()),
    )


class Woken(NamedTuple):
    """What there was after a zombie woke up, and should not have been."""

    commits_of_the_zombie_that_went_well: float
    partitions_assigned_to_it: float
    partitions_whose_commit_went_back: int
    records_committed_before_they_ended: int


class Counts(NamedTuple):
    """What a consumer counts of its commits and partitions."""

    ok: float
    assigned: float


def _counts(consumer: Running) -> Counts:
    return Counts(
        counter(consumer, "capi_commits", 'outcome="ok"'),
        counter(consumer, "capi_rebalances", 'event="assigned"'),
    )


def _zombies_under_load(stage: Stage, times: int) -> None:
    """Of what is committed, only the offsets are judged: it comes back to partitions of its own."""
    own = {"CAPI_KAFKA_PROPERTIES": QUICK_SESSION, **MANY_REQUESTS}
    went_back, too_far = 0, 0
    with stage.load(events_per_s=800):
        for _ in range(times):
            zombie = stage.scene.consumer(**own)
            stage.await_accepted(stage.scene.accepted_lines() + 100)
            zombie.pause()
            stage.scene.consumer(**own)
            stage.await_accepted(stage.scene.accepted_lines() + 500)
            before = topics.committed_offsets(stage.scene.bootstrap_servers, stage.scene.group)
            zombie.resume()
            eventually(partial(_was_lost, zombie), 30, "the zombie hears that it was thrown out")
            after = topics.committed_offsets(stage.scene.bootstrap_servers, stage.scene.group)
            went_back += sum(after.get(place, 0) < offset for place, offset in before.items())
            too_far += len(stage.scene.committed_too_far())
            for consumer in stage.scene.consumers:
                if consumer.returncode is None:
                    consumer.stop(GRACE_S + 10)
    stage.must("partitions whose commit went back after SIGCONT 0", went_back, not went_back)
    stage.must("records committed before they ended 0", too_far, not too_far)


def _after_zombies(stage: Stage) -> Measures:
    stage.scene.consumer(CAPI_KAFKA_PROPERTIES=QUICK_SESSION)
    recover_s = stage.await_done()
    report = stage.must_hold()
    _must_repeat_unchanged(stage)
    return stage.measures(report, recover_s)


def _was_lost(zombie: Running) -> bool:
    """It says so itself, and it still runs."""
    assert zombie.still_runs()
    return any("partitions lost" in str(line.get("event")) for line in log_lines([zombie.stderr]))
