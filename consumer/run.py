"""
`capi-consumer run`: wires the parts together, starts them, and ends them in order.

    main thread     the event loop: batches, requests, dead letters, health
    worker thread   the Consumer: polling, deciding, tracking, committing
"""

from __future__ import annotations

import asyncio
import os
import queue
import random
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from urllib.parse import urlsplit

import structlog
import uvloop
from confluent_kafka import KafkaException

from consumer import __version__, exits, kafka, logs, metrics, poll_interval
from consumer.access_token import AccessToken
from consumer.core.batching import Limits, envelope_end
from consumer.core.letter import Writer
from consumer.core.offsets import GivenUp, Ticket
from consumer.core.record import Partition
from consumer.dead_letters import ONE_BY_ONE, DeadLetters
from consumer.delivery import Clocks, Delivery, Terms
from consumer.exits import CannotGoOn
from consumer.gate import Gate
from consumer.health import Vital, served
from consumer.load_settings import load_settings
from consumer.preflight import preflight, refuse_unless_ready
from consumer.progress_lines import ends, tell_progress
from consumer.settings import Settings
from consumer.sink import Sink
from consumer.source import STARTS_S_MAX, Source
from consumer.state import State
from consumer.telemetry import Telemetry
from consumer.terminal import SettingsFile
from consumer.worker import Handover, Pace, Worker
from consumer.worker_thread import WorkerThread

log = structlog.get_logger()

TOKEN_POLL_S = 1.0
# After the drain: closing the Consumer takes no deadline of its own and can
# hang, so the process ends itself.
CLOSE_S = 10.0


def run(settings_file: SettingsFile = None) -> None:
    """Read the events topics and send to Meta until told to stop (SIGTERM drains; a second one does not)."""
    settings = load_settings(file=settings_file, sends=True)
    logs.configure(settings.log_format, settings.log_level)
    refuse_unless_ready(preflight(settings, kafka.admin_client(settings)))
    uvloop.run(_until_signalled(settings))


async def _until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()

    def asked() -> None:
        if stop.is_set():
            log.warning("stopped at once: what was in flight comes again")
            os._exit(exits.NOT_ALL)
        log.info(
            "stopping: taking no more in; ask again to stop at once", wait_s_max=settings.drain_timeout_s
        )
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked)
    await consume(settings, Telemetry(), stop, watchdog=_end_process)


async def consume(
    settings: Settings, telemetry: Telemetry, stop: asyncio.Event, watchdog: Callable[[], None] | None = None
) -> None:
    """
    Consume until `stop` is set, then drain, commit and leave.

    `watchdog` is called when leaving takes longer than the drain may. Raises
    CannotGoOn where Kafka ends our work for good, and whatever a bug raises.
    """
    token = AccessToken(settings)
    gate = Gate(time.monotonic, settings.setup_retry_s)
    letters = _dead_letters(settings, telemetry)
    ended: queue.SimpleQueue[list[Ticket] | GivenUp] = queue.SimpleQueue()
    async with Sink(settings, token) as sink:
        delivery = Delivery(sink, letters, gate, _terms(settings), _clocks(), ended.put, telemetry)
        worker = _worker(settings, telemetry, delivery, gate, ended)
        thread = WorkerThread(worker)
        vital = Vital(lambda: _state(stop, worker, gate), lambda: time.monotonic() - worker.turned_at)
        _register_gauges(telemetry, worker, delivery, vital)
        async with served(settings.health_address, vital, telemetry) as port:
            log.info("consuming", **_where(settings), health_port=port)
            _warn_of_settings(settings)
            beside = [
                asyncio.create_task(_watch_token(token, gate)),
                asyncio.create_task(tell_progress(telemetry)),
            ]
            thread.start()
            try:
                await _first_of(stop.wait(), thread.ended, delivery.broken)
            finally:
                stop.set()
                worker.stop()
                timer = _set_watchdog(settings, watchdog) if watchdog else None
                await asyncio.wait([thread.ended])
                for task in beside:
                    task.cancel()
                await delivery.abandon()
                if timer is not None:
                    timer.cancel()
    _raise_first(thread.ended, delivery.broken)
    log.info("left the group", **ends(telemetry))


def _where(settings: Settings) -> dict[str, str]:
    """From where to where: what a person looks at first when nothing arrives."""
    return {
        "topics": ",".join(settings.topics),
        "group": settings.group,
        "brokers": settings.bootstrap_servers,
        "pixel": settings.pixel_id,
        "graph": urlsplit(settings.graph_url).hostname or "",
    }


async def _first_of(*waited: Awaitable[object]) -> None:
    tasks = [asyncio.ensure_future(one) for one in waited]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task, one in zip(tasks, waited, strict=True):
        if task is not one:
            task.cancel()


