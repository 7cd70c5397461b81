"""
A backlog on real Kafka, drained by one `capi-consumer run` to a sandbox that answers after 100 ms.

At 100,000 and at 1,000,000 events waiting: neither memory nor the cost of an event may depend on how much
waits. In the short form the larger backlog is drained as far as `Size.large_drained`, then the program is
told to stop; the long form drains all of it. `decide` is measured before and after each drain, since a
processor that is shared is another one a minute later.
"""

from __future__ import annotations

import statistics

from benchmarks.core import decide_us
from benchmarks.drain import drain
from benchmarks.events import batches, records
from benchmarks.world import Measured, World

DECIDED = 5_000


def measure(world: World) -> Measured:
    """Both backlogs, with `decide` beside."""
    made = batches(records(DECIDED))
    decided = [decide_us(made)]
    small = drain(world, world.backlog(world.size.small))
    decided.append(decide_us(made))
    large = drain(world, world.backlog(world.size.large), drained=world.size.large_drained)
    decided.append(decide_us(made))
    return {
        "pipeline_events_s": large.events_s,
        "pipeline_cpu_us": large.cpu_us,
        "pipeline_ratio": large.cpu_us / statistics.fmean(decided[1:]),
        "rss_mb": large.peak_mb,
        "rss_small_mb": small.peak_mb,
        "rss_ratio": large.peak_mb / small.peak_mb,
        "cpu_us_small": small.cpu_us,
        "cpu_us_large": large.cpu_us,
        "cpu_difference": 100 * abs(large.cpu_us / small.cpu_us - 1),
        "sandbox_cpu_us": large.sandbox_cpu_us,
        "kafka_cpu_us": large.kafka_cpu_us,
    }
