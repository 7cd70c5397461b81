"""
What it costs to be watched.

`off` is the program as it starts by default: it counts, and nobody asks. `on` has all of it: a trace of
every batch with links to the producers' traces, and metrics each ten seconds, both sent by OTLP, and
/metrics read every five: more often than most do. Each record has a `traceparent`, in both.
"""

from __future__ import annotations

import contextlib
import statistics
import threading
import urllib.request
from collections.abc import Iterator

from support.otlp_receiver import OtlpReceiver
from support.ports import free_ports

from benchmarks.drain import Drained, drain
from benchmarks.world import Measured, World

SCRAPE_EVERY_S = 5.0
EXPORT_EVERY_MS = 10_000


def measure(world: World) -> Measured:
    """Off, on, on, off: a drift of the machine between them falls on both."""
    backlog = world.backlog(world.size.telemetry, is_traced=True)
    off = [drain(world, backlog)]
    on = [_watched(world), _watched(world)]
    off.append(drain(world, backlog))
    cost, plain = (statistics.fmean(one.cpu_us for one in runs) for runs in (on, off))
    return {"telemetry_cpu_us": cost, "telemetry_cost": 100 * (cost / plain - 1)}


def _watched(world: World) -> Drained:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    with OtlpReceiver() as receiver, _scraped(f"http://{address}/metrics") as sizes:
        done = drain(
            world,
            world.backlog(world.size.telemetry, is_traced=True),
            CAPI_HEALTH_ADDRESS=address,
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
            OTEL_METRIC_EXPORT_INTERVAL=str(EXPORT_EVERY_MS),
        )
        assert all(receiver.bodies.values()), "telemetry was on, and nothing came"
        assert sizes, "telemetry was on, and nobody could read /metrics"
    return done


@contextlib.contextmanager
def _scraped(url: str) -> Iterator[list[int]]:
    """As Prometheus would. The bytes of each answer."""
    ended = threading.Event()
    sizes: list[int] = []

    def scrape() -> None:
        while not ended.wait(SCRAPE_EVERY_S):
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
                sizes.append(len(answer.read()))

    scraping = threading.Thread(target=scrape)
    scraping.start()
    try:
        yield sizes
    finally:
        ended.set()
        scraping.join()
