"""The same work by others: a plain loop, and FastStream; this program beside them, on the same backlog."""

from __future__ import annotations

from benchmarks.drain import drain, python
from benchmarks.world import Measured, World

NAIVE = python("benchmarks.naive_loop")
FASTSTREAM = python("benchmarks.faststream_loop")


def measure(world: World) -> Measured:
    """One after another."""
    backlog = world.backlog(world.size.part)
    naive = drain(world, backlog, NAIVE)
    faststream = drain(world, backlog, FASTSTREAM)
    ours = drain(world, backlog)
    return {
        "naive_events_s": naive.events_s,
        "faststream_events_s": faststream.events_s,
        "ours_events_s": ours.events_s,
        "naive_cpu_us": naive.cpu_us,
        "faststream_cpu_us": faststream.cpu_us,
        "ours_cpu_us": ours.cpu_us,
    }
