"""An ordinary event, and what is decided about it: the given of the tests of the mapping."""

from __future__ import annotations

from typing import Any

import orjson

from consumer.domain.decision import Decision, Deliverable
from consumer.domain.record import Partition, Record
from consumer.mapping.decide import decide
from consumer.mapping.normalize.hashing import BatchHasher
from consumer.mapping.rules import MappingOptions

NOW_S = 1_763_900_000  # 2025-11-23T12:13:20Z
NOW_MS = NOW_S * 1000
NOW_TEXT = "2025-11-23T12:13:20Z"

Json = Any


def ordinary() -> dict[str, Json]:
    """Enough to match somebody, and nothing to note."""
    return {
        "event_name": "page_view",
        "event_id": "e-1",
        "event_timestamp": NOW_MS,
        "url": "https://shop.example.com/",
        "user": {"id": "u-1", "email": "ann@example.com", "city": "Paris"},
        "browser": {"ip": "8.8.8.8", "user_agent": "Mozilla/5.0"},
    }


def event(changes: dict[str, Json] | None = None, /, **more: Json) -> dict[str, Json]:
    """The ordinary event with values at dotted paths, such as `{"user.email": None}`."""
    made = ordinary()
    for path, value in {**(changes or {}), **more}.items():
        *places, key = path.split(".")
        place = made
        for step in places:
            place = place.setdefault(step, {})
        place[key] = value
    return made


def without(*paths: str) -> dict[str, Json]:
    """The ordinary event without what lies at these paths."""
    made = ordinary()
    for path in paths:
        *places, key = path.split(".")
        place = made
        for step in places:
            place = place[step]
        del place[key]
    return made


def facebook(**overrides: Json) -> dict[str, Json]:
    """The ordinary event with `integrations.facebook`."""
    return event({"integrations.facebook": overrides})


def record(value: Json, *, timestamp_ms: int = NOW_MS, offset: int = 7, **more: Json) -> Record:
    """A record that holds this event, or these bytes, at `shop-3-7`."""
    value = value if isinstance(value, bytes | None) else orjson.dumps(value)
    return Record(Partition("shop", 3), offset, timestamp_ms, value, **more)


def decided(value: Json, rules: MappingOptions | None = None, **more: Json) -> Decision:
    """The decision about an event, or about bytes."""
    return decide(record(value, **more), rules or MappingOptions(), BatchHasher(), NOW_MS)


def sent(value: Json, rules: MappingOptions | None = None, **more: Json) -> dict[str, Json]:
    """The server event that Meta gets."""
    decision = decided(value, rules, **more)
    assert isinstance(decision, Deliverable), decision.reason
    return dict(orjson.loads(decision.payload))


def noted(value: Json, rules: MappingOptions | None = None, **more: Json) -> list[tuple[str, str]]:
    """The notes of a decision, as text."""
    return [(note.field, str(note.code)) for note in decided(value, rules, **more).warnings]


def reason(value: Json, rules: MappingOptions | None = None, **more: Json) -> str | None:
    """Why an event is not sent; None when it is."""
    decision = decided(value, rules, **more)
    return None if isinstance(decision, Deliverable) else str(decision.reason)
