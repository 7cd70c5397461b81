"""A letter is written when the broker has it, and is tried for as long as it has not."""

from __future__ import annotations

import asyncio
import contextvars
import random
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, cast

import jsonschema_rs
import pytest
from confluent_kafka import KafkaError
from confluent_kafka.cimpl import Producer
from support import topics
from support.faulty_kafka import FaultyKafka, Request
from support.kafka_cluster import KafkaCluster

from consumer.config.settings import Settings
from consumer.dead_letters.headers import FailureInfo, WrittenBy
from consumer.dead_letters.writer import ONE_BY_ONE, DeadLetterWriter
from consumer.domain.decision import Reason
from consumer.domain.record import Partition, Record
from consumer.kafka.clients import new_producer, producer_properties
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry
from consumer.schemas_loader import DEAD_LETTER, schema

WRITER = WrittenBy("capi-consumer", "0.1.0", "2026-11-23T20:00:00.000+00:00")
NOT_JSON = FailureInfo(Reason.NOT_JSON)
DEADLINE_S = 20


@pytest.fixture
def brokers() -> Iterator[FaultyKafka]:
    with FaultyKafka() as running:
        running.make_topic("letters")
        yield running


def record(
    offset: int = 0,
    value: bytes | None = b"{}",
    key: bytes | None = b"key",
    headers: Any = (),
    timestamp_ms: int = 1_700_000_000_000,
) -> Record:
    return Record(Partition("events", 3), offset, timestamp_ms, value, key, headers)


class Desk:
    """Dead letters with everything around them, and the producers that were made."""

    def __init__(self, brokers: Any, topic: str = "letters", **properties: Any) -> None:
        self.telemetry = Telemetry()
        self.producers = 0
        self.heard: list[Any] = []
        settings = Settings(bootstrap_servers=brokers.bootstrap_servers, kafka_properties=properties)
        self._properties = producer_properties(settings) | ONE_BY_ONE | {"error_cb": self.heard.append}
        self.letters = DeadLetterWriter(
            topic, self._new_producer, lambda: WRITER, self.telemetry, lambda: 0.01
        )

    def _new_producer(self) -> Producer:
        self.producers += 1
        return new_producer(self._properties)

    async def put(self, *records: Any, failure: Any = NOT_JSON) -> None:
        putting = [self.letters.write(one, failure) for one in records]
        await asyncio.wait_for(asyncio.gather(*putting), DEADLINE_S)

    @property
    def retries(self) -> int:
        return self.telemetry.total(metrics.DEAD_LETTER_RETRIES)

    @property
    def written(self) -> dict[Any, Any]:
        counts = self.telemetry.snapshot()["capi.dead_letters"]
        return {reason[0]: count for reason, count in counts.items() if count}


async def until(predicate: Any) -> None:
    """Wait without holding the loop up."""
    deadline = time.monotonic() + DEADLINE_S
    while not predicate():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_letter_is_the_record_and_why(brokers: FaultyKafka) -> None:
    desk = Desk(brokers)
    await desk.put(record(17, b'{"a":1}', b"user", [("trace", b"x"), ("trace", None)]))
    (letter,) = brokers.records("letters")
    assert (letter.key(), letter.value(), letter.timestamp()[1]) == (b"user", b'{"a":1}', 1_700_000_000_000)
    assert letter.headers()[:2] == [("trace", b"x"), ("trace", None)]
    headers = dict(letter.headers()[2:])
    assert headers["dlq.reason"] == b"not_json"
    assert (headers["dlq.origin-topic"], headers["dlq.origin-partition"]) == (b"events", b"3")
    assert headers["dlq.origin-offset"] == b"17"
    assert desk.written == {"not_json": 1}
    assert desk.retries == 0


NOTHING = [
    record(value=None), record(key=None), record(value=b"", key=b""), record(value=b"\xff\x00"),
]  # fmt: skip


@pytest.mark.parametrize("odd", NOTHING)
async def test_bytes_arrive_as_they_were(brokers: FaultyKafka, odd: Any) -> None:
    await Desk(brokers).put(odd)
    (letter,) = brokers.records("letters")
    assert (letter.key(), letter.value()) == (odd.key, odd.value)


async def test_a_record_without_a_time_gets_that_of_the_writing(brokers: FaultyKafka) -> None:
    before = int(time.time() * 1000)
    await Desk(brokers).put(record(timestamp_ms=-1))
    (letter,) = brokers.records("letters")
    assert letter.timestamp()[1] >= before
    assert dict(letter.headers())["dlq.origin-timestamp"] == b"-1"


