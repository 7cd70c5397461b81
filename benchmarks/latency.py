"""
From produced to accepted, at half of the most events a second that one process takes.

Produced is when a producer was given the event, accepted when the sandbox gave its answer, both by the clock
of this machine: so the producer's linger, Kafka, the batch's linger and Meta's 100 ms are all in it.
The most is measured in the same round, just before.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence

from benchmarks.backlog import Backlog
from benchmarks.drain import Drain, drain, stopped_s
from benchmarks.ledger import Answer
from benchmarks.world import PARTITIONS, Measured, World

PACED = (sys.executable, "-m", "benchmarks.paced")
PRODUCE_S_MAX = 300.0


def measure(world: World) -> Measured:
    """At half of what a drain has just shown."""
    most = drain(world, world.backlog(world.size.part)).events_s
    return at_rate(world, most / 2)


def at_rate(world: World, events_s: float) -> Measured:
    """The percentiles, when the oracle has nothing against it."""
    live = Backlog(world.topic("events"), int(events_s * world.size.latency_s), PARTITIONS)
    task = Drain(world, live.topic)
    (member,) = task.start()
    times_file = world.folder / f"{live.topic}.times"
    arguments = [world.brokers, live.topic, str(live.events), str(PARTITIONS), f"{events_s}", str(times_file)]
    paced = world.program(PACED, *arguments)
    code = paced.wait(PRODUCE_S_MAX)
    assert code == 0, f"the producer ended with {code}\n{paced.last_lines()}"
    task.await_accepted(live.events, [member])
    stopped_s(member)
    answers = task.answers()
    task.report(live, answers)
    produced = array("d")
    produced.frombytes(times_file.read_bytes())
    waited = sorted(waits_ms(produced, answers))
    return {
        "latency_rate_s": (live.events - 1) / (produced[-1] - produced[0]),
        "latency_p50_ms": percentile(waited, 0.50),
        "latency_p99_ms": percentile(waited, 0.99),
    }


def waits_ms(produced: Sequence[float], answers: Sequence[Answer]) -> list[float]:
    """How long each event took to be accepted for the first time."""
    first: dict[int, float] = {}
    for answer in sorted(answers):
        for number in answer.numbers:
            first.setdefault(number, answer.at_s)
    return [(at - produced[number]) * 1000 for number, at in first.items()]


def percentile(ordered: Sequence[float], share: float) -> float:
    """The least of the values that so large a share does not exceed."""
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]
