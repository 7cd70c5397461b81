"""
F11, F17 to F19: records that are no events, letters that cannot be written, logs with holes and gaps.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from dataclasses import replace
from typing import Any

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from faults.measures import Measures, Size
from faults.single_events import page_view
from faults.world import Stage, World, pause
from support import topics
from support.events import Bad, End, Event
from support.load import Produced, produce_in_transaction
from support.oracle import read_accepted
from support.processes import Running, log_lines
from support.topics import Place
from support.waiting import eventually

CALL_S_MAX = 15.0
GRACE_S = 30.0
COMMIT_S = 1.0  # the default interval


def letters_that_cannot_be_written(world: World, size: Size) -> Measures:
    """F11: the topic is gone and comes back; then it takes less than a record has."""
    bad, large = size(6, 300), 30_000
    with world.stage() as stage:
        scene = stage.scene
        scene.consumer(CAPI_COMMIT_INTERVAL_MS="50")
        topics.delete_topics(scene.bootstrap_servers, [scene.dead_letter_topic])
        stage.produce(bad * 100, bad={Bad.NOT_JSON: bad})
        stage.await_accepted(bad * 99)
        pause(size(2, 20))  # time to commit what must not be
        too_far = _committed_past(stage)
        stage.must("unwritable: records committed past their letters 0", len(too_far), not too_far)
        topics.create_topic(scene.bootstrap_servers, scene.dead_letter_topic)
        recover_s = stage.await_done()

        _set(stage, scene.dead_letter_topic, "max.message.bytes", "10000")
        scene.produce([_large_and_bad(number, large) for number in range(3)])
        stage.await_done()
        report = stage.must_hold()
        omitted = [one for one in scene.evidence().letters if one.headers.get("dlq.value-omitted") == b"true"]
        bar = "letters of 3 records that are too large for the topic, without their value"
        stage.must(bar, len(omitted), len(omitted) == 3)
        stage.must(f"dead letters {bad + 3}", report.dead_lettered, report.dead_lettered == bad + 3)
        stage.must("twice 0", report.twice, report.twice == 0)
        return stage.measures(report, recover_s)


def _committed_past(stage: Stage) -> list[Produced]:
    """Bad records below a committed offset while there is no topic of dead letters to hold them."""
    committed = topics.committed_offsets(stage.scene.bootstrap_servers, stage.scene.group)
    bad = (one for one in stage.scene.produced if one.event.end is End.DEAD_LETTER)
    return [one for one in bad if one.place.offset < committed.get(one.place[:2], 0)]


def _set(stage: Stage, topic: str, name: str, value: str) -> None:
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    client = topics.admin(stage.scene.bootstrap_servers)
    client.incremental_alter_configs([resource])[resource].result(CALL_S_MAX)


def _large_and_bad(number: int, size_bytes: int) -> Event:
    return Event(f"large {number}", None, None, b"{" + os.urandom(size_bytes), End.DEAD_LETTER, "not_json")


def _good(**more: object) -> dict[str, Any]:
    return page_view(f"odd-{uuid.uuid4().hex}", int(time.time()) - 60) | more


def _odd_records() -> list[Event]:
    """One of each. The words of the reasons are the contract's."""
    good = json.dumps(_good()).encode()
    nan = json.dumps(_good(amount=float("nan"))).encode()
    infinity = json.dumps(_good(amount=float("inf"))).encode()
    huge = _good()
    huge["integrations"]["facebook"]["custom_data"] = {"comment": "x" * 700_000}
    nameless = json.dumps(_good(event_name=None)).encode()
    kept = _good()
    not_json = {
        "not JSON": b"<event/>",
        "empty": b"",
        "cut off": good[:-7],
        "deep nesting": b"[" * 100_000 + b"]" * 100_000,
        "deep in an event": _deep_event(),
        "NaN": nan,
        "infinity": infinity,
        "bad UTF-8": good.replace(b"page_view", b"\xff\xfe"),
    }
    return [
        *(Event(name, None, b"k", value, End.DEAD_LETTER, "not_json") for name, value in not_json.items()),
        Event("a list", None, b"k", b"[]", End.DEAD_LETTER, "not_an_object"),
        Event("no name", None, b"k", nameless, End.DEAD_LETTER, "no_event_name"),
        Event("huge", None, b"k", json.dumps(huge).encode(), End.DEAD_LETTER, "event_too_large"),
        Event("null key", kept["integrations"]["facebook"]["event_id"], None, json.dumps(kept).encode()),
        Event("tombstone", None, b"k", None, End.FILTERED, "tombstone"),
    ]


