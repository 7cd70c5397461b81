"""
One scenario: two topics, a sandbox, a consumer group, and what can be known of them.

    scene.produce(events)            known by their places from now on
    scene.consumer(**settings)       one more member of the group, ready
    scene.is_done()                  everything produced is committed
    scene.report()                   the oracle's judgement

Whatever happens to the consumers, the scene sees only what anybody sees: the
log, the group's offsets, the sandbox's file, and the consumers' own log lines.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import topics
from support.events import ADVERTISING, Event
from support.load import Produced, produce
from support.oracle import Evidence, Report, committed_too_far, judge, read_accepted, read_filtered
from support.processes import COMMAND, Processes, Running, log_lines
from support.topics import Place
from support.waiting import eventually

PIXEL = "1234567890"
TOKEN = "a-token-of-the-tests"
NOBODY = "http://127.0.0.1:9"  # until there is a sandbox: nothing that a test sends may leave the machine
START_S_MAX = 60.0

# A member that was killed is missed after so long; librdkafka's own is 45 s.
SESSION = {"session.timeout.ms": 6_000, "heartbeat.interval.ms": 1_000}


@dataclass(slots=True)
class Scene:
    """A group of consumers between two topics and a sandbox of their own."""

    bootstrap_servers: str
    topic: str
    dead_letter_topic: str
    group: str
    processes: Processes
    accepted_file: Path
    parking_topic: str = "capi.parked"
    graph_url: str = NOBODY
    command: Sequence[str] = (str(COMMAND),)
    produced: list[Produced] = field(default_factory=list)
    consumers: list[Running] = field(default_factory=list)
    # How far the file of accepted events was read, and how many lines that were: it only grows.
    _read_to: int = 0
    _lines_read: int = 0

    def create_topics(self, partitions: int, config: Mapping[str, str] | None = None) -> None:
        """The events topic, with `config`, and the dead-letter topic."""
        topics.create_topic(self.bootstrap_servers, self.topic, partitions, config)
        topics.create_topic(self.bootstrap_servers, self.dead_letter_topic)

    def start_sandbox(self, *options: str) -> Running:
        """The stand-in for Meta, listening."""
        port_file = self.processes.folder / "sandbox.port"
        known = ["--pixel-id", PIXEL, "--access-token", TOKEN]
        files = ["--port-file", str(port_file), "--accepted-file", str(self.accepted_file)]
        sandbox = self.processes.start("sandbox", *known, *files, *options)
        eventually(lambda: sandbox.still_runs() and port_file.exists(), START_S_MAX, "the sandbox listens")
        self.graph_url = f"http://127.0.0.1:{port_file.read_text().strip()}"
        return sandbox

    def settings(self, **own: str) -> dict[str, str]:
        """The environment of a member of the group. `own` are names of settings and their texts."""
        return {
            "CAPI_PIXEL_ID": PIXEL,
            "CAPI_ACCESS_TOKEN": TOKEN,
            "CAPI_GRAPH_URL": self.graph_url,
            "CAPI_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "CAPI_GROUP_ID": self.group,
            "CAPI_TOPICS": self.topic,
            "CAPI_DEAD_LETTER_TOPIC": self.dead_letter_topic,
            "CAPI_PARKING_TOPIC": self.parking_topic,
            "CAPI_USER_CONSENT_CATEGORY": ADVERTISING,
            "CAPI_KAFKA_PROPERTIES": json.dumps(SESSION),
            "CAPI_LINGER_MS": "100",
            "CAPI_LOG_FORMAT": "json",
            "CAPI_LOG_LEVEL": "debug",
            **own,
        }

    def consumer(self, **own: str) -> Running:
        """Start one more member of the group and wait until it is ready."""
        consumer = self.starting_consumer(**own)
        consumer.await_ready(START_S_MAX)
        return consumer

    def starting_consumer(self, *options: str, **own: str) -> Running:
        """The same without waiting, for one that is not meant to be ready. `options` are those of `run`."""
        consumer = self.processes.start("run", *options, settings=self.settings(**own), command=self.command)
        self.consumers.append(consumer)
        return consumer

    def produce(self, events: Sequence[Event]) -> None:
        """Write the events to the topic."""
        self.produced += produce(self.bootstrap_servers, self.topic, events)

    def accepted_lines(self) -> int:
        """Events that the sandbox has accepted, repeats included."""
        if not self.accepted_file.exists():
            return 0
        with self.accepted_file.open("rb") as file:
            file.seek(self._read_to)
            more = file.read()
        self._read_to += len(more)
        self._lines_read += more.count(b"\n")
        return self._lines_read

    def shares(self) -> list[int]:
        """How many partitions each member of the group has, when the group is at rest; else none."""
        return topics.shares(self.bootstrap_servers, self.group)

    def is_done(self) -> bool:
        """Whether everything that was produced is committed."""
        committed = topics.committed_offsets(self.bootstrap_servers, self.group)
        ends = topics.end_offsets(self.bootstrap_servers, self.topic)
        return all(committed.get(partition, 0) >= end for partition, end in ends.items())

    def evidence(self) -> Evidence:
        """What is there now; the committed offsets are read first."""
        committed = topics.committed_offsets(self.bootstrap_servers, self.group)
        return Evidence(
            committed=committed,
            accepted=read_accepted(self.accepted_file) if self.accepted_file.exists() else [],
            filtered=read_filtered(log_lines([consumer.stderr for consumer in self.consumers])),
            letters=topics.read_to_end(self.bootstrap_servers, self.dead_letter_topic),
            ends=topics.end_offsets(self.bootstrap_servers, self.topic),
        )

    def committed_too_far(self) -> tuple[Place, ...]:
        """Places that are committed at this instant and have not ended."""
        return committed_too_far(self.produced, self.evidence())

    def report(self) -> Report:
        """The oracle's judgement of what is there now."""
        return judge(self.produced, self.evidence())

    def behave(self, **changes: Any) -> None:
        """Change how the sandbox behaves, from the next request on."""
        body = json.dumps(changes).encode()
        asked = urllib.request.Request(f"{self.graph_url}/sandbox/behave", data=body, method="POST")
        urllib.request.urlopen(asked, timeout=10).close()

    def reset_sandbox(self) -> None:
        """Counts and behaviour as at the start; the file of accepted events stays."""
        urllib.request.urlopen(f"{self.graph_url}/sandbox/reset", timeout=10).close()

    def sandbox_stats(self) -> dict[str, Any]:
        """The sandbox's own counts."""
        with urllib.request.urlopen(f"{self.graph_url}/sandbox/stats", timeout=10) as answer:
            return dict(json.load(answer))
