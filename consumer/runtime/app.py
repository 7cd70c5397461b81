"""
`capi-consumer run` at work: starts the parts, waits for the end, and ends them in order.

    main thread     the event loop: batches, requests, dead writer, health
    worker thread   the Consumer: polling, deciding, tracking, committing

How often Python looks for garbage that counting references does not find.

    at start    what was imported stays for good, and is looked at no more
    later       a look for each 50,000 objects more than there were, not for each 700

Nothing of a record refers to itself, so nearly all of it goes when its last
reference does. By default each look goes through the thousands of events in
flight, and finds nothing. What is left for it are the errors of connections,
some 80 small objects each: whoever catches one empties its frames (`delivery/meta_client.py`),
or each would keep a request's body until the next look.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import queue
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import structlog
import uvloop
from confluent_kafka import KafkaException

from consumer import errors
from consumer.config.loading import load_settings
from consumer.config.settings import Settings
from consumer.dead_letters.dlq_breaker import DlqBreaker, log_reminders
from consumer.delivery.circuit_breaker import CircuitBreaker
from consumer.delivery.dispatcher import Dispatcher
from consumer.delivery.in_flight import TaskGroup
from consumer.delivery.meta_client import AccessToken, MetaClient, watch_token
from consumer.diagnostics.preflight import preflight, refuse_unless_ready
from consumer.domain.state import State
from consumer.errors import CommandError
from consumer.kafka import clients
from consumer.observability import logs, metrics, otlp
from consumer.observability.filter_alarm import FilterRateAlarm
from consumer.observability.health import serve_health
from consumer.observability.periodic_logs import StateLogger, log_progress, outcome_counts
from consumer.observability.telemetry import Telemetry
from consumer.runtime import gauges, wiring
from consumer.runtime.poll_loop import PollLoop, PollThread
from consumer.status_page.server import serve_status_page

# Objects of the youngest generation, and looks at the generation before: Python's own are 700, 10, 10.
YOUNG_OBJECTS = 50_000
LOOKS_AT_YOUNGER = 20


def tune() -> None:
    """For the whole process. Called once, when everything is imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, LOOKS_AT_YOUNGER, LOOKS_AT_YOUNGER)


log = structlog.get_logger()

# After the drain: closing the Consumer takes no deadline of its own and can
# hang, so the process ends itself.
CLOSE_S = 10.0
# And then: confluent-kafka may hang with Python's lock in its hand, and no
# thread runs, not even the watchdog's. The chart's grace is 15 s.
LOCKED_S = 2.0
STDERR = 2


def run(settings_file: Path | None, *, resume: bool) -> None:
    """Read, decide and send until told to stop. Raises CannotGoOn where it cannot start or go on."""
    settings = load_settings(file=settings_file, sends=True)
    logs.configure(settings.log_format, settings.log_level)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # there is no dlq_breaker yet, and it would end the process
    signal.signal(signal.SIGTERM, _end_before_the_first_record)
    refuse_unless_ready(preflight(settings, clients.admin_client(settings)))
    tune()
    uvloop.run(_until_signalled(settings, resume))


def _end_before_the_first_record(*_: object) -> None:
    """Nothing is to be drained. The first process of a container hears no signal that it does not catch."""
    raise SystemExit(errors.EXIT_OK)


async def _until_signalled(settings: Settings, resume: bool) -> None:
    stop = asyncio.Event()
    dlq_breaker = DlqBreaker(is_wanted=settings.dlq_breaker, is_released=resume)

    def asked() -> None:
        if stop.is_set():
            log.warning("stopped at once: what was in flight comes again")
            os._exit(errors.EXIT_PARTIAL)
        log.info(
            "stopping: taking no more in; ask again to stop at once", wait_s_max=settings.drain_timeout_s
        )
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, dlq_breaker.resume)
    telemetry = otlp.telemetry(settings.group_id)
    try:
        await consume(settings, telemetry, stop, watchdog=_end_process, dlq_breaker=dlq_breaker)
    finally:
        await asyncio.to_thread(telemetry.close)