def _deep_event() -> bytes:
    head, tail = json.dumps(_good(more=0)).encode().rsplit(b"0", 1)
    return head + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + tail


def odd_records(world: World, size: Size) -> Measures:
    """F17: among good ones, in one partition, several times over."""
    with world.stage(partitions=1) as stage:
        consumer = stage.scene.consumer()
        for _ in range(size(1, 50)):
            stage.produce(50)
            stage.scene.produce(_odd_records())
            stage.produce(50)
        recover_s = stage.await_done()
        report = stage.must_hold()
        # The oracle has compared end and reason of each of them.
        stage.must(
            "of another end or reason than they should have 0", len(report.misplaced), not report.misplaced
        )
        stage.must("twice 0", report.twice, report.twice == 0)
        stage.must_run("it still runs", consumer)
        return stage.measures(report, recover_s)


def holes(world: World, size: Size) -> Measures:
    """F18: a log with aborted transactions and markers, which ends with a hole; then a compacted one."""
    with world.stage(partitions=2) as stage:
        scene = stage.scene
        for number in range(size(6, 60)):
            is_kept = number % 3 != 2
            written = produce_in_transaction(
                scene.bootstrap_servers, scene.topic, stage.new_events(200), is_kept
            )
            scene.produced += written if is_kept else []
        scene.consumer()
        stage.await_done()
        transactional = stage.must_hold()
        skipped = (
            sum(topics.end_offsets(scene.bootstrap_servers, scene.topic).values()) - transactional.produced
        )
        stage.must("lag 0 over offsets of aborted records and markers", skipped, skipped > 0)
    with world.stage(partitions=1, topic_config=COMPACTED) as compacted:
        compacted.bars = stage.bars
        dropped = _compact(compacted, size(2_000, 20_000))
        compacted.scene.consumer()
        recover_s = compacted.await_done()
        report = compacted.must_hold()
        compacted.must("lag 0 over compacted offsets", dropped, dropped > 0)
        twice = report.twice + transactional.twice
        compacted.must("twice 0", twice, twice == 0)
        return compacted.measures(report, recover_s)


COMPACTED = {"cleanup.policy": "compact", "segment.ms": "500", "min.cleanable.dirty.ratio": "0.01"}
KEYS = 100


