"""
A producer at an even rate, that keeps when each event was given to it.

    python -m benchmarks.paced BROKERS TOPIC EVENTS PARTITIONS RATE FILE

The events are made before the first is produced. `FILE` gets the time of each, in
order, as doubles of unix seconds. What is late is made up for: a rate is kept over each tenth of a second.
"""

from __future__ import annotations

import sys
import time
from array import array
from pathlib import Path

from benchmarks.backlog import FLUSH_S_MAX, producer, values

TICK_S = 0.005


def main() -> None:
    """Produce them all."""
    brokers, topic, events, partitions, rate, file = sys.argv[1:]
    made = list(values(int(events), int(partitions)))
    writer = producer(brokers, linger_ms=5)
    produced = array("d")
    began = time.perf_counter()
    for number, (partition, value) in enumerate(made):
        while number > (time.perf_counter() - began) * float(rate):
            writer.poll(TICK_S)
        produced.append(time.time())
        writer.produce(topic, value, partition=partition)
    left = writer.flush(FLUSH_S_MAX)
    Path(file).write_bytes(produced.tobytes())
    sys.exit(1 if left else 0)


if __name__ == "__main__":
    main()