def _raise_first(*futures: asyncio.Future[None]) -> None:
    """What went wrong, if anything did. A Kafka error becomes one line."""
    errors = [error for future in futures if future.done() and (error := future.exception())]
    for error in errors:
        if isinstance(error, KafkaException):
            raise CannotGoOn(
                f"Kafka ended our work ({kafka.error_name(error)}): see the lines above; nothing was lost"
            ) from None
        raise error


# Wiring


def _dead_letters(settings: Settings, telemetry: Telemetry) -> DeadLetters:
    def writer() -> Writer:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return Writer(settings.group, __version__, now)

    properties = kafka.producer_properties(settings) | ONE_BY_ONE
    return DeadLetters(
        settings.dead_letter_topic, lambda: kafka.new_producer(properties), writer, telemetry, random.random
    )


def _terms(settings: Settings) -> Terms:
    return Terms(
        Limits(settings.batch_events_max, settings.request_bytes_max, settings.linger_ms / 1000),
        envelope_end(settings.partner_agent, settings.test_event_code),
        settings.requests_in_flight_max,
        settings.backoff_max_s,
        settings.stuck_after_s,
        settings.hold_s,
    )


def _clocks() -> Clocks:
    return Clocks(time.time, time.monotonic, random.random)


def _worker(
    settings: Settings,
    telemetry: Telemetry,
    delivery: Delivery,
    gate: Gate,
    ended: queue.SimpleQueue[list[Ticket] | GivenUp],
) -> Worker:
    loop = asyncio.get_running_loop()

    def in_loop(call: Callable[..., None]) -> Callable[..., None]:
        def hand_over(*given: object) -> None:
            loop.call_soon_threadsafe(delivery.guarded, call, *given)

        return hand_over

    def let_go(partitions: Collection[Partition]) -> None:
        ended.put(GivenUp(delivery.let_go(partitions)))

    handover = Handover(
        in_loop(delivery.accept),
        in_loop(delivery.hurry),
        lambda: gate.state is State.RUNNING and not delivery.broken.done(),
        in_loop(let_go),
    )
    properties = kafka.consumer_properties(settings)
    source = Source(
        lambda **callbacks: kafka.new_consumer(properties | callbacks),
        settings.topics,
        settings.start,
        settings.out_of_range,
        telemetry,
        poll_interval.starts_s(properties, STARTS_S_MAX),
    )
    pace = Pace(
        settings.poll_records_max,
        settings.events_in_flight_max,
        settings.bytes_in_flight_max,
        settings.commit_interval_ms / 1000,
        settings.drain_timeout_s,
        settings.revoke_timeout_s,
    )
    return Worker(source, settings.rules, handover, pace, telemetry, ended)


def _register_gauges(telemetry: Telemetry, worker: Worker, delivery: Delivery, vital: Vital) -> None:
    telemetry.read_from(metrics.IN_FLIGHT, lambda: {(): worker.events_in_flight})
    telemetry.read_from(metrics.IN_FLIGHT_BYTES, lambda: {(): worker.bytes_in_flight})
    telemetry.read_from(metrics.EVENTS_HELD, lambda: {(): delivery.events_held})
    telemetry.read_from(metrics.PARTITIONS_STOPPED, lambda: {(): worker.partitions_stopped})
    telemetry.read_from(metrics.REQUESTS_IN_FLIGHT, lambda: {(): delivery.requests_in_flight})
    telemetry.read_from(metrics.STATE, lambda: {(s.value,): float(s is vital.state()) for s in State})


def _state(stop: asyncio.Event, worker: Worker, gate: Gate) -> State:
    if stop.is_set():
        return State.DRAINING
    return gate.state if worker.has_joined else State.STARTING


def _warn_of_settings(settings: Settings) -> None:
    """What an operator should know of the settings before the first event is sent."""
    if not settings.user_consent_category:
        log.warning("no consent category is set: every event passes", setting="CAPI_USER_CONSENT_CATEGORY")
    if settings.test_event_code:
        log.warning(
            "a test event code is set: Meta counts test events as live", setting="CAPI_TEST_EVENT_CODE"
        )
    if settings.custom_data_allow:
        log.warning("some keys of custom_data are not cleaned", setting="CAPI_CUSTOM_DATA_ALLOW")


async def _watch_token(token: AccessToken, gate: Gate) -> None:
    """While Meta refuses us: a changed token file is tried at once."""
    while True:
        await asyncio.sleep(TOKEN_POLL_S)
        if gate.state is State.SETUP and token.reread():
            log.info("the token has changed: trying again")
            gate.retry_now()


def _set_watchdog(settings: Settings, watchdog: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(settings.drain_timeout_s + CLOSE_S, watchdog)
    timer.daemon = True
    timer.start()
    return timer


def _end_process() -> None:
    """The group takes too long to leave. Nothing is lost: what is uncommitted comes again."""
    log.error("leaving the group hangs: ending the process")
    os._exit(exits.NOT_ALL)
