"""
A backlog on real Kafka, drained by one `capi-consumer run` to a sandbox that answers after 100 ms.

At 100,000 and at 1,000,000 events waiting: neither memory nor the cost of an event may depend on how much
waits. In the short form the larger backlog is drained as far as `Size.large_drained`, then the program is
told to stop; the long form drains all of it. The smaller one is drained before and after it, and `decide`
measured before and after: a processor that is shared is another one a minute later.
"""

from __future__ import annotations

import statistics

from benchmarks.core import decide_us
from benchmarks.drain import drain
from benchmarks.events import batches, records
from benchmarks.world import Measured, World


def measure(world: World) -> Measured:
    """Both backlogs, with `decide` beside."""
    made = batches(records(world.size.core))
    small = drain(world, world.backlog(world.size.small))
    decided = [decide_us(made)]
    large = drain(world, world.backlog(world.size.large), drained=world.size.large_drained)
    decided.append(decide_us(made))
    again = drain(world, world.backlog(world.size.small))
    cpu_small, rss_small = (
        (getattr(small, name) + getattr(again, name)) / 2 for name in ("cpu_us", "peak_mb")
    )
    return {
        "pipeline_events_s": large.events_s,
        "pipeline_cpu_us": large.cpu_us,
        "pipeline_ratio": large.cpu_us / statistics.fmean(decided),
        "rss_mb": large.peak_mb,
        "rss_small_mb": rss_small,
        "rss_difference": 100 * (large.peak_mb / rss_small - 1),
        "cpu_us_small": cpu_small,
        "cpu_us_large": large.cpu_us,
        "cpu_difference": 100 * (large.cpu_us / cpu_small - 1),
        "sandbox_cpu_us": large.sandbox_cpu_us,
        "kafka_cpu_us": large.kafka_cpu_us,
    }
