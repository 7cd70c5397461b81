"""
Build the parts of a running consumer from the settings, and connect them.

    Settings -> DeliveryOptions, Clock -> Dispatcher <-- DeliveryHandle -- PollLoop <- KafkaSource
                DeadLetterWriter ----------^    '---- finished offsets: a queue --^       |
                                                                 Liveness, ConsumerLag <--'

Nothing is started here: see `app.py`.
"""

from __future__ import annotations

import asyncio
import queue
import random
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import partial

from consumer import __version__
from consumer.config import kafka_constraints
from consumer.config.settings import Settings
from consumer.dead_letters.dlq_breaker import DlqBreaker
from consumer.dead_letters.headers import WrittenBy
from consumer.dead_letters.writer import ONE_BY_ONE, DeadLetterWriter
from consumer.delivery.batcher import Limits, envelope_end
from consumer.delivery.circuit_breaker import CircuitBreaker
from consumer.delivery.dispatcher import Dispatcher
from consumer.delivery.in_flight import Clock, DeliveryOptions
from consumer.delivery.meta_client import MetaClient
from consumer.domain.record import Partition
from consumer.domain.state import State
from consumer.kafka import clients
from consumer.kafka.assignment import STARTS_S_MAX
from consumer.kafka.consumer import KafkaSource
from consumer.kafka.errors import ErrorLogger
from consumer.kafka.lag import ConsumerLag
from consumer.kafka.offset_tracker import InFlightOffset, Released
from consumer.observability.filter_alarm import FilterRateAlarm
from consumer.observability.health import Liveness
from consumer.observability.telemetry import Telemetry
from consumer.runtime.loop_bridge import DeliveryHandle
from consumer.runtime.poll_loop import PollLoop, PollOptions

Finished = queue.SimpleQueue[list[InFlightOffset] | Released]


def dead_letter_writer(settings: Settings, telemetry: Telemetry) -> DeadLetterWriter:
    """The writer of dead letters, with a producer of its own."""

    def written_by() -> WrittenBy:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return WrittenBy(settings.group_id, __version__, now)

    properties = (
        clients.producer_properties(settings) | ONE_BY_ONE | {"error_cb": ErrorLogger("dead letters")}
    )
    return DeadLetterWriter(
        settings.dead_letter_topic,
        lambda: clients.new_producer(properties),
        written_by,
        telemetry,
        random.random,
    )


def dispatcher(
    settings: Settings,
    client: MetaClient,
    writer: DeadLetterWriter,
    breaker: CircuitBreaker,
    dlq_breaker: DlqBreaker,
    telemetry: Telemetry,
    finished: Finished,
) -> Dispatcher:
    """Delivery with these settings. `finished` gets the offsets of records that have an outcome."""
    options = DeliveryOptions(
        limits=Limits(settings.batch_events_max, settings.request_bytes_max, settings.linger_ms / 1000),
        envelope_end=envelope_end(settings.partner_agent, settings.test_event_code),
        requests_in_flight_min=settings.requests_in_flight_min,
        requests_in_flight_max=settings.requests_in_flight_max,
        backoff_max_s=settings.backoff_max_s,
        poison_after_s=settings.poison_after_s,
        send_delay_s=settings.send_delay_s,
    )
    clock = Clock(time.time, time.monotonic, random.random)
    return Dispatcher(client, writer, breaker, options, clock, finished.put, telemetry, dlq_breaker)


def delivery_handle(
    dispatcher: Dispatcher,
    breaker: CircuitBreaker,
    dlq_breaker: DlqBreaker,
    filter_alarm: FilterRateAlarm,
    finished: Finished,
) -> DeliveryHandle:
    """How the poll loop's thread calls into this event loop."""
    loop = asyncio.get_running_loop()

    def in_loop(call: Callable[..., None]) -> Callable[..., object]:
        return partial(loop.call_soon_threadsafe, dispatcher.call_safely, call)

    def release_delayed(partitions: Collection[Partition]) -> None:
        finished.put(Released(dispatcher.release_delayed(partitions)))

    def can_deliver() -> bool:
        # Also while the circuit breaker is open: a response may still arrive.
        return (breaker.is_closed or dispatcher.has_requests_in_flight) and not dispatcher.failed.done()

    return DeliveryHandle(
        accept=in_loop(dispatcher.accept),
        flush=in_loop(dispatcher.flush),
        can_deliver=can_deliver,
        record_decisions=in_loop(dlq_breaker.record_decisions),
        watch_filter_rate=in_loop(filter_alarm.record_decisions),
        dlq_breaker=dlq_breaker,
        release_delayed=in_loop(release_delayed),
    )


def poll_loop(
    settings: Settings, telemetry: Telemetry, delivery: DeliveryHandle, finished: Finished
) -> PollLoop:
    """The poll loop with its Consumer. `finished` brings it the offsets of records that have an outcome."""
    properties = clients.consumer_properties(settings) | {"error_cb": ErrorLogger("events")}
    source = KafkaSource(
        lambda **callbacks: clients.new_consumer(properties | callbacks),
        settings.topics,
        settings.start_offset,
        settings.offset_out_of_range,
        telemetry,
        kafka_constraints.starts_s(properties, STARTS_S_MAX),
    )
    options = PollOptions(
        poll_records_max=settings.poll_records_max,
        events_in_flight_max=settings.events_in_flight_max,
        bytes_in_flight_max=settings.bytes_in_flight_max,
        commit_interval_s=settings.commit_interval_ms / 1000,
        drain_timeout_s=settings.drain_timeout_s,
        revoke_timeout_s=settings.revoke_timeout_s,
    )
    return PollLoop(source, settings.mapping_options, delivery, options, telemetry, finished)


def liveness(state: Callable[[], State], loop: PollLoop) -> Liveness:
    """What the health endpoints read."""
    return Liveness(
        state=state,
        has_started=lambda: loop.has_subscribed,
        seconds_since_poll=lambda: time.monotonic() - loop.last_poll_at,
    )


def consumer_lag(settings: Settings, loop: PollLoop) -> ConsumerLag:
    """The lag of this consumer's partitions, with a client of its own."""
    return ConsumerLag(clients.admin_client(settings), lambda: loop.committable)
