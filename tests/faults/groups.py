"""
F6 to F8: members come and go.
"""

from __future__ import annotations

import itertools
import json
import random
import time
from typing import NamedTuple

from faults.measures import Bars, Measures, Size, summed
from faults.watching import counter
from faults.world import PARTITIONS, Stage, World
from support.oracle import read_accepted
from support.processes import Running
from support.scenario import SESSION
from support.waiting import eventually

MEMBERS_MAX = 6
TURN_S = 1.0
LEAVE_S_MAX = 40.0
PAUSE_S = 1.0  # what is called a pause of the group
LATENCY_MS = 20
CROWD_S_MAX = 60.0
CROWD_EVENTS = 200

PROTOCOLS = {
    "eager": ("eager", SESSION),
    "cooperative": ("cooperative", SESSION),
    "KIP-848": ("consumer", {}),  # how long a session lasts is the broker's to say
}


class Churn(NamedTuple):
    """What a time of coming and going was like."""

    joined: int
    left: int
    codes: list[int]
    recover_s: float


def members_come_and_go(world: World, size: Size) -> Measures:
    """F6: with the default protocol."""
    with world.stage(latency_ms=LATENCY_MS) as stage:
        churn = _churn(stage, seconds=size(10, 60), events_per_s=size(300, 800), seed=6)
        _must_be_well(stage, churn)
        report = stage.must_hold()
        most = report.produced * 0.05
        stage.must(f"twice < 5 % ({most:.0f})", report.twice, report.twice < most)
        return stage.measures(report, churn.recover_s)


def protocols(world: World, size: Size) -> Measures:
    """
    F7: the same under each of the three protocols, and how long the group stood still.

    Afterwards one member more than there are partitions, and each of them gets ready.
    """
    bars = Bars()
    rows = []
    for name, (protocol, properties) in PROTOCOLS.items():
        with world.stage(latency_ms=LATENCY_MS) as stage:
            own = {"CAPI_GROUP_PROTOCOL": protocol, "CAPI_KAFKA_PROPERTIES": json.dumps(properties)}
            churn = _churn(stage, seconds=size(5, 60), events_per_s=size(200, 800), seed=7, **own)
            _must_be_well(stage, churn)
            pauses = _pauses(stage)
            _crowd(stage, **own)
            report = stage.must_hold()
            bars.take(name, stage.bars)
            longest = max(pauses, default=0.0)
            says = (
                f"{len(pauses)} pauses > {PAUSE_S:.0f} s, the longest {longest:.1f} s; {report.twice} repeats"
            )
            bars.notes.append(f"{name}: {says}")
            rows.append(stage.measures(report, churn.recover_s))
    return summed(rows, bars)


def _churn(stage: Stage, seconds: float, events_per_s: float, seed: int, **own: str) -> Churn:
    """Every second one more member, or one fewer; at least one, and at most six."""
    chance = random.Random(seed)
    members = [stage.scene.consumer(**own)]
    leaving: list[Running] = []
    joined = 1
    with stage.load(events_per_s):
        due = time.monotonic()
        ends_at = due + seconds
        while due < ends_at:
            due += TURN_S
            leaver = _leaver(members, chance)
            if leaver is not None:
                members.remove(leaver)
                leaver.ask_to_stop()
                leaving.append(leaver)
            elif len(members) < MEMBERS_MAX:
                members.append(stage.scene.starting_consumer(**own))
                joined += 1
            time.sleep(max(0.0, due - time.monotonic()))
    for member in members:
        member.await_ready(60)
    codes = [one.wait(LEAVE_S_MAX) for one in leaving]
    return Churn(joined, len(leaving), codes, stage.await_done())


