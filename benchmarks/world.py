"""
What the drains need around them: a real Kafka, filled topics, and a sandbox in its fast form.

Each in a process of its own, for the whole run, made when the first part asks. Kafka runs with the
compiler and collector that it has in production (those of the tests start faster and run slower).
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support import topics
from support.kafka_cluster import KafkaCluster, given_cluster, start_cluster
from support.processes import Processes, Running
from support.scenario import PIXEL, TOKEN
from support.waiting import eventually

from benchmarks.backlog import Backlog
from benchmarks.events import RULES
from benchmarks.figures import ANSWER_MS
from benchmarks.ledger import Answer, read_answers

ROOT = Path(__file__).parent.parent
PARTITIONS = 6
FILL_S_MAX = 300.0
START_S_MAX = 60.0

Measured = dict[str, float]
JVM = ("-Xmx1g", "-XX:TieredStopAtLevel=4", "-XX:+UseParallelGC", "-XX:-UseSerialGC")
FILLING = (sys.executable, "-m", "benchmarks.backlog")


@dataclass(frozen=True, slots=True)
class Size:
    """
    How many events wait, in the two backlogs of the pipeline and in that of the other parts.

    `large_drained` is how many of the larger one are drained; None is all of them.
    """

    small: int
    large: int
    large_drained: int | None
    part: int = 50_000
    telemetry: int = 200_000
    core: int = 60_000
    peer: int = 4_000
    latency_s: float = 15.0


SHORT = Size(small=100_000, large=1_000_000, large_drained=150_000)
FULL = Size(small=100_000, large=1_000_000, large_drained=None, part=100_000, latency_s=60.0)


@dataclass
class World:
    """Kafka, topics and the sandbox. `end` ends all of it."""

    folder: Path
    size: Size
    processes: Processes = field(init=False)
    say: Callable[[str], None] = field(default=lambda _: None)
    """Told what is going on at the moment."""
    _cluster: KafkaCluster | None = None
    _is_ours: bool = True
    _sandbox: Running | None = None
    _backlogs: dict[tuple[int, str, bool], Backlog] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.processes = Processes(self.folder)

    def use(self, cluster: KafkaCluster) -> None:
        """A cluster that somebody else ends."""
        self._cluster, self._is_ours = cluster, False

    @property
    def cluster(self) -> KafkaCluster:
        """Kafka, running."""
        if self._cluster is None:
            self.say("Kafka starts")
            self._cluster = given_cluster() or start_cluster(self.folder / "kafka", jvm=JVM)
        return self._cluster

    @property
    def brokers(self) -> str:
        """Where it is."""
        return self.cluster.bootstrap_servers

    @property
    def sandbox(self) -> Running:
        """The stand-in for Meta."""
        if self._sandbox is None:
            options = ["--pixel-id", PIXEL, "--access-token", TOKEN, "--fast"]
            files = ["--port-file", str(self._port_file), "--answers-file", str(self.answers_file)]
            self._sandbox = self.processes.start("sandbox", *options, *files, "--latency-ms", str(ANSWER_MS))
            eventually(self._port_file.exists, START_S_MAX, "the sandbox listens")
        return self._sandbox

    @property
    def answers_file(self) -> Path:
        """What the sandbox writes."""
        return self.folder / "answers.jsonl"

    @property
    def _port_file(self) -> Path:
        return self.folder / "sandbox.port"

    def answers_size(self) -> int:
        """How far the answers file goes now: where the next drain's begin."""
        return self.answers_file.stat().st_size if self.answers_file.exists() else 0

    def answers_from(self, at: int) -> list[Answer]:
        """The answers that were written from there on."""
        with self.answers_file.open("rb") as file:
            file.seek(at)
            return read_answers(file.read())

    def backlog(self, events: int, compression: str = "lz4", *, is_traced: bool = False) -> Backlog:
        """A topic in which so many events wait; the same one whenever it is asked for."""
        key = events, compression, is_traced
        if key not in self._backlogs:
            self._backlogs[key] = self._filled(*key)
        return self._backlogs[key]

    def topic(self, word: str) -> str:
        """A new topic."""
        name = f"{word}-{uuid.uuid4().hex[:8]}"
        topics.create_topic(self.brokers, name, PARTITIONS if word == "events" else 1)
        return name

    def _filled(self, events: int, compression: str, is_traced: bool) -> Backlog:
        backlog = Backlog(self.topic("events"), events, PARTITIONS)
        self.say(f"{events:,} events are made and written to a topic")
        arguments = [self.brokers, backlog.topic, str(events), str(PARTITIONS)]
        last = (compression, "traced" if is_traced else "untraced")
        fillers = [self.program(FILLING, *arguments, str(share), "2", *last) for share in (0, 1)]
        for filler in fillers:
            code = filler.wait(FILL_S_MAX)
            assert code == 0, f"filling a topic ended with {code}\n{filler.last_lines()}"
        ends = topics.end_offsets(self.brokers, backlog.topic)
        assert sum(ends.values()) == events, f"the topic does not hold what was written: {ends}"
        return backlog

    def program(
        self, command: tuple[str, ...], *arguments: str, settings: Mapping[str, str] | None = None
    ) -> Running:
        """A process that knows this folder's modules."""
        surroundings = {"PYTHONPATH": str(ROOT)} | dict(settings or {})
        return self.processes.start(*arguments, settings=surroundings, command=command)

    def settings(self, topic: str, letters: str, group: str, **own: str) -> dict[str, str]:
        """The environment of a consumer: the defaults, but for where things are and what France needs."""
        assert self.sandbox.still_runs()
        return {
            "CAPI_PIXEL_ID": PIXEL,
            "CAPI_ACCESS_TOKEN": TOKEN,
            "CAPI_GRAPH_URL": f"http://127.0.0.1:{self._port_file.read_text().strip()}",
            "CAPI_BOOTSTRAP_SERVERS": self.brokers,
            "CAPI_GROUP_ID": group,
            "CAPI_TOPICS": topic,
            "CAPI_DEAD_LETTER_TOPIC": letters,
            "CAPI_DEFAULT_COUNTRY": RULES.default_country or "",
            "CAPI_USER_CONSENT_CATEGORY": RULES.user_consent_category or "",
            "CAPI_LOG_FORMAT": "json",
            **own,
        }

    def kafka_pid(self) -> int | None:
        """The broker's process, when it is ours."""
        nodes = self.cluster.nodes
        return nodes[0].process.pid if nodes and nodes[0].process else None

    def end(self) -> None:
        """End everything that was started here."""
        for running in self.processes.started:
            running.kill()
        if self._cluster is not None and self._is_ours:
            self._cluster.end()
