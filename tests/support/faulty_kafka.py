"""
Brokers that answer with an error on request: librdkafka's mock cluster, spoken to directly.

confluent-kafka offers no Python for it, so the few C functions are called in
the very library that the package brings. The brokers live in this process and
end with `close`.
"""

from __future__ import annotations

import ctypes
from enum import IntEnum
from pathlib import Path
from typing import Self

import confluent_kafka
from confluent_kafka import KafkaError, Producer
from support.mock_kafka import MockKafka

PRODUCER, CONSUMER = 0, 1
ERROR_BYTES = 512
# Three seconds by default, as in a broker.
GROUP_DELAY_MS = 50


class Request(IntEnum):
    """Requests by Kafka's API keys."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    OFFSET_COMMIT = 8
    OFFSET_FETCH = 9
    FIND_COORDINATOR = 10
    JOIN_GROUP = 11
    HEARTBEAT = 12
    SYNC_GROUP = 14


def _library() -> ctypes.CDLL:
    folder = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    (path,) = folder.glob("librdkafka-*")
    library = ctypes.CDLL(str(path))
    pointer = ctypes.c_void_p
    for name, result, arguments in (
        ("rd_kafka_conf_new", pointer, []),
        ("rd_kafka_new", pointer, [ctypes.c_int, pointer, ctypes.c_char_p, ctypes.c_size_t]),
        ("rd_kafka_destroy", None, [pointer]),
        ("rd_kafka_conf", pointer, [pointer]),
        (
            "rd_kafka_conf_get",
            ctypes.c_int,
            [pointer, ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_size_t)],
        ),
        ("rd_kafka_conf_set", ctypes.c_int, [pointer, *[ctypes.c_char_p] * 3, ctypes.c_size_t]),
        ("rd_kafka_mock_cluster_new", pointer, [pointer, ctypes.c_int]),
        ("rd_kafka_mock_cluster_destroy", None, [pointer]),
        ("rd_kafka_mock_cluster_bootstraps", ctypes.c_char_p, [pointer]),
        (
            "rd_kafka_mock_topic_create",
            ctypes.c_int,
            [pointer, ctypes.c_char_p, ctypes.c_int, ctypes.c_int],
        ),
        (
            "rd_kafka_mock_push_request_errors_array",
            None,
            [pointer, ctypes.c_int16, ctypes.c_size_t, pointer],
        ),
        ("rd_kafka_mock_group_initial_rebalance_delay_ms", None, [pointer, ctypes.c_int32]),
        ("rd_kafka_mock_broker_set_down", ctypes.c_int, [pointer, ctypes.c_int32]),
        ("rd_kafka_mock_broker_set_up", ctypes.c_int, [pointer, ctypes.c_int32]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def effective(properties: dict[str, str | int], name: str) -> str:
    """What a property is worth in a consumer that was given these: librdkafka changes some to fit others."""
    library = _library()
    conf = library.rd_kafka_conf_new()
    error = ctypes.create_string_buffer(ERROR_BYTES)
    for given, value in properties.items():
        assert not library.rd_kafka_conf_set(conf, given.encode(), str(value).encode(), error, ERROR_BYTES)
    client = library.rd_kafka_new(CONSUMER, conf, error, ERROR_BYTES)
    assert client, error.value
    found, size = ctypes.create_string_buffer(ERROR_BYTES), ctypes.c_size_t(ERROR_BYTES)
    library.rd_kafka_conf_get(library.rd_kafka_conf(client), name.encode(), found, ctypes.byref(size))
    library.rd_kafka_destroy(client)
    return found.value.decode()


class FaultyKafka(MockKafka):
    """One broker. Errors that were pushed are its next answers to that kind of request."""

    def __init__(self) -> None:
        self._c = _library()
        conf = self._c.rd_kafka_conf_new()
        error = ctypes.create_string_buffer(ERROR_BYTES)
        self._c.rd_kafka_conf_set(conf, b"log_level", b"0", error, ERROR_BYTES)
        self._client = self._c.rd_kafka_new(PRODUCER, conf, error, ERROR_BYTES)
        assert self._client, error.value
        self._brokers = self._c.rd_kafka_mock_cluster_new(self._client, 1)
        self._c.rd_kafka_mock_group_initial_rebalance_delay_ms(self._brokers, GROUP_DELAY_MS)
        self.bootstrap_servers = self._c.rd_kafka_mock_cluster_bootstraps(self._brokers).decode()

    def make_topic(self, name: str, partitions: int = 1) -> None:
        assert self._c.rd_kafka_mock_topic_create(self._brokers, name.encode(), partitions, 1) == 0

    def push(self, request: Request, *codes: int) -> None:
        """The next answers to this kind of request are these errors, one each, in order."""
        array = (ctypes.c_int * len(codes))(*codes)
        self._c.rd_kafka_mock_push_request_errors_array(self._brokers, request, len(codes), array)

    def down(self) -> None:
        """The broker closes its connections and takes no new ones."""
        assert self._c.rd_kafka_mock_broker_set_down(self._brokers, 1) == KafkaError.NO_ERROR

    def up(self) -> None:
        assert self._c.rd_kafka_mock_broker_set_up(self._brokers, 1) == KafkaError.NO_ERROR

    def write(self, topic: str, *values: bytes | None, partition: int = 0) -> None:
        """Records, one for each value, there when this returns."""
        producer = Producer({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})
        for value in values:
            producer.produce(topic, value, partition=partition)
        assert producer.flush(10) == 0

    def close(self) -> None:
        if self._client is not None:
            self._c.rd_kafka_mock_cluster_destroy(self._brokers)
            self._c.rd_kafka_destroy(self._client)
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
