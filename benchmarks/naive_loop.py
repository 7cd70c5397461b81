"""
The plain loop, as most people write it: poll a record, decide, collect a thousand, post, commit.

The same `decide` and the same body as this project's; one `requests` session. It is no example to follow: a
request that is not accepted ends it, and it has nowhere to put an event that cannot be sent.
"""

from __future__ import annotations

import signal
import threading

import requests
from confluent_kafka import Consumer

from benchmarks.ready import say_ready
from consumer.config.settings import Settings
from consumer.delivery.batcher import envelope_end, request_body
from consumer.domain.decision import Deliverable
from consumer.kafka.conversion import as_record
from consumer.mapping.decide import decide
from consumer.mapping.normalize.hashing import BatchHasher, SharedDigestCache

EVENTS_MAX = 1_000
WAIT_S = 1.0


def main() -> None:
    """Until SIGTERM."""
    settings = Settings()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    consumer = Consumer(
        {
            "bootstrap.servers": settings.bootstrap_servers,
            "group.id": settings.group_id,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    consumer.subscribe(list(settings.topics), on_assign=say_ready)
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {settings.access_token.get_secret_value()}"
    session.headers["Content-Type"] = "application/json"
    url = f"{settings.graph_url}/{settings.graph_version}/{settings.pixel_id}/events"
    end = envelope_end(settings.partner_agent, "")
    batch: list[Deliverable] = []
    shared = SharedDigestCache()
    hasher = BatchHasher(shared)
    while not stop.is_set():
        message = consumer.poll(WAIT_S)
        if message is not None and not message.error():
            record = as_record(message)
            decision = decide(record, settings.mapping_options, hasher, record.timestamp_ms)
            if isinstance(decision, Deliverable):
                batch.append(decision)
        if len(batch) == EVENTS_MAX or (batch and message is None):
            session.post(url, data=request_body(batch, end), timeout=10).raise_for_status()
            consumer.commit(asynchronous=False)
            batch, hasher = [], BatchHasher(shared)
    consumer.close()


if __name__ == "__main__":
    main()
