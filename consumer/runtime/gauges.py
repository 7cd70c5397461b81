"""
What a metric says of this moment: who is asked for each gauge when somebody reads them.

Counters are counted where it happens. A gauge is read, and only then: it costs
nothing while nobody asks, and is never out of date.

How much memory does this process hold? What Linux says of it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from consumer.dead_letters.dlq_breaker import DlqBreaker
from consumer.delivery.circuit_breaker import CircuitBreaker
from consumer.delivery.dispatcher import Dispatcher
from consumer.delivery.meta_client import AccessToken
from consumer.domain.state import State
from consumer.kafka.lag import ConsumerLag
from consumer.observability import metrics
from consumer.observability.filter_alarm import FilterRateAlarm
from consumer.observability.health import Liveness
from consumer.observability.telemetry import Telemetry
from consumer.runtime.poll_loop import PollLoop

STATM = Path("/proc/self/statm")


def resident_bytes() -> dict[tuple[str, ...], float]:
    """Resident bytes, as a reading of a gauge without attributes; nothing where the system does not say."""
    try:
        pages = int(STATM.read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return {}
    return {(): float(pages * os.sysconf("SC_PAGE_SIZE"))}


def register_poll_gauges(telemetry: Telemetry, loop: PollLoop, lag: ConsumerLag) -> None:
    """What is in flight, the partitions that are ours, and how far behind they are."""
    telemetry.read_from(metrics.IN_FLIGHT, lambda: {(): loop.events_in_flight})
    telemetry.read_from(metrics.IN_FLIGHT_BYTES, lambda: {(): loop.bytes_in_flight})
    telemetry.read_from(metrics.PARTITIONS, lambda: {(): len(loop.partitions)})
    telemetry.read_from(metrics.PARTITIONS_STALLED, lambda: {(): loop.partitions_stalled})
    telemetry.read_from(metrics.LAG, lag.by_place)
    telemetry.read_from(metrics.LAG_AGE, lambda: {(): lag.age_s})


def register_delivery_gauges(
    telemetry: Telemetry, dispatcher: Dispatcher, dlq_breaker: DlqBreaker, breaker: CircuitBreaker
) -> None:
    """What is held back, how long Meta wants us to wait, and how many requests are under way."""
    telemetry.read_from(metrics.EVENTS_DELAYED, lambda: {(): dispatcher.events_delayed})
    telemetry.read_from(metrics.DLQ_BREAKER_WAITING, lambda: {(): dlq_breaker.waiting})
    telemetry.read_from(metrics.THROTTLED, lambda: {(): breaker.throttled_s})
    telemetry.read_from(metrics.REQUESTS_IN_FLIGHT, lambda: {(): dispatcher.requests_in_flight})
    telemetry.read_from(metrics.REQUESTS_LIMIT, lambda: {(): dispatcher.requests_limit})


def register_process_gauges(
    telemetry: Telemetry, liveness: Liveness, filter_alarm: FilterRateAlarm, token: AccessToken
) -> None:
    """The state, and what may be wrong with it: the filter alarm, an old token, memory."""
    telemetry.read_from(metrics.STATE, lambda: {(s.value,): float(s is liveness.state()) for s in State})
    telemetry.read_from(metrics.FILTER_ALARM, filter_alarm.gauge)
    telemetry.read_from(metrics.TOKEN_AGE, lambda: {(): token.age_s(time.time())})
    telemetry.read_from(metrics.MEMORY, resident_bytes)