async def test_many_at_once_are_each_written_once(brokers: FaultyKafka) -> None:
    desk = Desk(brokers)
    await desk.put(*(record(offset) for offset in range(300)))
    offsets = sorted(
        int(dict(letter.headers())["dlq.origin-offset"]) for letter in brokers.records("letters")
    )
    assert offsets == list(range(300))


REFUSALS = [
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.POLICY_VIOLATION,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
]


@pytest.mark.parametrize("code", REFUSALS)
async def test_what_the_broker_refuses_is_tried_again_until_it_is_taken(
    brokers: FaultyKafka, code: Any
) -> None:
    desk = Desk(brokers)
    await desk.put(record(1))
    brokers.push(Request.PRODUCE, code, code, code)
    await desk.put(record(2))
    assert [letter.value() for letter in brokers.records("letters")] == [b"{}", b"{}"]
    assert desk.retries >= 3
    assert desk.written == {"not_json": 2}


async def test_nothing_is_written_while_the_broker_is_down_and_all_once_it_is_back(
    brokers: FaultyKafka,
) -> None:
    desk = Desk(brokers, "letters", **{"message.timeout.ms": 300})
    await desk.put(record(1))
    brokers.down()
    waiting = [asyncio.create_task(desk.letters.write(record(offset), NOT_JSON)) for offset in (2, 3)]
    await until(lambda: desk.retries >= 4)
    assert not any(task.done() for task in waiting)
    assert desk.written == {"not_json": 1}
    brokers.up()
    await asyncio.wait_for(asyncio.gather(*waiting), DEADLINE_S)
    offsets = {int(dict(letter.headers())["dlq.origin-offset"]) for letter in brokers.records("letters")}
    assert offsets == {1, 2, 3}


