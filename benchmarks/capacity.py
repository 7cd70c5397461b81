"""
How many events can a consumer take to Meta in a second, and what does an event cost it?

    PYTHONPATH=tests python benchmarks/capacity.py [--events 60000] [--rounds 3]

The whole program, `capi-consumer run`, between a real Apache Kafka and a
sandbox with an answer time like Meta's, each in a process of its own. A backlog
of purchases with all eleven hashed fields is taken to its end. What is printed:

    processor   seconds of the consumer's own processes for an event; one core
                can take the inverse of that in a second
    wall        events a second as they came through here, where Kafka, the
                sandbox and the benchmark share the same cores

The first is what a pod with one core can be planned with. It drifts with the
machine: compare within one run. How far it is, the sandbox is asked: an answer
of /metrics costs the consumer as much as hundreds of events.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path

from confluent_kafka import Producer
from eventually import eventually
from system.kafka_cluster import start_cluster
from system.processes import Processes
from system.scene import PIXEL, TOKEN, Scene

sys.path.insert(0, str(Path(__file__).parent))
from decide import records

ANSWER_MS = 150
TICKS = os.sysconf("SC_CLK_TCK")


def processor_s(pid: int) -> float:
    """Seconds that a process has used of any core."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def fill(bootstrap_servers: str, topic: str, events: int) -> int:
    """Write the backlog; the bytes of an event."""
    now = str(int(time.time() * 1000)).encode()
    values = [record.value.replace(b"1763900000000", now) for record in records() if record.value]
    producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 20, "log_level": 0})
    for number in range(events):
        event_id = b'"event_id":"e-%d-' % number
        value = values[number % len(values)].replace(b'"event_id":"e-', event_id)
        producer.produce(topic, value, partition=number % 6)
        if not number % 1000:
            producer.poll(0)
    producer.flush(60)
    return len(values[0])


def start_sandbox(scene: Scene) -> None:
    """A Meta that takes everything, after a while."""
    port = scene.processes.folder / f"port-{uuid.uuid4().hex[:8]}"
    options = ["--port-file", str(port), "--latency-ms", str(ANSWER_MS), "--fast"]
    scene.processes.start("sandbox", "--pixel-id", PIXEL, "--access-token", TOKEN, *options)
    eventually(port.exists, 60, "the sandbox listens")
    scene.graph_url = f"http://127.0.0.1:{port.read_text().strip()}"


def taken(scene: Scene) -> int:
    """Events that Meta has accepted."""
    with urllib.request.urlopen(f"{scene.graph_url}/sandbox/stats", timeout=5) as answer:
        return int(json.load(answer)["events_accepted"])


def measure(scene: Scene, events: int, **settings: str) -> tuple[float, float, float]:
    """Processor seconds an event, events a second, and the resident megabytes at the end."""
    consumer = scene.consumer(
        CAPI_LOG_LEVEL="info",
        CAPI_LINGER_MS="1000",
        CAPI_DEFAULT_COUNTRY="fr",
        CAPI_USER_CONSENT_CATEGORY="",
        **settings,
    )

    eventually(lambda: taken(scene) > events / 10, 120, "the first events are accepted")
    at, used, done = time.monotonic(), processor_s(consumer.child.pid), taken(scene)
    eventually(lambda: taken(scene) > events * 0.95, 600, "nearly all events are accepted")
    seconds, spent = time.monotonic() - at, processor_s(consumer.child.pid) - used
    count = taken(scene) - done
    memory = consumer.metric("process_memory_usage_bytes") / 1e6
    consumer.stop(60)
    return spent / count, count / seconds, memory


def main() -> None:
    """Print one line for each round, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cluster = start_cluster(folder / "kafka")
        processes = Processes(folder)
        try:
            costs = []
            for number in range(given.rounds):
                word = uuid.uuid4().hex[:8]
                scene = Scene(
                    cluster.bootstrap_servers,
                    f"events-{word}",
                    f"letters-{word}",
                    f"group-{word}",
                    processes,
                    folder / f"accepted-{word}.jsonl",
                )
                scene.create_topics(6)
                start_sandbox(scene)
                size = fill(cluster.bootstrap_servers, scene.topic, given.events)
                cost, rate, memory = measure(scene, given.events)
                costs.append(cost)
                print(
                    f"round {number + 1}: {cost * 1e6:4.0f} µs of processor an event of {size} bytes"
                    f" = {1 / cost:6,.0f} events/s a core; {rate:6,.0f} events/s here; {memory:.0f} MB",
                    flush=True,
                )
            cost = statistics.median(costs)
            print(f"median:  {cost * 1e6:4.0f} µs an event, {1 / cost:6,.0f} events/s a core")
        finally:
            with contextlib.redirect_stdout(io.StringIO()):  # the last lines of each process
                processes.end()
            cluster.end()


if __name__ == "__main__":
    main()
