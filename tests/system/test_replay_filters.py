"""
Replay by one filter, then another, then all: each letter once for each, and every event still itself.

Events without id and time are named by where they first stood, so after any
number of replays Meta's stand-in must know them by the same id and time.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from support import topics
from support.events import LARGE_BYTES, Bad, End, large_events, shop_events
from support.oracle import origin
from support.replays import (
    RECORDS_PER_CHUNK,
    arrived,
    came_back,
    create_topics,
    replay,
    start_replay,
    summary,
    write_letters,
)
from support.scenario import Scene
from support.waiting import eventually

pytestmark = pytest.mark.kafka

DEADLINE_S = 60.0
# Most records are letters here on purpose.
WITHOUT_BRAKE = {"CAPI_DLQ_BREAKER": "false"}
LARGE = "event_too_large"


def letters(scene: Any, reason: Any) -> list[Any]:
    found = topics.read_to_end(scene.bootstrap_servers, scene.dead_letter_topic)
    return [letter for letter in found if letter.headers["dlq.reason"] == reason.encode()]


def counts(found: Any) -> Counter[Any]:
    """How many letters have come back how often."""
    return Counter(int(letter.headers["dlq.replay-count"]) for letter in found)


def test_each_letter_is_handled_once_for_each_filter_and_parked_when_it_comes_back_too_often(
    scene: Scene,
) -> None:
    scene.create_topics(3)
    topics.create_topic(scene.bootstrap_servers, scene.parking_topic)
    scene.start_sandbox()
    first = scene.consumer(CAPI_EVENT_BYTES_MAX=str(LARGE_BYTES), **WITHOUT_BRAKE)
    bad = {Bad.REFUSED: 20, Bad.NOT_JSON: 20}
    now_s = int(time.time())
    large = large_events(seed=24, count=40, now_s=now_s)
    to_be_letters = [replace(event, end=End.DEAD_LETTER, reason=LARGE) for event in large]
    scene.produce([*shop_events(seed=5, count=200, now_s=now_s, bad=bad), *to_be_letters])
    eventually(scene.is_done, DEADLINE_S, "all have ended")
    report = scene.report()
    assert report.holds, report
    assert (report.accepted, report.dead_lettered) == (160, 80)
    assert first.stop(30) == 0
    scene.consumer(**WITHOUT_BRAKE)  # the mistake is mended: it takes large events

    code, by_reason = replay(scene, "--reason", LARGE)
    assert (code, by_reason["replayed"], by_reason["not_matched"]) == (0, 40, 40)
    eventually(scene.is_done, DEADLINE_S, "the large ones are accepted")
    came = [one for one in scene.produced if one.event.reason == LARGE]
    accepted = {one.event_id: one for one in scene.evidence().accepted}
    assert [accepted[str(one.event_id)].event_time for one in came] == [
        one.timestamp_ms // 1000 for one in came
    ]

    code, by_code = replay(scene, "--meta-code", "100/2804007")
    assert (code, by_code["replayed"], by_code["not_matched"]) == (0, 20, 60)
    assert len({by_reason["group"], by_code["group"], f"{scene.group}.replay"}) == 3
    eventually(scene.is_done, DEADLINE_S, "they were refused again")
    refused = letters(scene, "rejected")
    assert counts(refused) == {0: 20, 1: 20}
    assert Counter(Counter(map(origin, refused)).values()) == {2: 20}
    failed_first = {(origin(letter), letter.headers["dlq.first-failed-at"]) for letter in refused}
    assert len(failed_first) == 20

    code, of_all = replay(scene)
    assert (code, of_all["replayed"], of_all["not_matched"]) == (0, 100, 0)
    eventually(scene.is_done, DEADLINE_S, "all have ended again")
    assert counts(letters(scene, "rejected")) == {0: 20, 1: 40, 2: 20}
    assert counts(letters(scene, "not_json")) == {0: 20, 1: 20}

    code, again = replay(scene, "--meta-code", "100/2804007", "--max-replays", "2")
    assert (code, again["replayed"], again["parked"]) == (1, 40, 20)  # those that came since
    parked = topics.read_to_end(scene.bootstrap_servers, scene.parking_topic)
    worn = [letter for letter in letters(scene, "rejected") if letter.headers["dlq.replay-count"] == b"2"]
    content = [(letter.key, letter.value, letter.headers, letter.timestamp_ms) for letter in worn]
    for letter in parked:
        content.remove((letter.key, letter.value, letter.headers, letter.timestamp_ms))
    assert len(parked) == 20

    eventually(scene.is_done, DEADLINE_S, "nothing is left")
    report = scene.report()
    faults = (report.lost, report.strays, report.changed_repeats, report.altered_letters)
    assert faults == ((), (), (), ()), report
    assert report.accepted == 200
    assert report.twice == 40  # the large ones, by the replay of all
    assert scene.sandbox_stats()["repeats_other_event_time"] == 0


def odd_ones_are_refused(number: Any) -> str:
    return "rejected" if number % 2 else "not_json"


def test_a_filtered_replay_that_is_killed_and_stopped_goes_on_and_takes_nothing_from_the_next(
    scene: Scene,
) -> None:
    create_topics(scene)
    write_letters(scene, range(6_000), reason=odd_ones_are_refused)
    odd, even = set(range(1, 6_000, 2)), set(range(0, 6_000, 2))
    slowly = ("--reason", "rejected", "--rate", "1000")

    victim = start_replay(scene, *slowly)
    eventually(lambda: victim.still_runs() and came_back(scene, 600), DEADLINE_S, "it is under way")
    victim.kill()
    before = arrived(scene).total()
    asked = start_replay(scene, *slowly)
    eventually(lambda: asked.still_runs() and came_back(scene, before + 600), DEADLINE_S, "it goes on")
    assert asked.stop(DEADLINE_S) == 130
    assert summary(asked)["ended"] == "interrupted"
    code, said = replay(scene, "--reason", "rejected")

    assert (code, said["ended"], said["offsets_left"]) == (0, "done", 0)
    came = arrived(scene)
    assert set(came) == odd
    assert came.total() - len(odd) <= RECORDS_PER_CHUNK

    assert replay(scene, "--reason", "not_json")[1]["replayed"] == len(even)
    assert arrived(scene) - came == Counter(even)
    assert replay(scene)[1]["replayed"] == 6_000
    assert arrived(scene) - came == Counter(odd) + Counter(even) + Counter(even)
    assert [replay(scene, *filters)[1]["matched"] for filters in ([], ["--reason", "rejected"])] == [0, 0]


def test_what_was_left_out_as_too_old_goes_when_told_and_nothing_else_goes_again(scene: Scene) -> None:
    create_topics(scene)
    events = shop_events(seed=9, count=100, now_s=int(time.time()), bad={Bad.TOO_OLD: 30})
    write_letters(scene, range(100), value=lambda number: events[number].value)

    code, said = replay(scene)
    assert (code, said["replayed"], said["left_out"]) == (1, 70, {"too_old": 30})
    code, said = replay(scene, "--include-old")
    assert (code, said["replayed"], said["not_matched"]) == (0, 30, 70)

    assert said["group"] == f"{scene.group}.replay.old"
    records = topics.read_to_end(scene.bootstrap_servers, scene.topic)
    assert Counter(record.value for record in records) == Counter(event.value for event in events)


def test_a_letter_of_a_user_is_found_by_its_key_in_a_group_that_is_named(scene: Scene) -> None:
    scene.create_topics(1)
    scene.start_sandbox()
    scene.consumer()
    bad = {Bad.PURCHASE_WITHOUT_VALUE: 30}
    scene.produce(shop_events(seed=7, count=30, now_s=int(time.time()), bad=bad))
    eventually(scene.is_done, DEADLINE_S, "all are dead letters")
    key = next(one.event.key for one in scene.produced if one.event.key)
    of_key = sum(one.event.key == key for one in scene.produced)

    refused = scene.processes.run("replay", "--key", key.decode(), settings=scene.settings())
    ended = scene.processes.run(
        "replay", "--json", "--key", key.decode(), "--group", f"{scene.group}-one", settings=scene.settings()
    )

    assert refused.returncode == 2
    assert "needs a --group of its own" in refused.stderr
    said = json.loads(ended.stdout)
    assert (ended.returncode, said["replayed"], said["not_matched"]) == (0, of_key, 30 - of_key)
    assert (said["group"], said["filters"]) == (f"{scene.group}-one", {"keys": 1})
    assert key.decode() not in ended.stdout + ended.stderr + refused.stderr
