"""
One, two and three processes of one group on the same backlog: does an event cost more, the more there are?

All are started at once, and share six partitions. What an event costs is what all of them used, over all
events, how the group comes together included. With more processes than cores the events a second
stop growing; the cost of one should not grow.
"""

from __future__ import annotations

from benchmarks.drain import drain
from benchmarks.world import Measured, World

MEMBERS = (1, 2, 3)


def measure(world: World) -> Measured:
    """For each number of processes."""
    measured: Measured = {}
    for members in MEMBERS:
        done = drain(world, world.backlog(world.size.part), members=members)
        measured[f"scale_{members}_cpu_us"] = done.cpu_us
        measured[f"scale_{members}_events_s"] = done.events_s
    return measured
