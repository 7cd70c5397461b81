"""librdkafka's mock cluster, for component tests: brokers inside this process, gone with it."""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition


class MockKafka:
    """Brokers on 127.0.0.1 that make a topic when it is written to. They know no admin request."""

    def __init__(self, brokers: int = 1) -> None:
        self._cluster = Producer(
            {"bootstrap.servers": "unused", "test.mock.num.brokers": brokers, "log_level": 0}
        )
        found = self._cluster.list_topics(timeout=10).brokers.values()
        self.bootstrap_servers = ",".join(f"{broker.host}:{broker.port}" for broker in found)

    def make_topic(self, name: str) -> None:
        self._cluster.list_topics(name, timeout=10)

    def records(self, topic: str, deadline_s: float = 10.0) -> list[Any]:
        """Every record of the topic as it stands, partition by partition."""
        consumer = Consumer(
            {"bootstrap.servers": self.bootstrap_servers, "group.id": "reader", "log_level": 0}
        )
        try:
            parts = consumer.list_topics(topic, timeout=deadline_s).topics[topic].partitions
            ends = {
                part: consumer.get_watermark_offsets(TopicPartition(topic, part), timeout=deadline_s)[1]
                for part in parts
            }
            consumer.assign([TopicPartition(topic, part, 0) for part in parts])
            wanted = sum(ends.values())
            found = consumer.consume(wanted, timeout=deadline_s) if wanted else []
        finally:
            consumer.close()
        assert [message.error() for message in found] == [None] * wanted
        return sorted(found, key=lambda message: (message.partition(), message.offset()))
