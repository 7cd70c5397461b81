"""
What the tracker of offsets costs: time of a record, and memory behind stuck records.

    python benchmarks/offsets.py [--rounds 5]

Time is that of the processor, of a record from its start to the commit. In
order is a sink that answers one batch after another; shuffled is any of 20,000
records in flight, and the ratio of the two holds on a machine whose speed
drifts. Memory is what the tracker keeps while each partition's first record is
stuck and its window is full of records that have ended.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import time
import tracemalloc

from consumer.domain.record import Partition
from consumer.kafka.offset_tracker import InFlightOffset, OffsetTracker

RECORDS = 1_000_000
POLL = 500
WINDOW = 20_000
SIZE = 1_000
PARTITION = Partition("events", 0)


def taken(tracker: OffsetTracker, partition: Partition, first: int, count: int) -> list[InFlightOffset]:
    """Tickets of so many records, from that offset on."""
    offsets = range(first, first + count)
    return [ticket for offset in offsets if (ticket := tracker.start(partition, offset, SIZE))]


def cost_ns(in_flight: int, order: list[int]) -> float:
    """Nanoseconds of a record, so many of them started before they end in that order."""
    tracker = OffsetTracker()
    tracker.assign(PARTITION, 0)
    started = time.process_time()
    for first in range(0, RECORDS, in_flight):
        tickets = []
        for offset in range(first, first + in_flight, POLL):
            tickets += taken(tracker, PARTITION, offset, POLL)
            tracker.span_in_flight(PARTITION)
        for number in order:
            tracker.complete(tickets[number])
            if number % POLL == 0:
                tracker.committable()
    return (time.process_time() - started) * 1e9 / RECORDS


def kept_kb(partitions: int) -> float:
    """Memory of a tracker with a stuck record and a full window in each partition."""
    tracker = OffsetTracker()
    ours = [Partition("events", number) for number in range(partitions)]
    gc.collect()
    tracemalloc.start()
    for partition in ours:
        tracker.assign(partition, 0)
        taken(tracker, partition, 0, 1)
        for first in range(1, WINDOW, POLL):
            for ticket in taken(tracker, partition, first, POLL):
                tracker.complete(ticket)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return kept / 1e3


def main() -> None:
    """Print time in both orders, then memory."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    shuffled = list(range(WINDOW))
    random.Random(1).shuffle(shuffled)
    pairs = [(cost_ns(POLL, list(range(POLL))), cost_ns(WINDOW, shuffled)) for _ in range(rounds)]
    in_order, any_order = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(second / first for first, second in pairs)
    print(f"in order {in_order:.0f} ns a record, shuffled {any_order:.0f} ns, ratio {ratio:.1f}")
    for partitions in (1, 10, 100):
        print(
            f"{partitions:>4} stuck partitions, windows of {WINDOW:,}: {kept_kb(partitions):>8,.1f} kB kept"
        )


if __name__ == "__main__":
    main()
