"""
The parts of a running consumer, each made from the settings and given the others it talks to.

    settings -> terms, clocks -> Delivery -----> handover -> Worker <- Source, pace
             -> dead letters ------^  '-- ended tickets: a queue --^ |
                                                        vital, lag <-'

Nothing is started here, and nothing decided: see `run` and `worker`.
"""

from __future__ import annotations

import asyncio
import queue
import random
import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime

from consumer import __version__
from consumer.config import poll_interval
from consumer.config.settings import Settings
from consumer.dead_letters.dlq_breaker import DlqBreaker
from consumer.dead_letters.headers import WrittenBy
from consumer.dead_letters.writer import ONE_BY_ONE, DeadLetterWriter
from consumer.delivery.batcher import Limits, envelope_end
from consumer.delivery.circuit_breaker import Gate
from consumer.delivery.dispatcher import Delivery
from consumer.delivery.meta_client import Sink
from consumer.delivery.terms import Clocks, Terms
from consumer.domain.decision import Reason
from consumer.domain.record import Partition
from consumer.domain.state import State
from consumer.kafka import clients
from consumer.kafka.consumer import KafkaSource
from consumer.kafka.errors import ErrorLogger
from consumer.kafka.lag import ConsumerLag
from consumer.kafka.offset_tracker import InFlightOffset, Released
from consumer.kafka.start_offsets import STARTS_S_MAX
from consumer.observability.filter_watch import FilterRateAlarm
from consumer.observability.health import Liveness
from consumer.observability.telemetry import Telemetry
from consumer.runtime.loop_bridge import DeliveryHandle
from consumer.runtime.poll_loop import PollLoop, PollOptions

Ended = queue.SimpleQueue[list[InFlightOffset] | Released]


def dead_letters(settings: Settings, telemetry: Telemetry) -> DeadLetterWriter:
    """The writer of dead letters, with a producer of its own."""

    def writer() -> WrittenBy:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return WrittenBy(settings.group_id, __version__, now)

    properties = (
        clients.producer_properties(settings) | ONE_BY_ONE | {"error_cb": ErrorLogger("dead letters")}
    )
    return DeadLetterWriter(
        settings.dead_letter_topic, lambda: clients.new_producer(properties), writer, telemetry, random.random
    )


def terms(settings: Settings) -> Terms:
    """What delivery is told of the settings."""
    return Terms(
        limits=Limits(settings.batch_events_max, settings.request_bytes_max, settings.linger_ms / 1000),
        envelope_end=envelope_end(settings.partner_agent, settings.test_event_code),
        requests_in_flight_min=settings.requests_in_flight_min,
        requests_in_flight_max=settings.requests_in_flight_max,
        backoff_max_s=settings.backoff_max_s,
        stuck_after_s=settings.poison_after_s,
        hold_s=settings.send_delay_s,
    )


def clocks() -> Clocks:
    """This machine's time and chance."""
    return Clocks(time.time, time.monotonic, random.random)


def delivery(
    settings: Settings,
    sink: Sink,
    letters: DeadLetterWriter,
    gate: Gate,
    brake: DlqBreaker,
    telemetry: Telemetry,
    ended: Ended,
) -> Delivery:
    """Delivery, as the settings say. `ended` takes the tickets that are settled."""
    return Delivery(sink, letters, gate, terms(settings), clocks(), ended.put, telemetry, brake)


def delivery_handle(
    delivery: Delivery, gate: Gate, brake: DlqBreaker, watch: FilterRateAlarm, ended: Ended
) -> DeliveryHandle:
    """The way from the worker's thread to this event loop, in which delivery, gate and brake are."""
    loop = asyncio.get_running_loop()

    def decided(reasons: Sequence[Reason | None]) -> None:
        brake.record_decisions(reasons)
        watch.record_decisions(reasons)

    def in_loop(call: Callable[..., None]) -> Callable[..., None]:
        def hand_over(*given: object) -> None:
            loop.call_soon_threadsafe(delivery.guarded, call, *given)

        return hand_over

    def let_go(partitions: Collection[Partition]) -> None:
        ended.put(Released(delivery.let_go(partitions)))

    def can_deliver() -> bool:
        # Behind a closed gate too: what Meta is answering may still be accepted.
        return (gate.state is State.RUNNING or delivery.is_awaiting) and not delivery.broken.done()

    return DeliveryHandle(
        accept=in_loop(delivery.accept),
        flush=in_loop(delivery.hurry),
        can_deliver=can_deliver,
        record_decisions=in_loop(decided),
        dlq_breaker=brake,
        release_delayed=in_loop(let_go),
        asked=lambda: delivery.asked,
    )


def poll_loop(settings: Settings, telemetry: Telemetry, handover: DeliveryHandle, ended: Ended) -> PollLoop:
    """The worker with its source. `ended` brings it the tickets that are settled."""
    properties = clients.consumer_properties(settings) | {"error_cb": ErrorLogger("events")}
    source = KafkaSource(
        lambda **callbacks: clients.new_consumer(properties | callbacks),
        settings.topics,
        settings.start_offset,
        settings.offset_out_of_range,
        telemetry,
        poll_interval.starts_s(properties, STARTS_S_MAX),
    )
    pace = PollOptions(
        poll_records_max=settings.poll_records_max,
        events_in_flight_max=settings.events_in_flight_max,
        bytes_in_flight_max=settings.bytes_in_flight_max,
        commit_interval_s=settings.commit_interval_ms / 1000,
        drain_timeout_s=settings.drain_timeout_s,
        revoke_timeout_s=settings.revoke_timeout_s,
    )
    return PollLoop(source, settings.mapping_options, handover, pace, telemetry, ended)


def liveness(state: Callable[[], State], worker: PollLoop) -> Liveness:
    """What health is read from."""
    return Liveness(
        state=state,
        has_started=lambda: worker.has_subscribed,
        seconds_since_poll=lambda: time.monotonic() - worker.last_poll_at,
    )


def lag(settings: Settings, worker: PollLoop) -> ConsumerLag:
    """The lag of the worker's partitions, with a client of its own."""
    return ConsumerLag(clients.admin_client(settings), lambda: worker.done)
