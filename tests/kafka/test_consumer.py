"""What Kafka does to a member: nothing is skipped silently, nothing of an older assignment counts."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from structlog.testing import capture_logs
from support import topics
from support.faulty_kafka import FaultyKafka, Request
from support.group_members import DEADLINE_S, P0, P1, P2, P3, TOPIC, Member, Owner, owned
from support.kafka_cluster import KafkaCluster
from support.scripted_consumer import Said, Scripted
from support.waiting import eventually

from consumer.config.kafka_constraints import GroupProtocol
from consumer.config.settings import OffsetOutOfRange, StartOffset
from consumer.domain.record import Partition, Record
from consumer.kafka.consumer import KafkaSource
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry

# Records


def test_a_record_is_all_of_its_bytes(brokers: FaultyKafka, topic: str, join: Any) -> None:
    producer = Producer({"bootstrap.servers": brokers.bootstrap_servers})
    producer.produce(TOPIC, b"value", b"key", headers=[("h", b"1"), ("h", None)], timestamp=1_700_000_000_000)
    producer.produce(TOPIC, None, None)
    producer.flush(10)
    member = join()
    member.has(2)
    first, tombstone = member.records
    assert (first.partition, first.offset, first.timestamp_ms) == (P0, 0, 1_700_000_000_000)
    assert (first.key, first.value, list(first.headers)) == (b"key", b"value", [("h", b"1"), ("h", None)])
    assert (tombstone.key, tombstone.value, list(tombstone.headers)) == (None, None, [])


def test_no_poll_gives_more_than_it_was_asked_for(brokers: FaultyKafka, topic: str, join: Any) -> None:
    brokers.write(TOPIC, *(b"%d" % n for n in range(300)))
    member = join()
    polls: list[int] = []

    def has_all() -> bool:
        polls.append(len(member.poll()))
        return sum(polls) == 300

    eventually(has_all, DEADLINE_S)
    assert max(polls) <= 100


# Ends


def test_the_end_is_told_after_the_records_before_it(brokers: FaultyKafka, topic: str, join: Any) -> None:
    brokers.write(TOPIC, b"0", b"1")
    member = join()
    order = []
    member.owner.reached_end = lambda partition, offset: order.append(
        (partition, offset, len(member.records))
    )
    member.until(lambda: order)
    assert order[0] == (P0, 2, 2)


def test_an_empty_partition_has_its_end_at_its_start(brokers: FaultyKafka, topic: str, join: Any) -> None:
    member = join()
    member.until(lambda: member.owner.all_of("end"))
    assert member.owner.all_of("end") == [(P0, 0)]


def test_idling_stays_in_the_group_and_takes_neither_records_nor_their_end(
    brokers: FaultyKafka, topic: str, join: Any
) -> None:
    brokers.write(TOPIC, b"0", b"1")
    member = join()
    eventually(lambda: member.source.idle(100, 0.05) or member.starts, DEADLINE_S)
    for _ in range(20):
        member.source.idle(100, 0.05)
    assert member.starts == {P0: 0}
    member.source.poll(1, 0.05)
    assert member.owner.all_of("end") == []


# Partitions come and go


KINDS = [
    {},
    {"protocol": GroupProtocol.EAGER},
    {"protocol": GroupProtocol.EAGER, "partition.assignment.strategy": "roundrobin"},
]
KIND_IDS = ["cooperative", "eager", "roundrobin"]


@pytest.mark.parametrize("own", KINDS, ids=KIND_IDS)
def test_a_member_without_partitions_is_told_so(
    brokers: FaultyKafka, topic: str, join: Any, own: Any
) -> None:
    """In a classic group; under KIP-848 see below."""
    first, second = join(**own), join(**own)

    def one_has_it_and_the_other_knows() -> bool:
        first.poll()
        second.poll()
        return sorted(len(owned(one)) for one in (first, second) if one.owner.all_of("assigned")) == [0, 1]

    eventually(one_has_it_and_the_other_knows, DEADLINE_S)
    assert [one.owner.all_of("lost") for one in (first, second)] == [[], []]
    assert first.source.is_member() and second.source.is_member()


# A static member tells nobody that it leaves: its partitions are its own until its session ends.
STATIC = {"instance": "a"}


@pytest.mark.parametrize("own", KINDS, ids=KIND_IDS)
def test_two_members_share_and_the_one_that_stays_takes_over(
    brokers: FaultyKafka, join: Any, own: Any
) -> None:
    brokers.make_topic(TOPIC, 4)
    first = join(**own)
    first.until(lambda: len(first.starts) == 4)
    second = join(**own)

    def both_have_two() -> bool:
        first.poll()
        second.poll()
        return len(owned(first)) == len(owned(second)) == 2

    eventually(both_have_two, DEADLINE_S)
    assert owned(first) | owned(second) == {P0, P1, P2, P3}
    second.source.close()
    first.until(lambda: len(owned(first)) == 4)
    brokers.write(TOPIC, b"after", partition=3)
    brokers.write(TOPIC, b"after", partition=0)
    first.until(lambda: {record.partition for record in first.records} == {P0, P3})


@pytest.mark.parametrize("own", [*KINDS, STATIC], ids=[*KIND_IDS, "static"])
def test_what_the_owner_commits_when_a_partition_is_taken_is_where_the_next_one_begins(
    brokers: FaultyKafka, join: Any, own: Any
) -> None:
    brokers.make_topic(TOPIC, 1)
    brokers.write(TOPIC, b"0", b"1", b"2")
    first = join(**own)
    first.has(3)
    first.owner.on_revoked = lambda partitions: first.source.commit({P0: 2}, wait=True)
    first.source.close()
    assert first.owner.all_of("revoked") == [{P0}]
    assert first.commits == (1, 0)
    second = join(**own)
    second.has(1)
    assert second.values == [b"2"]


@pytest.mark.parametrize("own", KINDS[1:], ids=KIND_IDS[1:])
def test_who_leaves_while_the_group_takes_its_partitions_back_answers_as_a_member(
    brokers: FaultyKafka, join: Any, own: Any
) -> None:
    brokers.make_topic(TOPIC, 2)
    first = join(**own)
    first.until(lambda: len(first.starts) == 2)
    second = join(**own)
    for _ in range(20):  # meanwhile a heartbeat tells the first one, which does not poll
        second.poll()
    names = []
    first.owner.on_revoked = lambda _: names.append(first.source._consumer.memberid())
    first.source.close()
    assert len(names) == 1
    assert names[0]
    second.until(lambda: len(owned(second)) == 2)


def test_a_member_whose_session_is_over_has_lost_its_partitions(
    brokers: FaultyKafka, topic: str, join: Any
) -> None:
    member = join()
    member.until(lambda: member.starts)
    brokers.push(Request.HEARTBEAT, KafkaError.UNKNOWN_MEMBER_ID)
    member.until(lambda: member.owner.all_of("lost"))
    assert member.owner.all_of("revoked") == []
    member.until(lambda: len(member.owner.all_of("assigned")) == 2)
    counts = member.telemetry.snapshot()["capi.rebalances"]
    assert (counts[("assigned",)], counts[("lost",)], counts[("revoked",)]) == (2, 1, 0)


def test_a_static_member_that_was_replaced_stops_working(brokers: FaultyKafka, topic: str, join: Any) -> None:
    """FENCED_INSTANCE_ID: somebody else has our name. Going on would be to sit there for ever."""
    member = join(instance="a")
    member.until(lambda: member.starts)
    brokers.push(Request.HEARTBEAT, KafkaError.FENCED_INSTANCE_ID)
    with pytest.raises(KafkaException):
        member.until(lambda: False)


def test_a_broker_that_goes_away_and_comes_back_loses_nothing(
    brokers: FaultyKafka, topic: str, join: Any
) -> None:
    brokers.write(TOPIC, b"0")
    member = join()
    member.has(1)
    brokers.down()
    began = time.monotonic()
    member.until(lambda: time.monotonic() - began > 1)
    brokers.up()
    brokers.write(TOPIC, b"1")
    member.has(2)
    assert member.values == [b"0", b"1"]


# A real broker: offsets that are gone


@pytest.fixture
def truncated(kafka: KafkaCluster, topic_names: Callable[[str], str]) -> Any:
    """A topic of which the first 5 of 10 records are deleted, and a group that had committed 2."""
    name = topic_names("truncated")
    topics.create_topic(kafka.bootstrap_servers, name)
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    for number in range(10):
        producer.produce(name, b"%d" % number)
    producer.flush(20)
    group = f"group-{uuid.uuid4().hex[:12]}"
    member = Member(kafka, group=group, topic=name)
    member.has(10)
    member.source.commit({Partition(name, 0): 2}, wait=True)
    member.source.close()
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    for deleted in admin.delete_records([TopicPartition(name, 0, 5)]).values():
        deleted.result(20)
    return name, group


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("policy", "moved", "values"),
    [
        (OffsetOutOfRange.EARLIEST, 5, [b"%d" % number for number in range(5, 10)]),
        (OffsetOutOfRange.LATEST, 10, []),
    ],
)
def test_a_committed_offset_that_is_gone_goes_on_where_the_setting_says(
    kafka: KafkaCluster, truncated: Any, policy: Any, moved: int, values: Any
) -> None:
    name, group = truncated
    member = Member(kafka, group=group, topic=name, out_of_range=policy)
    member.until(lambda: member.owner.all_of("moved"))
    assert member.starts == {Partition(name, 0): 2}
    assert member.owner.all_of("moved") == [(Partition(name, 0), moved)]
    member.until(lambda: (Partition(name, 0), 10) in member.owner.all_of("end"))
    assert member.values == values
    member.source.close()


@pytest.mark.kafka
def test_a_committed_offset_that_is_gone_stops_its_partition_and_never_jumps(
    kafka: KafkaCluster, truncated: Any
) -> None:
    name, group = truncated
    member = Member(kafka, group=group, topic=name)
    member.until(lambda: member.source.partitions_stalled)
    member.source.pause([Partition(name, 0)], new=True)
    member.source.pause([], new=False)
    began = time.monotonic()
    member.until(lambda: time.monotonic() - began > 2)
    assert member.records == []
    assert member.owner.all_of("moved") == []
    member.source.close()
    assert topics.committed_offsets(kafka.bootstrap_servers, group) == {(name, 0): 2}


ALL_KINDS = [*KINDS, {"protocol": GroupProtocol.CONSUMER}]
ALL_KIND_IDS = [*KIND_IDS, "consumer"]


@pytest.mark.kafka
@pytest.mark.parametrize("own", ALL_KINDS, ids=ALL_KIND_IDS)
def test_a_member_without_partitions_knows_that_it_is_one(
    kafka: KafkaCluster, topic_names: Callable[[str], str], own: Any
) -> None:
    """Under KIP-848 nobody calls it back: it gets no partitions, so nothing of its assignment changes."""
    name = topic_names("one-partition")
    topics.create_topic(kafka.bootstrap_servers, name)
    group = f"group-{uuid.uuid4().hex[:12]}"
    first = Member(kafka, group=group, topic=name, **own)
    assert not first.source.is_member()
    first.until(lambda: first.starts)
    assert first.source.is_member()
    second = Member(kafka, group=group, topic=name, **own)
    assert not second.source.is_member()
    eventually(lambda: (first.poll(), second.poll(), second.source.is_member())[-1], 60)
    assert second.owner.all_of("lost") == []
    for member in (first, second):
        member.source.close()


@pytest.mark.kafka
@pytest.mark.parametrize("own", KINDS[1:], ids=KIND_IDS[1:])
def test_who_waits_for_a_member_that_hangs_has_an_id_and_is_none_yet(
    kafka: KafkaCluster, topic_names: Callable[[str], str], own: Any
) -> None:
    """An eager group hands nothing out while one of it does not poll, until its max.poll.interval.ms."""
    name = topic_names("hung")
    topics.create_topic(kafka.bootstrap_servers, name, 2)
    group = f"group-{uuid.uuid4().hex[:12]}"
    hangs = Member(kafka, group=group, topic=name, **own)
    hangs.until(lambda: hangs.starts)
    second = Member(kafka, group=group, topic=name, **own)
    second.until(lambda: second.source._consumer.memberid())
    assert second.starts == {}
    assert not second.source.is_member()
    eventually(lambda: (hangs.poll(), second.poll(), second.starts)[-1], 60)
    assert second.source.is_member()
    for member in (hangs, second):
        member.source.close()


@pytest.mark.kafka
@pytest.mark.parametrize("own", ALL_KINDS, ids=ALL_KIND_IDS)
def test_every_kind_of_group_shares_and_takes_over(
    kafka: KafkaCluster, topic_names: Callable[[str], str], own: Any
) -> None:
    name = topic_names("shared")
    topics.create_topic(kafka.bootstrap_servers, name, 4)
    group = f"group-{uuid.uuid4().hex[:12]}"
    first = Member(kafka, group=group, topic=name, **own)
    first.until(lambda: len(owned(first)) == 4)
    second = Member(kafka, group=group, topic=name, **own)

    def both_have_two() -> bool:
        first.poll()
        second.poll()
        return len(owned(first)) == len(owned(second)) == 2

    eventually(both_have_two, 60)
    second.source.close()
    eventually(lambda: first.poll() or len(owned(first)) == 4, 60)
    first.source.close()


# Orders of events that no broker can be made to produce on demand


EOF = KafkaError._PARTITION_EOF
GONE = KafkaError._AUTO_OFFSET_RESET


@pytest.fixture
def script() -> Any:
    def play(
        *polls: Any, out_of_range: Any = OffsetOutOfRange.PAUSE, **how: Any
    ) -> tuple[Scripted, Owner, list[list[int]]]:
        consumer = Scripted(**how)
        source = KafkaSource(consumer, [TOPIC], StartOffset.EARLIEST, out_of_range, Telemetry())
        owner = Owner()
        source.subscribe(owner)
        consumer.polls = [list(steps) for steps in polls]
        for steps in consumer.polls:
            for place, step in enumerate(steps):
                if isinstance(step, tuple):
                    what, *numbers = step
                    steps[place] = lambda what=what, numbers=numbers: getattr(consumer, what)(*numbers)
        taken = [[record.offset for record in source.poll(100, 0)] for _ in range(len(polls) + 1)]
        return consumer, owner, taken

    return play


ASSIGN, REVOKE = ("assign_now", 0), ("revoke_now", 0)


def test_an_end_in_the_same_poll_as_the_records_before_it_is_told_with_the_next(script: Any) -> None:
    said_then = []
    consumer = Scripted()
    source = KafkaSource(consumer, [TOPIC], StartOffset.EARLIEST, OffsetOutOfRange.PAUSE, Telemetry())
    owner = Owner()
    source.subscribe(owner)
    consumer.polls = [[lambda: consumer.assign_now(0)], [Said(0), Said(1), Said(2, EOF)]]
    source.poll(100, 0)
    assert [record.offset for record in source.poll(100, 0)] == [0, 1]
    said_then += owner.all_of("end")
    source.poll(100, 0)
    assert (said_then, owner.all_of("end")) == ([], [(P0, 2)])


def test_records_from_before_a_partition_was_taken_and_given_back_are_read_again(script: Any) -> None:
    consumer, owner, taken = script(
        [ASSIGN], [Said(0), Said(1)], [Said(2), Said(3), REVOKE, ASSIGN, Said(4)], committed=0
    )
    assert taken == [[], [0, 1], [], []]
    assert ("seek", (0, 0)) in consumer.did
    assert owner.all_of("end") == []


def test_an_end_from_before_a_partition_was_taken_and_given_back_counts_for_nothing(script: Any) -> None:
    """Records 0 and 1 were in flight and come again; an end at 2 would commit past them."""
    consumer, owner, _ = script([ASSIGN], [Said(0), Said(1)], [REVOKE, ASSIGN, Said(2, EOF)], [])
    assert owner.all_of("end") == []
    assert consumer.did[-1] == ("seek", (0, 0))


def test_a_gap_from_before_a_partition_was_taken_and_given_back_counts_for_nothing(script: Any) -> None:
    consumer, owner, _ = script(
        [ASSIGN], [REVOKE, ASSIGN, Said(0, GONE)], [], out_of_range=OffsetOutOfRange.LATEST, high=9
    )
    assert owner.all_of("moved") == []
    assert consumer.did[-1] == ("seek", (0, 0))


def test_records_of_other_partitions_are_not_thrown_away(script: Any) -> None:
    both = ("assign_now", 0, 1)
    _, _, taken = script([both], [REVOKE, ASSIGN, Said(5), Said(7, partition=1)])
    assert taken[1] == [7]


def test_records_that_came_with_their_assignment_are_read_again_from_its_start(script: Any) -> None:
    consumer, _, taken = script([ASSIGN, Said(3), Said(4)], committed=3)
    assert taken[0] == []
    assert consumer.did == [("incremental_assign", (0, 3)), ("resume", (0, 3)), ("seek", (0, 3))]


def test_an_end_does_not_outlive_its_assignment(script: Any) -> None:
    _, owner, _ = script([ASSIGN], [Said(0, EOF)], [])
    assert owner.all_of("end") == [(P0, 0)]
    _, owner, _ = script([ASSIGN], [REVOKE], [])
    assert owner.all_of("end") == []


def test_records_before_a_gap_are_taken_before_the_gap_is_jumped(script: Any) -> None:
    consumer, owner, taken = script(
        [ASSIGN], [Said(5), Said(6), Said(7, GONE)], [], out_of_range=OffsetOutOfRange.EARLIEST, low=100
    )
    assert taken[1] == [5, 6]
    assert owner.said[-1] == ("moved", P0, 100)
    assert consumer.did[-1] == ("seek", (0, 100))


@pytest.mark.parametrize("out_of_range", OffsetOutOfRange)
def test_a_gap_of_a_partition_that_is_taken_away_in_the_same_poll_is_not_ours(
    script: Any, out_of_range: Any
) -> None:
    """The revoke comes while we poll, and the gap is looked at behind it."""
    consumer, owner, _ = script([ASSIGN], [Said(0, GONE), REVOKE], [], out_of_range=out_of_range, high=9)
    assert [said[0] for said in owner.said] == ["assigned", "revoked"]
    assert [did[0] for did in consumer.did] == ["incremental_assign", "resume", "incremental_unassign"]


def test_an_end_of_a_partition_that_is_taken_away_in_the_same_poll_is_not_told(script: Any) -> None:
    _, owner, _ = script([ASSIGN], [Said(0, EOF), REVOKE], [])
    assert owner.all_of("end") == []


def test_a_gap_whose_other_side_cannot_be_asked_for_is_asked_for_again(script: Any) -> None:
    error = KafkaException(KafkaError(KafkaError._TIMED_OUT))
    consumer = Scripted()
    source = KafkaSource(consumer, [TOPIC], StartOffset.EARLIEST, OffsetOutOfRange.EARLIEST, Telemetry())
    owner = Owner()
    source.subscribe(owner)
    consumer.polls = [[lambda: consumer.assign_now(0)], [Said(0, GONE)]]
    for _ in range(2):
        source.poll(100, 0)
    consumer.edges = error
    source.poll(100, 0)
    assert owner.all_of("moved") == []
    consumer.edges = (7, 9)
    source.poll(100, 0)
    assert owner.all_of("moved") == [(P0, 7)]


@pytest.mark.parametrize(
    "code", [KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError.TOPIC_AUTHORIZATION_FAILED]
)
def test_an_entry_that_is_an_error_is_no_record_and_its_neighbours_are(script: Any, code: Any) -> None:
    _, _, taken = script([ASSIGN], [Said(0), Said(0, code), Said(1)])
    assert taken[1] == [0, 1]


def test_a_partition_that_stands_still_is_counted_and_said_again(
    script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.kafka.assignment.AGAIN_S", 0.0)
    consumer = Scripted()
    source = KafkaSource(consumer, [TOPIC], StartOffset.EARLIEST, OffsetOutOfRange.PAUSE, Telemetry())
    source.subscribe(Owner())
    consumer.polls = [[lambda: consumer.assign_now(0, 1)], [Said(0, GONE)]]
    with capture_logs() as lines:
        for _ in range(5):
            source.poll(100, 0)
        assert source.partitions_stalled == 1
        consumer.polls = [[lambda: consumer.revoke_now(0)]]
        source.poll(100, 0)
        source.poll(100, 0)
    assert source.partitions_stalled == 0
    said = [line["event"].partition(":")[0] for line in lines if line["log_level"] == "error"]
    assert said == [
        "committed offset is gone",
        "partition stands still",
        "partition stands still",
        "partition stands still",
    ]


def test_what_the_group_has_said_is_answered_before_it_is_left() -> None:
    consumer = Scripted()
    source = KafkaSource(consumer, [TOPIC], StartOffset.EARLIEST, OffsetOutOfRange.PAUSE, Telemetry())
    owner = Owner()
    source.subscribe(owner)
    consumer.polls = [[lambda: consumer.assign_now(0)], [lambda: consumer.revoke_now(0)]]
    source.poll(100, 0)
    consumer.did.clear()
    source.close()
    assert owner.all_of("revoked") == [{P0}]
    assert consumer.did == [("incremental_unassign", (0, -1001)), ("close",)]


def test_whom_kafka_has_ended_leaves_without_a_word() -> None:
    def fatal() -> None:
        raise KafkaException(KafkaError(KafkaError._FATAL))

    consumer = Scripted()
    source = KafkaSource(consumer, [TOPIC], StartOffset.EARLIEST, OffsetOutOfRange.PAUSE, Telemetry())
    consumer.polls = [[fatal]]
    source.close()
    source.close()
    assert consumer.did == [("close",)]


def test_an_entry_that_is_a_fatal_error_ends_the_work(script: Any) -> None:
    with pytest.raises(KafkaException):
        script([ASSIGN], [Said(0), Said(0, KafkaError._FATAL)])


def test_a_record_without_a_time_says_so() -> None:
    consumer = Scripted(committed=OFFSET_INVALID)
    source = KafkaSource(consumer, [TOPIC], StartOffset.EARLIEST, OffsetOutOfRange.PAUSE, Telemetry())
    source.subscribe(Owner())

    class Timeless(Said):
        def timestamp(self) -> tuple[int, int]:
            return 0, 0

    consumer.polls = [[lambda: consumer.assign_now(0)], [Timeless(0)]]
    source.poll(100, 0)
    assert source.poll(100, 0) == [Record(P0, 0, -1, b"0", None, ())]
    assert metrics.REBALANCES.name in source._telemetry.snapshot()
