"""
F23 and F24: a topic of nothing but bad records, and letters on their way back.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from faults.kills import WITHOUT_BRAKE
from faults.measures import Measures, Size
from faults.world import Stage, World, pause
from support import topics
from support.events import LARGE_BYTES, Bad, End, Event, large_events
from support.load import Produced
from support.oracle import Report, origin
from support.processes import Running
from support.replays import came_back, replay, start_replay, summary
from support.waiting import eventually

LETTERS_MAX = 99
BRAKED_S = 8.0  # longer than it takes the group to miss a member
GRACE_S = 30.0
REFUSED_CODE = "100/2804007"
LARGE = "event_too_large"
TAKES_NOTHING_LARGE = {"CAPI_EVENT_BYTES_MAX": str(LARGE_BYTES)}


def only_bad_records(world: World, size: Size) -> Measures:
    """F23: let go on by mended settings; and by a signal, where the records are bad whatever the settings."""
    with world.stage(partitions=2) as mended:
        _held_until_settings_are_mended(mended, size(300, 3_000))
    with world.stage(partitions=2) as stage:
        stage.bars = mended.bars
        records = size(2_000, 20_000)
        stage.produce(records, bad={Bad.NOT_JSON: records})
        consumer = stage.scene.starting_consumer(CAPI_COMMIT_INTERVAL_MS="50")
        _held(stage, consumer, "not JSON")
        consumer.release_brake()
        recover_s = stage.await_done()
        report = stage.must_hold()
        stage.must(f"released, {records} letters", report.dead_lettered, report.dead_lettered == records)
        stage.must("letters twice 0", report.letters_twice, report.letters_twice == 0)
        return stage.measures(report, recover_s)


def _held_until_settings_are_mended(stage: Stage, records: int) -> None:
    """All are too large for the settings, until a restart: then what was held is decided anew and sent."""
    stage.scene.produce(large_events(seed=23, count=records, now_s=int(time.time())))
    braked = stage.scene.starting_consumer(CAPI_COMMIT_INTERVAL_MS="50", **TAKES_NOTHING_LARGE)
    before = _held(stage, braked, "too large by the settings")
    code = braked.stop(GRACE_S)
    stage.must("braked and asked to stop: exit code 0", code, code == 0)
    stage.scene.consumer()
    stage.await_done()
    report = stage.scene.report()
    more = report.dead_lettered - before.dead_lettered
    stage.must("settings mended: letters more 0", more, more == 0)
    ended = report.accepted + report.dead_lettered
    is_met = ended == records and not (report.lost or report.in_two_places or report.uncommitted)
    stage.must(f"each of {records} in one place, the held ones accepted", report.accepted, is_met)
    stage.must("twice 0", report.twice, report.twice == 0)


def _held(stage: Stage, consumer: Running, what: str) -> Report:
    """The brake is on, and stays on for as long as it would take the group to miss a member."""
    eventually(lambda: _is_braked(consumer), 60, "the brake is on")
    pause(BRAKED_S)
    held = stage.scene.report()
    few = held.dead_lettered <= LETTERS_MAX
    stage.must(f"{what}: letters while braked ≤ {LETTERS_MAX}", held.dead_lettered, few)
    stage.must("committed past a letter 0", len(held.committed_too_far), not held.committed_too_far)
    answers = consumer.status("/readyz"), consumer.status("/livez")
    stage.must("/readyz 503 and /livez 200", answers, answers == (503, 200))
    stage.must("its partitions are still its own", stage.scene.shares(), stage.scene.shares() == [2])
    return held


def _is_braked(consumer: Running) -> bool:
    if not consumer.still_runs() or consumer.status("/livez") != 200:
        return False
    return consumer.metric("capi_state", state="paused") == 1


def letters_come_back(world: World, size: Size) -> Measures:
    """F24: by a filter, by others, all of them; killed and stopped in between; parked in the end."""
    with world.stage() as stage:
        scene = stage.scene
        topics.create_topic(scene.bootstrap_servers, scene.parking_topic)
        number = size(60, 1_000)
        kinds = (Bad.REFUSED, Bad.NOT_JSON, Bad.PURCHASE_WITHOUT_VALUE)
        large = _large_letters(number)
        scene.produce([*stage.new_events(6 * number, dict.fromkeys(kinds, number)), *large])
        mistaken = scene.consumer(**TAKES_NOTHING_LARGE, **WITHOUT_BRAKE)
        stage.await_done()
        first = stage.must_hold()
        stage.must(f"{4 * number} letters", first.dead_lettered, first.dead_lettered == 4 * number)
        mistaken.stop(GRACE_S)
        scene.consumer(**WITHOUT_BRAKE)

        _killed(stage, "--reason", "not_json")
        _asked_to_stop(stage, "--reason", "not_json")
        _, by_reason = replay(scene, "--reason", "not_json")
        _, by_code = replay(scene, "--meta-code", REFUSED_CODE)
        stage.must("by code", by_code["replayed"], by_code["replayed"] == number)
        _, by_size = replay(scene, "--reason", LARGE)
        groups = {by_reason["group"], by_code["group"], by_size["group"], f"{scene.group}.replay"}
        stage.must("groups 4", len(groups), len(groups) == 4)
        stage.await_done()
        came = {word: _came_back(stage, word) for word in ("not_json", "rejected", "purchase_without_value")}
        stage.must("A and B reach their letters and no other", *_as_bar(came, number))
        sent = _accepted_as_they_were(stage, [one for one in scene.produced if one.event.reason == LARGE])
        bar = f"{number} without id and time: accepted under place and time of their records"
        stage.must(bar, sent, sent == number)

        _, everything = replay(scene)
        left = everything["left_out"] or everything["not_matched"]
        stage.must("all: left out 0", left or 0, not left)
        stage.await_done()
        _, worn = replay(scene, "--meta-code", REFUSED_CODE, "--max-replays", "1")
        parked = len(topics.read_to_end(scene.bootstrap_servers, scene.parking_topic))
        stage.must("those that have come back are parked", parked, parked == worn["parked"] > 0)
        recover_s = stage.await_done()
        last = stage.scene.report()
        stage.must("events lost 0", len(last.lost), not last.lost)
        stage.must("repeats with another id or time 0", len(last.changed_repeats), not last.changed_repeats)
        stage.must("letters of nobody 0", len(last.strays), not last.strays)
        topics.delete_topics(scene.bootstrap_servers, [scene.parking_topic])
        return stage.measures(last, recover_s)


def _large_letters(count: int) -> list[Event]:
    events = large_events(seed=24, count=count, now_s=int(time.time()))
    return [replace(event, end=End.DEAD_LETTER, reason=LARGE) for event in events]


def _killed(stage: Stage, *arguments: str) -> None:
    """A replay that is killed when it has written its first letters back."""
    _under_way(stage, *arguments).kill()


def _asked_to_stop(stage: Stage, *arguments: str) -> None:
    """One that goes on, and gets a SIGTERM when it has written some."""
    asked = _under_way(stage, *arguments)
    code = asked.stop(GRACE_S)
    ended = code, summary(asked)["ended"]
    stage.must("SIGTERM: exit code 130 and a summary", ended, ended == (130, "interrupted"))


def _under_way(stage: Stage, *arguments: str) -> Running:
    before = sum(topics.end_offsets(stage.scene.bootstrap_servers, stage.scene.topic).values())
    running = start_replay(stage.scene, "--rate", "20", *arguments)
    eventually(lambda: running.still_runs() and came_back(stage.scene, before + 1), 60, "a letter is back")
    return running


def _accepted_as_they_were(stage: Stage, produced: list[Produced]) -> int:
    """How many are accepted, once, under the id that their place gives them and with their record's time."""
    accepted = Counter((one.event_id, one.event_time) for one in stage.scene.evidence().accepted)
    return sum(accepted[one.event_id, one.timestamp_ms // 1000] == 1 for one in produced)


def _came_back(stage: Stage, reason: str) -> Counter[int]:
    """How often each letter of a reason has come back, by how many letters: `{0: 60, 1: 60}`."""
    found = topics.read_to_end(stage.scene.bootstrap_servers, stage.scene.dead_letter_topic)
    letters = [letter for letter in found if letter.headers["dlq.reason"] == reason.encode()]
    most = Counter[object]()
    for letter in letters:
        most[origin(letter)] = max(most[origin(letter)], int(letter.headers["dlq.replay-count"] or b""))
    return Counter(most.values())


def _as_bar(came: Mapping[str, Counter[int]], number: int) -> tuple[object, bool]:
    """
    Both filters reached each of their letters; the third kind nobody asked for.

    What the killed replay had sent failed again before the next one began, which
    sends those letters too.
    """
    is_met = (
        came["not_json"][0] == 0
        and sum(came["not_json"].values()) == number
        and came["rejected"] == {1: number}
        and came["purchase_without_value"] == {0: number}
    )
    return {word: dict(counts) for word, counts in came.items()}, is_met