async def consume(
    settings: Settings,
    telemetry: Telemetry,
    stop: asyncio.Event,
    watchdog: Callable[[], None] | None = None,
    dlq_breaker: DlqBreaker | None = None,
    on_page: Callable[[str], None] | None = None,
) -> None:
    """
    Consume until `stop` is set, then drain, commit and leave.

    `dlq_breaker` is for who wants to release it; else there is one by the settings.
    `watchdog` is called when leaving takes longer than the drain may. `on_page`
    gets the address of the status page before the first record is taken. Raises
    CannotGoOn where Kafka ends our work for good, and whatever a bug raises.
    """
    for topic in settings.topics:
        telemetry.add(metrics.CONSUMED, 0, topic)
    token = AccessToken(settings)
    breaker = CircuitBreaker(time.monotonic, settings.auth_retry_max_s)
    dlq_breaker = dlq_breaker or DlqBreaker(is_wanted=settings.dlq_breaker)
    filter_alarm = FilterRateAlarm()
    writer = wiring.dead_letter_writer(settings, telemetry)
    finished: wiring.Finished = queue.SimpleQueue()
    async with MetaClient(settings, token, telemetry) as client:
        dispatcher = wiring.dispatcher(settings, client, writer, breaker, dlq_breaker, telemetry, finished)
        delivery = wiring.delivery_handle(dispatcher, breaker, dlq_breaker, filter_alarm, finished)
        loop = wiring.poll_loop(settings, telemetry, delivery, finished)
        thread = PollThread(loop)
        liveness = wiring.liveness(lambda: _state(stop, loop, breaker, dlq_breaker), loop)
        lag = wiring.consumer_lag(settings, loop)
        gauges.register_poll_gauges(telemetry, loop, lag)
        gauges.register_delivery_gauges(telemetry, dispatcher, dlq_breaker, breaker)
        gauges.register_process_gauges(telemetry, liveness, filter_alarm, token)
        async with (
            serve_health(settings.health_address, liveness, telemetry) as port,
            serve_status_page(settings, telemetry) as page_at,
        ):
            log.info("consuming", **_endpoints(settings), health_port=port, page=page_at)
            if on_page is not None:
                on_page(page_at)
            _warn_of_settings(settings)
            background = TaskGroup()
            for work in (
                watch_token(token, breaker),
                log_progress(telemetry),
                log_reminders(dlq_breaker),
                StateLogger(liveness.state, lambda: breaker.throttled_s).watch(),
                lag.watch(),
                writer.watch(),
            ):
                background.start(work)
            thread.start()
            try:
                await _first_of(stop.wait(), thread.ended, dispatcher.failed, background.failed)
            finally:
                stop.set()
                loop.stop()
                with _watched(settings, watchdog):
                    await _leave(thread, background, dispatcher)
    _raise_first(thread.ended, dispatcher.failed, background.failed)
    log.info("left the group", **outcome_counts(telemetry))


async def _leave(thread: PollThread, background: TaskGroup, dispatcher: Dispatcher) -> None:
    """Wait until the poll loop has drained, committed and left the group, then cancel the rest."""
    await asyncio.wait([thread.ended])
    await background.cancel_all()
    await dispatcher.cancel_all()


def _endpoints(settings: Settings) -> dict[str, str]:
    """From where to where: what a person looks at first when nothing arrives."""
    return {
        "topics": ",".join(settings.topics),
        "group": settings.group_id,
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
    found = [error for future in futures if future.done() and (error := future.exception())]
    for error in found:
        if isinstance(error, KafkaException):
            raise CommandError(
                f"Kafka ended our work ({clients.error_name(error)}): see the lines above; nothing was lost"
            ) from None
        raise error


def _state(stop: asyncio.Event, loop: PollLoop, breaker: CircuitBreaker, dlq_breaker: DlqBreaker) -> State:
    if stop.is_set():
        return State.DRAINING
    if dlq_breaker.is_open:  # the one that does not pass by itself
        return State.PAUSED
    return breaker.state if loop.has_joined else State.STARTING


def _warn_of_settings(settings: Settings) -> None:
    """What an operator should know of the settings before the first event is sent."""
    if not settings.user_consent_category:
        log.warning("no consent category is set: every event passes", setting="CAPI_USER_CONSENT_CATEGORY")
    if settings.test_event_code:
        log.warning(
            "a test event code is set: Meta counts test events as live", setting="CAPI_TEST_EVENT_CODE"
        )
    if not settings.dlq_breaker:
        log.warning(
            "the flood dlq_breaker is off: however many dead writer are written", setting="CAPI_DLQ_BREAKER"
        )
    if settings.custom_data_unredacted_keys:
        log.warning("some keys of custom_data are not cleaned", setting="CAPI_CUSTOM_DATA_UNREDACTED_KEYS")


@contextmanager
def _watched(settings: Settings, watchdog: Callable[[], None] | None) -> Iterator[None]:
    """Whoever hangs in here is ended by the watchdog, or by faulthandler, which needs no lock of Python's."""
    if watchdog is None:
        yield
        return
    left_s = settings.drain_timeout_s + CLOSE_S
    timer = threading.Timer(left_s, watchdog)
    timer.daemon = True
    timer.start()
    faulthandler.dump_traceback_later(left_s + LOCKED_S, exit=True, file=STDERR)
    try:
        yield
    finally:
        timer.cancel()
        faulthandler.cancel_dump_traceback_later()


def _end_process() -> None:
    """The group takes too long to leave. Nothing is lost: what is uncommitted comes again."""
    log.error("leaving the group hangs: ending the process")
    os._exit(errors.EXIT_PARTIAL)
