"""
The same work as a FastStream batch subscriber: records come by the thousand, one aiohttp session posts them.

The framework acknowledges a batch, which commits it, when the handler has come to its end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from confluent_kafka import Message
from faststream import AckPolicy, ContextRepo, FastStream
from faststream.confluent import KafkaBroker
from faststream.confluent.annotations import KafkaMessage

from benchmarks.ready import say_ready
from consumer.config.settings import Settings
from consumer.delivery.batcher import envelope_end, request_body
from consumer.domain.decision import Deliverable
from consumer.kafka.conversion import as_record
from consumer.mapping.decide import decide
from consumer.mapping.normalize.hashing import BatchHasher, SharedDigestCache

EVENTS_MAX = 1_000

settings = Settings()
URL = f"{settings.graph_url}/{settings.graph_version}/{settings.pixel_id}/events"
HEADERS = {
    "Authorization": f"Bearer {settings.access_token.get_secret_value()}",
    "Content-Type": "application/json",
}
SHARED = SharedDigestCache()
END = envelope_end(settings.partner_agent, "")
broker = KafkaBroker(settings.bootstrap_servers, logger=None)


@asynccontextmanager
async def session(context: ContextRepo) -> AsyncIterator[None]:
    """One for all requests."""
    async with aiohttp.ClientSession(headers=HEADERS) as opened:
        context.set_global("session", opened)
        yield


app = FastStream(broker, lifespan=session, logger=None)


async def as_it_is(message: KafkaMessage) -> object:
    """Nothing is decoded twice: `decide` reads the bytes."""
    return message.body


Handler = Callable[[list[bytes], KafkaMessage], Awaitable[None]]
subscriber: Callable[[Handler], Handler] = broker.subscriber(
    *settings.topics,
    group_id=settings.group_id,
    auto_offset_reset="earliest",
    batch=True,
    max_records=EVENTS_MAX,
    ack_policy=AckPolicy.REJECT_ON_ERROR,
    on_assign=say_ready,
    decoder=as_it_is,
)


@subscriber
async def handle(_: list[bytes], message: KafkaMessage) -> None:
    """A batch, as the framework hands it over."""
    hasher = BatchHasher(SHARED)
    raw: tuple[Message, ...] = message.raw_message
    records = (as_record(one) for one in raw)
    decisions = [decide(record, settings.mapping_options, hasher, record.timestamp_ms) for record in records]
    batch = [one for one in decisions if isinstance(one, Deliverable)]
    opened: aiohttp.ClientSession = app.context.get("session")
    async with opened.post(URL, data=request_body(batch, END)) as answer:
        answer.raise_for_status()
        await answer.read()


if __name__ == "__main__":
    import asyncio

    asyncio.run(app.run())
