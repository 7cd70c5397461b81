"""
What the scenarios share: Kafka, and for each of them a stage of its own.

    world.stage()      topics, a group, a sandbox, an oracle: ended with the block
    world.brokers(3)   a cluster whose nodes may be killed: ended with the block

A stage is a `Scene` (tests/system) with what only faults need: a load that goes
on in the background, the bars, and the row that comes of it.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.measures import Bars, Measures
from faults.watching import Peaks
from support import topics
from support.events import Bad, Event, shop_events
from support.faulty_kafka import FaultyKafka
from support.kafka_cluster import KafkaCluster, start_cluster
from support.oracle import Report
from support.processes import Processes, Running
from support.scenario import Scene
from support.waiting import eventually

PARTITIONS = 6
DONE_S_MAX = 120.0
LOOK_S = 0.2
LOAD_TURN_S = 0.25
WRITE_S_MAX = 90.0

_seeds = itertools.count(1)


@dataclass(slots=True)
class Stage:
    """One scenario on its way."""

    scene: Scene
    peaks: Peaks
    partitions: int = PARTITIONS
    bars: Bars = field(default_factory=Bars)

    def produce(self, count: int, bad: Mapping[Bad, int] | None = None) -> None:
        """`count` new events of a shop, in the topic when this returns."""
        self.scene.produce(self.new_events(count, bad))

    def new_events(self, count: int, bad: Mapping[Bad, int] | None = None) -> list[Event]:
        """Events that nobody has seen yet."""
        return shop_events(next(_seeds), count, int(time.time()), bad)

    @contextmanager
    def load(self, events_per_s: float, bad: Mapping[Bad, int] | None = None) -> Iterator[None]:
        """New events, so many a second, until the block ends. `bad` is of each quarter of a second."""
        ended = threading.Event()
        failures: list[Exception] = []

        def produce_until_ended() -> None:
            due = time.monotonic()
            try:
                while not ended.wait(max(0.0, due - time.monotonic())):
                    due += LOAD_TURN_S
                    self.produce(max(1, round(events_per_s * LOAD_TURN_S)), bad)
                    due = max(
                        due, time.monotonic() - LOAD_TURN_S
                    )  # what it could not make is not made up for
            except Exception as error:
                failures.append(error)

        thread = threading.Thread(target=produce_until_ended, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(WRITE_S_MAX)
        assert not thread.is_alive(), f"the load is still being written after {WRITE_S_MAX:.0f} s"
        if failures:
            raise failures[0]

    def await_done(self, deadline_s: float = DONE_S_MAX) -> float:
        """Wait until everything produced is committed; the seconds that it took."""
        began = time.monotonic()
        eventually(self.scene.is_done, deadline_s, "everything is committed", poll_s=LOOK_S)
        return round(time.monotonic() - began, 1)

    def await_quiet(self) -> None:
        """Wait until the sandbox has answered all it was asked, late ones too."""
        eventually(lambda: self.scene.sandbox_stats()["requests_at_once"] == 0, 30, "requests end")

    def letters(self) -> int:
        """Dead letters in their topic, repeats included."""
        return sum(topics.end_offsets(self.scene.bootstrap_servers, self.scene.dead_letter_topic).values())

    def await_accepted(self, count: int, deadline_s: float = DONE_S_MAX) -> None:
        """Wait until the sandbox has accepted so many events, repeats included."""
        eventually(lambda: self.scene.accepted_lines() >= count, deadline_s, f"{count} events are accepted")

    def must(self, bar: str, measured: object, is_met: bool) -> None:
        """One part of the bar."""
        self.bars.must(bar, measured, is_met)

    def must_run(self, bar: str, consumer: Running, *, is_alive: bool = True) -> None:
        """It is the process that was started. `is_alive` is what its health said meanwhile."""
        code = consumer.returncode
        answer = "yes" if code is None else f"exit {code}"
        self.must(bar, answer if is_alive else f"{answer}, but not alive", code is None and is_alive)

    def must_hold(self, report: Report | None = None) -> Report:
        """The promise: each event in exactly one place, nothing lost, everything committed."""
        report = report or self.scene.report()
        self.must("lost 0", len(report.lost), not report.lost)
        faults = "none" if report.holds else " ".join(str(report).split())
        self.must(
            "each event ends in one place, repeats unchanged, all committed; faults", faults, report.holds
        )
        return report

    def measures(self, report: Report, recover_s: float | None = None) -> Measures:
        """The row."""
        requests_max = self.scene.sandbox_stats()["requests_at_once_max"]
        return Measures(
            produced=report.produced,
            accepted=report.accepted,
            filtered=report.filtered,
            dead_lettered=report.dead_lettered,
            lost=len(report.lost),
            twice=report.twice,
            recover_s=recover_s,
            requests_max=requests_max,
            rss_mb=round(self.peaks.most_mb, 1),
            note="; ".join(self.bars.notes),
            broken=tuple(self.bars.broken),
        )


class World:
    """The brokers that scenarios share, and the folder in which each has its own."""

    def __init__(self, folder: Path, cluster: KafkaCluster | None = None) -> None:
        self._folder = folder
        self._shared = cluster
        self._is_ours = cluster is None
        self._names = itertools.count(1)

    @property
    def cluster(self) -> KafkaCluster:
        """One broker for all scenarios that leave it alone."""
        if self._shared is None:
            self._shared = start_cluster(self.new_folder("kafka"))
        return self._shared

    def end(self) -> None:
        """End the shared broker, when it is ours."""
        if self._is_ours and self._shared is not None:
            self._shared.end()

    def new_folder(self, word: str) -> Path:
        """A folder that nobody else has."""
        folder = self._folder / f"{word}-{next(self._names)}"
        folder.mkdir(parents=True)
        return folder

    @contextmanager
    def brokers(self, count: int, properties: Mapping[str, str] | None = None) -> Iterator[KafkaCluster]:
        """A cluster of this scenario's own."""
        cluster = start_cluster(self.new_folder("kafka"), count, properties)
        try:
            yield cluster
        finally:
            cluster.end()

    @contextmanager
    def stage(
        self,
        partitions: int = PARTITIONS,
        latency_ms: float = 0,
        cluster: KafkaCluster | FaultyKafka | None = None,
        topic_config: Mapping[str, str] | None = None,
        **behaviour: Any,
    ) -> Iterator[Stage]:
        """
        Both topics and a sandbox that listens. Everything is ended and removed with the block.

        On a `cluster` that is the scenario's own the topics stay. `behaviour` is the sandbox's.
        """
        servers = (cluster or self.cluster).bootstrap_servers
        processes = Processes(self.new_folder("stage"))
        scene = new_scene(servers, processes)
        try:
            if isinstance(cluster, FaultyKafka):
                cluster.make_topic(scene.topic, partitions)
                cluster.make_topic(scene.dead_letter_topic)
            else:
                scene.create_topics(partitions, topic_config)
            scene.start_sandbox("--latency-ms", str(latency_ms), "--behave", json.dumps(behaviour))
            with Peaks(lambda: scene.consumers) as peaks:
                yield Stage(scene, peaks, partitions)
        finally:
            processes.end()
            if cluster is None:
                topics.delete_topics(servers, [scene.topic, scene.dead_letter_topic])


def pause(seconds: float) -> None:
    """Let a fault last. Nothing is awaited here: what must not happen has time to."""
    time.sleep(seconds)


def new_scene(bootstrap_servers: str, processes: Processes) -> Scene:
    """A scene with names that nobody else has."""
    own = uuid.uuid4().hex[:12]
    return Scene(
        bootstrap_servers=bootstrap_servers,
        topic=f"events-{own}",
        dead_letter_topic=f"dead-letters-{own}",
        parking_topic=f"parked-{own}",
        group=f"group-{own}",
        processes=processes,
        accepted_file=processes.folder / "accepted.jsonl",
    )
