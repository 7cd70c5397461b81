"""
F23 and F24: a topic of nothing but bad records, and letters on their way back.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

from eventually import eventually
from faults.kills import WITHOUT_BRAKE
from faults.measures import Measures, Size
from faults.world import Stage, World, pause
from system import topics
from system.events import Bad
from system.oracle import origin
from system.processes import Running

LETTERS_MAX = 99
BRAKED_S = 8.0  # longer than it takes the group to miss a member
REFUSED_CODE = "100/2804007"
LETTERS_AT_ONCE = 200  # what a killed replay may have sent and not committed


def only_bad_records(world: World, size: Size) -> Measures:
    """F23."""
    with world.stage(partitions=2) as stage:
        records = size(2_000, 20_000)
        stage.produce(records, bad={Bad.NOT_JSON: records})
        consumer = stage.scene.starting_consumer(CAPI_COMMIT_INTERVAL_MS="50")
        eventually(lambda: _is_braked(consumer), 60, "the brake is on")
        pause(BRAKED_S)
        held = stage.scene.report()
        stage.must(
            f"letters while braked ≤ {LETTERS_MAX}", held.dead_lettered, held.dead_lettered <= LETTERS_MAX
        )
        stage.must("committed past a letter 0", len(held.committed_too_far), not held.committed_too_far)
        answers = consumer.status("/readyz"), consumer.status("/livez")
        stage.must("/readyz 503 and /livez 200", answers, answers == (503, 200))
        stage.must("its partitions are still its own", stage.scene.shares(), stage.scene.shares() == [2])
        consumer.release_brake()
        recover_s = stage.await_done()
        report = stage.must_hold()
        stage.must(f"released, {records} letters", report.dead_lettered, report.dead_lettered == records)
        stage.must("letters twice 0", report.letters_twice, report.letters_twice == 0)
        return stage.measures(report, recover_s)


def _is_braked(consumer: Running) -> bool:
    if not consumer.still_runs() or consumer.status("/livez") != 200:
        return False
    return consumer.metric("capi_state", state="braked") == 1


def letters_come_back(world: World, size: Size) -> Measures:
    """F24: by a filter, by another, all of them; killed and stopped in between; parked in the end."""
    with world.stage() as stage:
        scene = stage.scene
        topics.create_topic(scene.bootstrap_servers, scene.parking_topic)
        number = size(60, 1_000)
        bad = {Bad.REFUSED: number, Bad.NOT_JSON: number, Bad.PURCHASE_WITHOUT_VALUE: number}
        stage.produce(6 * number, bad=bad)
        scene.consumer(**WITHOUT_BRAKE)
        stage.await_done()
        first = stage.must_hold()
        stage.must(f"{3 * number} letters", first.dead_lettered, first.dead_lettered == 3 * number)

        _interrupted(stage, "--reason", "not_json")
        by_reason = _replay(stage, "--reason", "not_json")
        by_code = _replay(stage, "--meta-code", REFUSED_CODE)
        stage.must("by code", by_code["replayed"], by_code["replayed"] == number)
        groups = {by_reason["group"], by_code["group"], f"{scene.group}.replay"}
        stage.must("groups 3", len(groups), len(groups) == 3)
        stage.await_done()
        came = {word: _came_back(stage, word) for word in ("not_json", "refused", "purchase_without_value")}
        stage.must("A and B reach their letters and no other", *_as_bar(came, number))

        everything = _replay(stage)
        left = everything["left_out"] or everything["not_matched"]
        stage.must("all: left out 0", left or 0, not left)
        stage.await_done()
        worn = _replay(stage, "--meta-code", REFUSED_CODE, "--max-replays", "1")
        parked = len(topics.read_to_end(scene.bootstrap_servers, scene.parking_topic))
        stage.must("those that have come back are parked", parked, parked == worn["parked"] > 0)
        recover_s = stage.await_done()
        last = stage.scene.report()
        stage.must("events lost 0", len(last.lost), not last.lost)
        stage.must("repeats with another id or time 0", len(last.changed_repeats), not last.changed_repeats)
        stage.must("letters of nobody 0", len(last.strays), not last.strays)
        topics.delete_topics(scene.bootstrap_servers, [scene.parking_topic])
        return stage.measures(last, recover_s)


def _replay(stage: Stage, *arguments: str) -> dict:
    ended = stage.scene.processes.run("replay", "--json", *arguments, settings=stage.scene.settings())
    return json.loads(ended.stdout)


def _interrupted(stage: Stage, *arguments: str) -> None:
    """A replay that is killed when it has written its first letters back."""
    before = sum(topics.end_offsets(stage.scene.bootstrap_servers, stage.scene.topic).values())
    running = stage.scene.processes.start(
        "replay", "--json", "--rate", "20", *arguments, settings=stage.scene.settings()
    )
    eventually(
        lambda: sum(topics.end_offsets(stage.scene.bootstrap_servers, stage.scene.topic).values()) > before,
        60,
        "a letter is back",
    )
    running.kill()


def _came_back(stage: Stage, reason: str) -> Counter[int]:
    """How often each letter of a reason has come back, by how many letters: `{0: 60, 1: 60}`."""
    found = topics.read_to_end(stage.scene.bootstrap_servers, stage.scene.dead_letter_topic)
    letters = [letter for letter in found if letter.headers["dlq.reason"] == reason.encode()]
    most = Counter[object]()
    for letter in letters:
        most[origin(letter)] = max(most[origin(letter)], int(letter.headers["dlq.replay-count"]))
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
        and came["refused"] == {1: number}
        and came["purchase_without_value"] == {0: number}
    )
    return {word: dict(counts) for word, counts in came.items()}, is_met
