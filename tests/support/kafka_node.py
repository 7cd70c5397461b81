"""
One node of the test's Kafka: a Java process that can be stopped, killed, paused and started again.

A node keeps its port and its folder for as long as it lives, so what was
written before a kill is there after the next start.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from support import children
from support.kafka_jars import jars, java
from support.waiting import eventually

READY_S_MAX = 60.0
STOP_S_MAX = 30.0
LOG_LINES_SHOWN = 30

# A short life: the first compiler and the serial collector start fastest and
# are enough for tests.
JVM = (
    "-Xmx256m",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xshare:auto",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.net.preferIPv4Stack=true",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
)


class KafkaDidNotStart(Exception):
    """A node is not ready; the message ends with the last lines of its log."""


@dataclass(slots=True)
class Node:
    """One process of the cluster. `process` is None while it is down."""

    number: int
    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    jvm: Sequence[str] = ()

    @property
    def bootstrap(self) -> str:
        """host:port of this node alone."""
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What the node wrote."""
        return self.folder / "node.log"

    def begin(self) -> None:
        """Start the process, without waiting for the broker."""
        command = java_command("kafka.Kafka", "server.properties", jvm=self.jvm)
        self.process = children.start(command, environment(), self.log, self.log, self.folder)

    def start(self) -> None:
        """Start the process and wait until the cluster counts it among its brokers."""
        self.begin()
        self.await_ready()

    def await_ready(self) -> None:
        """Wait for the broker. Raises KafkaDidNotStart."""
        try:
            eventually(self._is_ready, READY_S_MAX)
        except AssertionError:
            raise KafkaDidNotStart(f"node {self.number} is not ready\n{self.last_lines()}") from None

    def _is_ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise KafkaDidNotStart(f"node {self.number} ended\n{self.last_lines()}")
        return self.number in brokers(self.bootstrap)

    def stop(self) -> None:
        """SIGTERM: the node hands over its partitions and ends."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(STOP_S_MAX)
        self.kill()

    def kill(self) -> None:
        """SIGKILL, and reap."""
        if self.process is not None:
            children.end(self.process)
            self.process = None

    def pause(self) -> None:
        """SIGSTOP: the node keeps its connections and answers nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def last_lines(self) -> str:
        """The end of the log."""
        if not self.log.exists():
            return "(it wrote nothing)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])


def brokers(bootstrap_servers: str, timeout_s: float = 1.0) -> frozenset[int]:
    """Ids of the brokers that are up; none when nobody answers in time."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    try:
        return frozenset(admin.list_topics(timeout=timeout_s).brokers)
    except KafkaException:
        return frozenset()


def java_command(main_class: str, *arguments: str, jvm: Sequence[str] = ()) -> list[str]:
    """One of Kafka's programs, as a command. Raises NotAvailable."""
    return [java(), *JVM, *jvm, "-cp", f"{jars()}/*", main_class, *arguments]


def environment() -> dict[str, str]:
    """All that a node sees of this process's environment."""
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
