"""
Dead letters that no consumer wrote, replays of them as processes, and what came back.

Each letter has a number, which stands in its value: `arrived` tells how often each came back.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from confluent_kafka import KafkaError, Producer
from support import topics
from support.processes import Running
from support.scenario import Scene
from support.topics import Partition

# Younger than any retention: a record's own time decides when it is deleted.
FIRST_MS = int(time.time() - 3600) * 1000
RECORDS_PER_CHUNK = 200  # what a killed replay may have sent and not committed
REASON = "purchase_without_currency"
WRITE_S_MAX = 30.0


def value(number: int, size: int = 0) -> bytes:
    """An event's, the same for the same number. `size` bytes of noise make it larger."""
    noise = random.Random(number).randbytes(size).hex()
    return json.dumps({"event_name": "purchase", "number": number, "noise": noise}).encode()


def writer(scene: Scene, **properties: str) -> Producer:
    """A producer of letters, for one that is more than the usual."""
    return Producer({"bootstrap.servers": scene.bootstrap_servers, "log_level": 0, **properties})


def write_letters(
    scene: Scene,
    numbers: Iterable[int],
    *,
    value: Callable[[int], bytes | None] = value,
    reason: Callable[[int], str] = lambda _: REASON,
    producer: Producer | None = None,
) -> None:
    """Letters as the consumer writes them, spread over all partitions."""
    failed: list[KafkaError] = []
    producer = producer or writer(scene)
    for number in numbers:
        headers = {
            "dlq.version": "1",
            "dlq.reason": reason(number),
            "dlq.origin-topic": scene.topic,
            "dlq.origin-partition": "0",
            "dlq.origin-offset": str(number),
            "dlq.origin-timestamp": str(FIRST_MS + number),
        }
        producer.produce(
            scene.dead_letter_topic,
            value(number),
            f"u{number % 50}",
            headers=[(name, text.encode()) for name, text in headers.items()],
            timestamp=FIRST_MS + number,
            on_delivery=lambda error, _: failed.append(error) if error else None,
        )
        producer.poll(0)
    assert producer.flush(WRITE_S_MAX) == 0
    assert failed == []


def create_topics(scene: Scene) -> None:
    """Both topics of several partitions, the dead-letter topic too."""
    for topic in (scene.topic, scene.dead_letter_topic):
        topics.create_topic(scene.bootstrap_servers, topic, partitions=3)


def replay(scene: Scene, *arguments: str) -> tuple[int, dict[str, Any]]:
    """`capi-consumer replay ...` to its end: its return code and its summary."""
    ended = scene.processes.run("replay", "--json", *arguments, settings=scene.settings())
    return ended.returncode, json.loads(ended.stdout)


def start_replay(scene: Scene, *arguments: str) -> Running:
    """The same under way, to be stopped or killed."""
    return scene.processes.start("replay", "--json", *arguments, settings=scene.settings())


def summary(replay: Running) -> dict[str, Any]:
    """What a replay said that has ended."""
    return dict(json.loads(replay.stdout.read_text()))


def arrived(scene: Scene) -> Counter[int]:
    """How often each letter's number came back."""
    records = topics.read_to_end(scene.bootstrap_servers, scene.topic)
    return Counter(json.loads(record.value or b"")["number"] for record in records)


def came_back(scene: Scene, at_least: int) -> bool:
    """Whether so many letters stand in the events topic, repeats included."""
    return sum(topics.end_offsets(scene.bootstrap_servers, scene.topic).values()) >= at_least


def progress(scene: Scene) -> dict[Partition, int]:
    """What the group of a replay without filters has committed."""
    return topics.committed_offsets(scene.bootstrap_servers, f"{scene.group}.replay")


def ends(scene: Scene) -> dict[Partition, int]:
    """The next offsets of the dead-letter topic."""
    return topics.end_offsets(scene.bootstrap_servers, scene.dead_letter_topic)
