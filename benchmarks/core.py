"""
What deciding on an event costs, beside the least that it could.

    decide   the whole business, one event at a time, batches of 500
    floor    on the same events `orjson.loads`, a SHA-256 of each normalised value, and
             `orjson.dumps` of the payload: what any program must do that does the job in Python

The floor gets the normalised values and the payload for nothing. `decide` is measured after as many events
as are measured: what many people share is known by then, as it soon is in a consumer.

    in full  the same events with an override, which the fast mapping leaves to the full one

    python -m benchmarks.core [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import orjson

from benchmarks.events import NOW_MS, RULES, batches, records
from consumer.domain.decision import Deliverable
from consumer.domain.record import Record
from consumer.mapping.decide import decide
from consumer.mapping.event_fields import day_of
from consumer.mapping.normalize.fields import NormalizationContext, NormalizedValue, normalize
from consumer.mapping.normalize.hashing import BatchHasher, SharedDigestCache
from consumer.mapping.tables import HASHED

if TYPE_CHECKING:
    from benchmarks.world import World


class Given(NamedTuple):
    """What the floor need not work for: an event's bytes, its normalised values, its payload."""

    value: bytes
    texts: Sequence[bytes]
    payload: object


def payload_of(record: Record, now_ms: int = NOW_MS) -> bytes:
    """What Meta gets for this record."""
    decision = decide(record, RULES, BatchHasher(), now_ms)
    assert isinstance(decision, Deliverable), decision
    return decision.payload


def given(record: Record) -> Given:
    """What the floor starts from."""
    assert record.value is not None
    user = orjson.loads(record.value)["user"]
    circumstances = NormalizationContext("fr", RULES.default_country, RULES.birthdate_order, day_of(NOW_MS))
    texts = []
    for row in HASHED:
        normalised = normalize(row.key, user[row.plain.key], circumstances)
        assert isinstance(normalised, NormalizedValue)
        texts.append(normalised.text.encode())
    return Given(record.value, texts, orjson.loads(payload_of(record)))


def with_an_override(record: Record) -> Record:
    """The same event with one key of the user's own: the fast mapping has no answer to it."""
    assert record.value is not None
    made = orjson.loads(record.value) | {"integrations": {"facebook": {"custom_data": {"segment": "A"}}}}
    return Record(record.partition, record.offset, record.timestamp_ms, orjson.dumps(made))


def decide_us(polls: Sequence[Sequence[Record]]) -> float:
    """
    Microseconds of the processor, an event, of the second half of the polls.

    The first half teaches what many people share.
    """
    shared = SharedDigestCache()
    half = len(polls) // 2
    _decide_all(polls[:half], shared)
    started = time.process_time()
    _decide_all(polls[half:], shared)
    return (time.process_time() - started) * 1e6 / sum(map(len, polls[half:]))


def _decide_all(polls: Sequence[Sequence[Record]], shared: SharedDigestCache) -> None:
    for poll in polls:
        hasher = BatchHasher(shared)
        for record in poll:
            decide(record, RULES, hasher, NOW_MS)


def floor_us(made: Sequence[Given]) -> float:
    """Microseconds of the processor, an event."""
    started = time.process_time()
    for value, texts, payload in made:
        orjson.loads(value)
        for text in texts:
            sha256(text).hexdigest()
        orjson.dumps(payload)
    return (time.process_time() - started) * 1e6 / len(made)


def measure(world: World) -> dict[str, float]:
    """Both in turn, three times: the middle ones."""
    made = records(world.size.core)
    polls, least = batches(made), [given(record) for record in made[len(made) // 2 :]]
    payloads = [payload_of(record) for record in made]
    pairs = [(decide_us(polls), floor_us(least)) for _ in range(3)]
    overridden = batches([with_an_override(record) for record in made[: len(made) // 6]])
    return {
        "event_bytes": statistics.fmean(len(record.value or b"") for record in made),
        "payload_bytes": statistics.fmean(map(len, payloads)),
        "decide_us": statistics.median(ours for ours, _ in pairs),
        "floor_us": statistics.median(floor for _, floor in pairs),
        "ratio": statistics.median(ours / floor for ours, floor in pairs),
        "full_us": statistics.median(decide_us(overridden) for _ in range(3)),
    }


def main() -> None:
    """Print both, and how they relate, for each round."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=50_000)
    asked = parser.parse_args()
    made = records(asked.events)
    polls, least = batches(made), [given(record) for record in made[len(made) // 2 :]]
    ratios = []
    for _ in range(asked.rounds):
        ours, floor = decide_us(polls), floor_us(least)
        ratios.append(ours / floor)
        print(f"decide {ours:6.1f} µs   floor {floor:6.1f} µs   ratio {ratios[-1]:.2f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.2f}; an event has {len(made[0].value or b'')} bytes")


if __name__ == "__main__":
    main()