async def test_a_producer_that_has_failed_for_good_is_replaced_and_no_letter_is_lost(
    brokers: FaultyKafka,
) -> None:
    desk = Desk(brokers)
    await desk.put(record(0))
    brokers.push(Request.PRODUCE, KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
    await desk.put(*(record(offset) for offset in range(1, 20)))
    offsets = {int(dict(letter.headers())["dlq.origin-offset"]) for letter in brokers.records("letters")}
    assert offsets == set(range(20))
    assert desk.producers == 2
    assert desk.written == {"not_json": 20}


async def test_it_may_fail_for_good_more_than_once(brokers: FaultyKafka) -> None:
    desk = Desk(brokers)
    for offset in (1, 2, 3):
        await desk.put(record(offset))
        brokers.push(Request.PRODUCE, KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
    await desk.put(record(4))
    assert desk.producers == 4
    assert desk.written == {"not_json": 4}


# Too large


async def test_a_letter_that_the_broker_refuses_for_its_size_goes_without_its_value(
    brokers: FaultyKafka,
) -> None:
    desk = Desk(brokers)
    await desk.put(record(0))
    brokers.push(Request.PRODUCE, KafkaError.MSG_SIZE_TOO_LARGE)
    await desk.put(record(1, b"large"))
    letter = brokers.records("letters")[1]
    assert (letter.key(), letter.value()) == (b"key", None)
    assert letter.headers()[-1] == ("dlq.value-omitted", b"true")
    told = {name: value.decode() for name, value in letter.headers()}
    assert jsonschema_rs.is_valid(schema(DEAD_LETTER), told)
    assert desk.retries == 0  # nothing is wrong with the topic, and nobody is to be called


async def test_a_letter_that_does_not_fit_the_producer_s_own_limit_goes_without_its_value(
    brokers: FaultyKafka,
) -> None:
    desk = Desk(brokers, "letters", **{"message.max.bytes": 2_000})
    await desk.put(record(1, b"x" * 3_000))
    (letter,) = brokers.records("letters")
    assert letter.value() is None
    assert dict(letter.headers())["dlq.value-omitted"] == b"true"


async def test_a_letter_above_librdkafka_s_own_limit_keeps_its_value(brokers: FaultyKafka) -> None:
    await Desk(brokers).put(record(1, b"x" * 3_000_000))
    (letter,) = brokers.records("letters")
    assert len(letter.value()) == 3_000_000
    assert "dlq.value-omitted" not in dict(letter.headers())


async def test_a_letter_that_is_too_large_without_a_value_too_goes_without_its_key(
    brokers: FaultyKafka,
) -> None:
    desk = Desk(brokers, "letters", **{"message.max.bytes": 2_000})
    await desk.put(record(1, None, b"k" * 3_000))
    (letter,) = brokers.records("letters")
    assert (letter.key(), letter.value(), desk.written) == (None, None, {"not_json": 1})


async def test_a_full_queue_is_waited_for(brokers: FaultyKafka) -> None:
    desk = Desk(brokers, "letters", **{"queue.buffering.max.messages": 2})
    await desk.put(*(record(offset) for offset in range(20)))
    assert len(brokers.records("letters")) == 20
    assert desk.written == {"not_json": 20}


async def test_reports_are_waited_for_in_nobody_s_span(brokers: FaultyKafka) -> None:
    """The task outlives the batch whose letter began it, and polls for those of others."""
    desk, said = Desk(brokers), contextvars.ContextVar("said", default="nobody")

    class Producing:
        def __init__(self, producer: Any) -> None:
            self._producer = producer

        def produce(self, *given: Any, **named: Any) -> None:
            self._producer.produce(*given, **named)

        def poll(self, timeout: Any) -> Any:
            polled_by.append(said.get())
            return self._producer.poll(timeout)

    polled_by: list[Any] = []
    desk.letters._producer = cast(Producer, Producing(desk.letters._producer))
    said.set("the first batch")
    await desk.put(record(0))
    assert set(polled_by) == {"nobody"}


async def test_giving_up_leaves_nothing_running(brokers: FaultyKafka) -> None:
    desk = Desk(brokers, "letters", **{"message.timeout.ms": 300_000})
    await desk.put(record(0))
    brokers.down()
    putting = asyncio.create_task(desk.letters.write(record(1), NOT_JSON))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    putting.cancel()
    await asyncio.gather(putting, return_exceptions=True)
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


@pytest.mark.kafka
async def test_letters_that_fit_alone_keep_their_values_however_many_come_at_once(
    kafka: KafkaCluster,
) -> None:
    """A broker judges the size of what comes together, and would refuse them all for their number."""
    topic = f"letters-{uuid.uuid4().hex[:12]}"
    topics.create_topic(kafka.bootstrap_servers, topic, config={"max.message.bytes": "20000"})
    values = [random.Random(offset).randbytes(5_000) for offset in range(50)]
    await Desk(kafka, topic).put(*(record(offset, value) for offset, value in enumerate(values)))
    letters = topics.read_to_end(kafka.bootstrap_servers, topic)
    topics.delete_topics(kafka.bootstrap_servers, [topic])
    assert sorted(letter.value or b"" for letter in letters) == sorted(values)


@pytest.mark.kafka
async def test_a_letter_whose_time_the_topic_does_not_allow_is_written_with_the_present_time(
    kafka: KafkaCluster, topic_names: Callable[[str], str]
) -> None:
    topic = topic_names("letters")
    topics.create_topic(kafka.bootstrap_servers, topic, config={"message.timestamp.before.max.ms": "3600000"})
    desk = Desk(kafka, topic)
    await desk.put(record(17, b"{", timestamp_ms=1_000_000_000_000))
    (letter,) = topics.read_to_end(kafka.bootstrap_servers, topic)
    assert letter.value == b"{"
    assert letter.timestamp_ms > 1_700_000_000_000
    assert dict(letter.headers)["dlq.origin-timestamp"] == b"1000000000000"


@pytest.mark.kafka
@pytest.mark.parametrize(
    "large", [{"key": b"k" * 3_000}, {"headers": [("trace", b"t" * 3_000)]}], ids=["key", "headers"]
)
async def test_a_letter_too_large_even_without_its_value_goes_without_its_key_and_headers(
    kafka: KafkaCluster, topic_names: Callable[[str], str], large: dict[str, Any]
) -> None:
    topic = topic_names("letters")
    topics.create_topic(kafka.bootstrap_servers, topic, config={"max.message.bytes": "2000"})
    desk = Desk(kafka, topic, **{"compression.type": "none"})
    await desk.put(record(17, b"{", **large))
    (letter,) = topics.read_to_end(kafka.bootstrap_servers, topic)
    headers = dict(letter.headers)
    assert (letter.key, letter.value, headers["dlq.value-omitted"]) == (None, None, b"true")
    assert (headers["dlq.origin-offset"], "trace" in headers) == (b"17", False)


async def test_errors_of_its_connections_are_heard_without_a_letter(
    brokers: FaultyKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else they pile up, for as long as no letter is written."""
    monkeypatch.setattr("consumer.dead_letters.writer.IDLE_POLL_S", 0.01)
    brokers.down()
    desk = Desk(brokers)
    watching = asyncio.create_task(desk.letters.watch())
    await until(lambda: desk.heard)
    watching.cancel()
