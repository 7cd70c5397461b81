"""
Which of the eleven hashed fields costs `decide` what.

    python -m benchmarks.fields [--rounds 5]

What a property costs is what `decide` gains when it is not there, as a share of the whole that was measured
just before: the share holds on a machine whose speed drifts, and a wide range says that this one was busy.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator

import orjson

from benchmarks.core import decide_us
from benchmarks.events import batches, records
from consumer.domain.record import Record
from consumer.mapping.tables import HASHED

EVENTS = 5_000


def without(made: list[Record], key: str) -> Iterator[Record]:
    """The same records without one property of `user`."""
    for record in made:
        event = orjson.loads(record.value or b"{}")
        event["user"].pop(key)
        yield Record(record.partition, record.offset, record.timestamp_ms, orjson.dumps(event))


def main() -> None:
    """Print the whole, then each property."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    made = records(EVENTS)
    whole = batches(made)
    fewer = {row.plain.key: batches(list(without(made, row.plain.key))) for row in HASHED}
    shares: dict[str, list[float]] = {key: [] for key in fewer}
    costs = []
    for _ in range(rounds):
        for key, polls in fewer.items():
            costs.append(decide_us(whole))
            shares[key].append(100 * (1 - decide_us(polls) / costs[-1]))
    print(f"{'all eleven':<12}{statistics.median(costs):>6.1f} µs an event")
    for key, found in shares.items():
        print(f"{key:<12}{statistics.median(found):>6.0f} %  ({min(found):.0f} to {max(found):.0f})")


if __name__ == "__main__":
    main()