def _crowd(stage: Stage, **own: str) -> None:
    """More members than partitions: those without one are ready too, and stand by."""
    extra = PARTITIONS + 1 - sum(one.returncode is None for one in stage.scene.consumers)
    for _ in range(extra):
        stage.scene.starting_consumer(**own)
    members = [one for one in stage.scene.consumers if one.returncode is None]
    shares = [0, *[1] * PARTITIONS]
    eventually(lambda: stage.scene.shares() == shares, CROWD_S_MAX, "all partitions are shared")
    eventually(
        lambda: all(one.status("/readyz") == 200 for one in members), CROWD_S_MAX, "all members are ready"
    )
    bar = f"{len(members)} members of {PARTITIONS} partitions ready"
    stage.must(bar, len(members), len(members) == PARTITIONS + 1)
    stage.produce(CROWD_EVENTS)
    stage.await_done()


def _leaver(members: list[Running], chance: random.Random) -> Running | None:
    """The one that leaves: half of the time, one of those that have come to work, never the last of them."""
    ready = [one for one in members if one.status("/readyz") == 200]
    is_time = len(ready) > 1 and (len(members) == MEMBERS_MAX or chance.random() < 0.5)
    return chance.choice(ready) if is_time else None


def _must_be_well(stage: Stage, churn: Churn) -> None:
    codes = sorted(set(churn.codes))
    bar = f"{churn.joined} joined and {churn.left} left with exit code 0"
    stage.must(bar, codes, not any(codes))


def _pauses(stage: Stage) -> list[float]:
    """Times longer than a second in which nothing was accepted."""
    lines = stage.scene.accepted_file.read_bytes().splitlines()
    times = sorted(json.loads(line)["received_at"] for line in lines)
    gaps = (later - earlier for earlier, later in itertools.pairwise(times))
    return [gap for gap in gaps if gap > PAUSE_S]


def rolling_restart(world: World, size: Size) -> Measures:
    """F8: each member comes back within its session, under its own instance id."""
    members = size(2, 3)
    with world.stage(latency_ms=LATENCY_MS) as stage:
        own = [_static(number) for number in range(members)]
        running = [stage.scene.consumer(**one) for one in own]
        shares = [PARTITIONS // members] * members
        eventually(lambda: stage.scene.shares() == shares, 60, "the members share the partitions")
        made = _rebalances(world, stage)
        codes = []
        with stage.load(events_per_s=300):
            stage.await_accepted(100)
            moved = 0.0
            for _ in range(size(1, 3)):
                for number, one in enumerate(own):
                    others = [other for place, other in enumerate(running) if place != number]
                    before = sum(counter(other, "capi_rebalances") for other in others)
                    codes.append(running[number].stop(LEAVE_S_MAX))
                    running[number] = stage.scene.consumer(**one)
                    accepted = len(read_accepted(stage.scene.accepted_file))
                    stage.await_accepted(accepted + 100)
                    moved += sum(counter(other, "capi_rebalances") for other in others) - before
        bar = f"partitions that moved at the others during {len(codes)} restarts 0"
        stage.must(bar, f"{moved:.0f}", moved == 0)
        if world.cluster.nodes:
            more = _rebalances(world, stage) - made
            bar = (
                f"the coordinator prepared {made} rebalances while they came, > 0, and during the restarts 0"
            )
            stage.must(bar, more, made > 0 and more == 0)
        stage.must("exit code 0", sorted(set(codes)), set(codes) == {0})
        recover_s = stage.await_done()
        report = stage.must_hold()
        stage.must("twice 0", report.twice, report.twice == 0)
        return stage.measures(report, recover_s)


def _rebalances(world: World, stage: Stage) -> int:
    """How often the coordinator has begun a new generation of the group, by the log of its broker."""
    said = f"Preparing to rebalance group {stage.scene.group} "
    return sum(node.log.read_text(errors="replace").count(said) for node in world.cluster.nodes)


def _static(number: int) -> dict[str, str]:
    session = json.dumps({"session.timeout.ms": 30_000})
    return {"CAPI_GROUP_INSTANCE_ID": f"member-{number}", "CAPI_KAFKA_PROPERTIES": session}
