"""
A small world for the consumer: mock brokers, a sandbox, and settings between them.

The brokers are librdkafka's own mock cluster, a part of the Kafka client that
speaks the real protocol over real sockets on this machine. It makes a topic
when it is asked for it, keeps about 5 MB of each partition in memory, and knows
no administration. The settings are the demo's alone: nothing of the user's
environment reaches them.

A thousand events of a shop, shipped with the package, with the times of today.

    {"end": "accepted", "id": "6d1...", "event": {"event_timestamp": "{{now-3600}}", ...}}

One line of shop.jsonl is an event (or a `text`, where the sample is not
JSON) beside what becomes of it: `accepted`, or a reason. Times are written as
seconds from now, so that the samples never grow old:

    "{{now-3600}}"      a number: unix seconds, an hour ago
    "{{now_ms-3600}}"   a number: the same in milliseconds
    "{{now_iso-3600}}"  a text: the same as RFC 3339
    "fb.1.{{now_ms-60}}.AbC"   inside a text, as text
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import NamedTuple

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from consumer.config.settings import LogFormat, LogLevel, Settings
from consumer.errors import CommandError
from consumer.kafka import clients
from consumer.observability.telemetry import Telemetry
from consumer.runtime.app import consume
from consumer.sandbox.server import Sandbox
from consumer.sandbox.settings import SandboxSettings

ACCEPTED = "accepted"
# The consent category that stands for advertising in the samples.
ADVERTISING = "3"

# Alone between quotes it stands for a number, except a date, which is text.
TIME = re.compile(rb'"\{\{(now|now_ms)([+-]\d+)\}\}"|\{\{(now|now_ms|now_iso)([+-]\d+)\}\}')


class Sample(NamedTuple):
    """One event. `end` is `accepted` or a reason; `event_id` is what Meta gets, None where it is made up."""

    value: bytes
    expected: str
    event_id: str | None
    about: str


def shop_samples(now_s: float) -> list[Sample]:
    """All samples, oldest first, as if they were read at `now_s` (unix seconds)."""
    shipped = resources.files("consumer.demo") / "shop.jsonl"
    return [_sample(line) for line in with_times(shipped.read_bytes(), now_s).splitlines()]


def with_times(template: bytes, now_s: float) -> bytes:
    """The template with its times filled in."""
    return TIME.sub(lambda found: _time(found, now_s), template)


def _time(found: re.Match[bytes], now_s: float) -> bytes:
    kind = (found[1] or found[3]).decode()
    seconds = int(now_s) + int(found[2] or found[4])
    if kind == "now_iso":
        return datetime.fromtimestamp(seconds, UTC).isoformat().encode()
    return str(seconds * 1000 if kind == "now_ms" else seconds).encode()


def _sample(line: bytes) -> Sample:
    fields = orjson.loads(line)
    value = orjson.dumps(fields["event"]) if "event" in fields else fields["text"].encode()
    return Sample(value, fields["end"], fields["id"], fields.get("about", ""))


EVENTS = "capi.events"
DEAD_LETTERS = "capi.dead-letters"
PARKED = "capi.parked"
SETTLED_WITHIN_S = 45.0
POLL_S = 0.05


class DemoSettings(Settings):
    """Settings that come from their arguments only."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The arguments alone."""
        return (init_settings,)


@dataclass(frozen=True, slots=True)
class DemoEnvironment:
    """Everything that the story needs."""

    settings: Settings
    sandbox: Sandbox
    telemetry: Telemetry
    settled: Callable[[], Awaitable[None]]
    page: str


@asynccontextmanager
async def demo_environment() -> AsyncIterator[DemoEnvironment]:
    """Brokers, sandbox and consumer, running until the end of the block."""
    sandbox_settings = SandboxSettings()
    with mock_brokers() as bootstrap_servers:
        async with Sandbox(sandbox_settings) as sandbox:
            settings = _settings(bootstrap_servers, sandbox.url, sandbox_settings)
            telemetry, stop = Telemetry(), asyncio.Event()
            page: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            consuming = asyncio.create_task(consume(settings, telemetry, stop, on_page=page.set_result))
            try:
                await _begun(page, consuming)
                yield DemoEnvironment(
                    settings, sandbox, telemetry, lambda: _settled(settings, consuming), page.result()
                )
            finally:
                stop.set()
                await consuming
                telemetry.close()


@contextmanager
def mock_brokers() -> Iterator[str]:
    """One broker in this process, with the topics; gives its address. It lives as long as its Producer."""
    cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
    for topic in (EVENTS, DEAD_LETTERS, PARKED):
        cluster.list_topics(topic, timeout=clients.METADATA_TIMEOUT_S)
    brokers = cluster.list_topics(timeout=clients.METADATA_TIMEOUT_S).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in brokers)


def _settings(bootstrap_servers: str, graph_url: str, sandbox: SandboxSettings) -> Settings:
    """The defaults, but for the addresses, the consent category of the samples, and a quick pace."""
    return DemoSettings.model_validate(
        {
            "bootstrap_servers": bootstrap_servers,
            "topics": [EVENTS],
            "dead_letter_topic": DEAD_LETTERS,
            "parking_topic": PARKED,
            "graph_url": graph_url,
            "pixel_id": sandbox.pixel_id,
            "access_token": sandbox.access_token,
            "user_consent_category": ADVERTISING,
            "linger_ms": 200,
            "commit_interval_ms": 100,
            "health_address": "127.0.0.1:0",
            "log_format": LogFormat.CONSOLE,
            "log_level": LogLevel.ERROR,
        }
    )


async def _begun(page: asyncio.Future[str], consuming: asyncio.Task[None]) -> None:
    """Wait until the live page is there. Raises what kept the consumer from coming so far."""
    consuming.add_done_callback(lambda _: page.cancel())
    try:
        await page
    except asyncio.CancelledError:
        if not consuming.done():
            raise
        await consuming


async def _settled(settings: Settings, consuming: asyncio.Task[None]) -> None:
    """Wait until the offset of every record is committed. Raises CannotGoOn when that takes too long."""
    until = time.monotonic() + SETTLED_WITHIN_S
    properties = clients.consumer_properties(settings)
    looking = clients.new_consumer(properties)
    try:
        while not await asyncio.to_thread(_is_settled, looking, settings.topics):
            if consuming.done():
                await consuming
            if consuming.done() or time.monotonic() > until:
                raise CommandError("the consumer did not come to the end of the events: run the demo again")
            await asyncio.sleep(POLL_S)
    finally:
        looking.close()


def _is_settled(looking: Consumer, topics: tuple[str, ...]) -> bool:
    """Whether the group has committed the end of every partition; one that was never written to has none."""
    listed = looking.list_topics(timeout=clients.METADATA_TIMEOUT_S).topics
    places = [TopicPartition(topic, number) for topic in topics for number in listed[topic].partitions]
    for place in looking.committed(places, timeout=clients.METADATA_TIMEOUT_S):
        _, end = looking.get_watermark_offsets(place, timeout=clients.METADATA_TIMEOUT_S, cached=False)
        if max(0, place.offset) < end:
            return False
    return True