def _compact(stage: Stage, count: int) -> int:
    """Write events of a few keys and wait until the broker keeps the last of each; how many are gone."""
    scene = stage.scene
    for _ in range(4):
        events = stage.new_events(count // 4)
        # What is between the first and the last segment is compacted, and never the last one.
        scene.produce([replace(event, key=b"%d" % (number % KEYS)) for number, event in enumerate(events)])
        pause(0.6)
    counts: list[int] = []

    def is_at_rest() -> bool:
        counts.append(len(topics.read_to_end(scene.bootstrap_servers, scene.topic)))
        return len(counts) > 2 and counts[-1] == counts[-3] < count

    eventually(is_at_rest, 60, "the topic is compacted", poll_s=0.6)  # a cleaner that backs off rests 0.5 s
    there = {record.place for record in topics.read_to_end(scene.bootstrap_servers, scene.topic)}
    scene.produced = [one for one in scene.produced if one.place in there]
    return count - len(scene.produced)


GONE = "committed offset is gone: records were deleted unread"


def committed_offset_gone(world: World, size: Size) -> Measures:
    """F19: with the default, and then as a person decides: first one way, later the other."""
    with world.stage(partitions=2) as stage:
        first = stage.scene.consumer()
        stage.produce(size(400, 4_000))
        stage.await_done()
        first.stop(GRACE_S)
        stage.produce(size(400, 4_000))
        deleted = _delete_unread(stage)
        _stop(stage, deleted)
        recover_s = _go_on_at_the_earliest(stage, deleted)
        stage.produce(size(400, 4_000))
        _delete_unread(stage)
        _go_on_at_the_latest(stage, size(100, 1_000))
        report = stage.must_hold()
        stage.must("twice 0", report.twice, report.twice == 0)
        return stage.measures(report, recover_s)


def _stop(stage: Stage, deleted: set[Place]) -> None:
    scene = stage.scene
    stopped = scene.consumer(CAPI_OFFSET_OUT_OF_RANGE="pause")
    eventually(lambda: _says(stopped, GONE), 60, "it says that records were deleted unread")
    eventually(lambda: _is_done(stage, 1), 60, "the other partition goes on")
    pause(2 * COMMIT_S)
    committed = topics.committed_offsets(scene.bootstrap_servers, scene.group)[scene.topic, 0]
    moved = committed - min(place.offset for place in deleted)
    stage.must("`pause`: the committed offset of that partition moves by 0", moved, moved == 0)
    errors = _says(stopped, GONE)
    stage.must("said once, as an error", errors, errors == 1)
    stopped.stop(GRACE_S)


def _go_on_at_the_earliest(stage: Stage, deleted: set[Place]) -> float:
    """What was not deleted is handled, all of it; the seconds that it took."""
    going_on = stage.scene.consumer(CAPI_OFFSET_OUT_OF_RANGE="earliest")
    recover_s = stage.await_done()
    errors = _says(going_on, GONE)
    stage.must("`earliest`: said again", errors, errors == 1)
    stage.scene.produced = [one for one in stage.scene.produced if one.place not in deleted]
    going_on.stop(GRACE_S)
    return recover_s


def _go_on_at_the_latest(stage: Stage, more: int) -> None:
    """All that stood in that partition is passed over, deleted or not, and what comes then is handled."""
    scene = stage.scene
    begin = topics.committed_offsets(scene.bootstrap_servers, scene.group)[scene.topic, 0]
    end = topics.end_offsets(scene.bootstrap_servers, scene.topic)[scene.topic, 0]
    going_on = scene.consumer(CAPI_OFFSET_OUT_OF_RANGE="latest")
    stage.await_done()
    errors = _says(going_on, GONE)
    stage.must("`latest`: said again", errors, errors == 1)
    passed = {Place(scene.topic, 0, offset) for offset in range(begin, end)}
    ids = {one.event_id for one in scene.produced if one.place in passed}
    sent = len(ids & {one.event_id for one in read_accepted(scene.accepted_file)})
    bar = f"of {len(ids)} events that stood there, deleted or not, sent 0"
    stage.must(bar, sent, len(ids) > 0 and sent == 0)
    scene.produced = [one for one in scene.produced if one.place not in passed]
    stage.produce(more)
    stage.await_done()


def _delete_unread(stage: Stage) -> set[Place]:
    """Delete half of what partition 0 has that nobody has read; the places."""
    scene = stage.scene
    begin = topics.committed_offsets(scene.bootstrap_servers, scene.group)[scene.topic, 0]
    end = topics.end_offsets(scene.bootstrap_servers, scene.topic)[scene.topic, 0]
    keep_from = (begin + end) // 2
    wanted = TopicPartition(scene.topic, 0, keep_from)
    client = topics.admin(scene.bootstrap_servers)
    client.delete_records([wanted])[wanted].result(CALL_S_MAX)
    return {Place(scene.topic, 0, offset) for offset in range(begin, keep_from)}


def _is_done(stage: Stage, number: int) -> bool:
    place = stage.scene.topic, number
    committed = topics.committed_offsets(stage.scene.bootstrap_servers, stage.scene.group)
    return committed.get(place) == topics.end_offsets(stage.scene.bootstrap_servers, stage.scene.topic)[place]


def _says(running: Running, words: str) -> int:
    """How often it says this, as an error."""
    lines = log_lines([running.stderr])
    return sum(line.get("event") == words and line.get("level") == "error" for line in lines)
