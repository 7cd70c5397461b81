"""
What a byte of a record in flight costs in memory: the number behind the chart's `bytes_in_flight_max`.

    python benchmarks/memory.py [--mebibytes 128] [--events 20000]

For each size of event a process of its own takes records until so many bytes or
events are in flight, decides on them as the worker does, holds what the
delivery holds, and says by how much its resident memory grew.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import orjson

from consumer.delivery.in_flight import InFlightEvent
from consumer.domain.decision import Deliverable
from consumer.domain.record import Partition, Record
from consumer.kafka.offset_tracker import OffsetTracker
from consumer.mapping.decide import decide
from consumer.mapping.normalize.hashing import BatchHasher
from consumer.mapping.rules import MappingOptions
from consumer.runtime import app  # noqa: F401 - what `run` imports is there before the first record

NOW_MS = 1_763_900_000_000
POLL = 500
MIB = 1024 * 1024
SIZES = (700, 2_000, 6_700, 60_000, 200_000)


def value(number: int, size: int) -> bytes:
    """A purchase of about this many bytes: so many items."""
    item = {"quantity": 1, "product": {"id": f"sku-{number}", "name": "Candle of wax", "price": 12.5}}
    event = {
        "event_name": "purchase",
        "id": f"O-{number}",
        "amount": 12.5,
        "currency": "EUR",
        "context": {"event_id": f"c-{number}", "event_timestamp": NOW_MS},
        "url": "https://www.example.fr/thanks",
        "user": {
            "id": f"u-{number}",
            "email": f"u{number}@example.fr",
            "phone": "06 12 34 56 78",
            "city": "Nantes",
        },
        "browser": {"ip": "192.0.2.17", "user_agent": "Mozilla/5.0"},
    }
    room = size - len(orjson.dumps(event))
    return orjson.dumps({**event, "items": [item] * max(1, room // len(orjson.dumps(item)))})


def resident() -> float:
    """Resident memory in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def values(file: Path) -> Iterator[bytes]:
    """Each value of the file, after its length in four bytes."""
    with file.open("rb") as lines:
        while head := lines.read(4):
            yield lines.read(int.from_bytes(head))


def hold(file: Path) -> None:
    """Take in all values of the file, and say what that cost."""
    before = resident()
    partition, tracker, held = Partition("events", 0), OffsetTracker(), []
    tracker.assign(partition, 0)
    hasher = BatchHasher()
    for offset, each in enumerate(values(file)):
        if offset % POLL == 0:
            hasher = BatchHasher()
        record = Record(partition, offset, NOW_MS, each)
        ticket = tracker.start(partition, offset, record.size)
        decision = decide(record, MappingOptions(), hasher, NOW_MS)
        if ticket and isinstance(decision, Deliverable):
            held.append(InFlightEvent(ticket, record, decision))
    size, grown = tracker.bytes_in_flight / MIB, resident() - before
    print(f"{len(held):>7,} {size:>9.1f} {before:>8.0f} {grown:>8.0f} {grown / size:>9.1f}")


def main() -> None:
    """A row for each size of event."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    options.add_argument("--mebibytes", type=int, default=128)
    options.add_argument("--events", type=int, default=20_000)
    options.add_argument("--hold", type=Path, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.hold:
        hold(asked.hold)
        return
    print(" events  MiB held   before    grown  per byte")
    for size in SIZES:
        with tempfile.NamedTemporaryFile() as file:
            written = number = 0
            while written < asked.mebibytes * MIB and number < asked.events:
                made = value(number, size)
                file.write(len(made).to_bytes(4) + made)
                written, number = written + len(made), number + 1
            file.flush()
            subprocess.run([sys.executable, __file__, "--hold", file.name], check=True)


if __name__ == "__main__":
    main()
