"""
A backlog on real Kafka, drained by one `capi-consumer run` to a sandbox that answers after 100 ms.

At 100,000 and at 1,000,000 events waiting: neither memory nor the cost of an event may depend on how much
waits. In the short form the larger backlog is drained as far as `Size.large_drained`, then the program is told to
stop; the long form drains all of it. `decide` is measured before and after each drain, since a
processor that is shared is another one a minute later.

Telemetry: `off` is the program as it starts by default, counting, with nobody who asks. `on` has all of
it: a trace of every batch and metrics each ten seconds, both sent by OTLP, and /metrics read every five.
"""

from __future__ import annotations

import contextlib
import statistics
import threading
import urllib.request
from collections.abc import Iterator

from otlp_receiver import OtlpReceiver
from system.ports import free_ports

from benchmarks.core import decide_us
from benchmarks.drain import Drained, drain
from benchmarks.events import batches, records
from benchmarks.world import World

SCRAPE_EVERY_S = 5.0
EXPORT_EVERY_MS = 10_000
DECIDED = 5_000

Measured = dict[str, float]


def pipeline(world: World) -> Measured:
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


def telemetry(world: World) -> Measured:
    """Off, on, on, off: a drift of the machine between them falls on both."""
    backlog = world.backlog(world.size.small)
    off = [drain(world, backlog)]
    on = [_watched(world), _watched(world)]
    off.append(drain(world, backlog))
    cost, plain = (statistics.fmean(one.cpu_us for one in runs) for runs in (on, off))
    return {"telemetry_cpu_us": cost, "telemetry_cost": 100 * (cost / plain - 1)}


def _watched(world: World) -> Drained:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    with OtlpReceiver() as receiver, _scraped(f"http://{address}/metrics"):
        done = drain(
            world,
            world.backlog(world.size.small),
            CAPI_HEALTH_ADDRESS=address,
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
            OTEL_METRIC_EXPORT_INTERVAL=str(EXPORT_EVERY_MS),
        )
        assert all(receiver.bodies.values()), "telemetry was on, and nothing came"
    return done


@contextlib.contextmanager
def _scraped(url: str) -> Iterator[None]:
    """As Prometheus would."""
    ended = threading.Event()

    def scrape() -> None:
        while not ended.wait(SCRAPE_EVERY_S):
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
                answer.read()

    scraping = threading.Thread(target=scrape)
    scraping.start()
    try:
        yield
    finally:
        ended.set()
        scraping.join()
