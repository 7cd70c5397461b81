"""
One clearly made-up event, for `check --send-test-event`: a page view of nobody, on example.com.

It goes the way of every other event, with the settings' own rules and the
consent that they ask for, so that what Meta takes of it, it takes of others.
The address and the host are those that are reserved for documentation.
"""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from consumer.config.settings import Settings
from consumer.domain.decision import Decision
from consumer.domain.record import Partition, Record
from consumer.mapping.decide import decide
from consumer.mapping.normalize.hashing import BatchHasher

EVENT_NAME = "capi-consumer-check"


def event_id(now_ms: int) -> str:
    """By which it is found in Events Manager."""
    return f"{EVENT_NAME}-{now_ms}"


def synthetic_event(settings: Settings, now_ms: int) -> Decision:
    """What becomes of it; anything but a Deliverable means settings that let hardly anything through."""
    category = settings.user_consent_category
    event = {
        "event_name": "page_view",
        "consent_categories": [category] if category else [],
        "context": {
            "event_id": event_id(now_ms),
            "event_timestamp": datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(),
        },
        "url": f"https://www.example.com/{EVENT_NAME}",
        "user": {
            "id": EVENT_NAME,
            "email": f"{EVENT_NAME}@example.com",
            "country": "FR",
            "city": "Paris",
            "zipcode": "75001",
        },
        "browser": {"ip": "192.0.2.1", "user_agent": f"Mozilla/5.0 ({EVENT_NAME})"},
    }
    record = Record(Partition(EVENT_NAME, 0), 0, now_ms, orjson.dumps(event))
    return decide(record, settings.mapping_options, BatchHasher(), now_ms)
