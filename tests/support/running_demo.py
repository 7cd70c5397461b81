"""
The demo, left running after everything that it does, and what is known of it without the page.

    demo.page        where its page is
    demo.settings    the environment of commands that share its world
    demo.outcome     what `--json` says: what the stand-in for Meta accepted, what stands in the dead letters
    demo.run(…)      such a command
    demo.behind()    by the broker: records after the committed offset of each partition
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from support import children
from support.processes import COMMAND, environment
from support.waiting import eventually

TOPIC, GROUP = "capi.events", "capi-consumer"
READY_S_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Demo:
    page: str
    settings: dict[str, str]
    outcome: dict[str, Any]

    def run(self, *arguments: str, given: bytes = b"") -> bytes:
        """`capi-consumer ARGUMENTS` to its end, with `given` as standard input; what it printed."""
        ended = subprocess.run(
            [COMMAND, *arguments],
            input=given,
            env=environment(**self.settings),
            capture_output=True,
            timeout=READY_S_MAX,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def publish(self, events: bytes) -> None:
        """Events into its topic, each line as it stands."""
        self.run("publish", "--raw", "--json", given=events)

    def sandbox_stats(self) -> dict[str, Any]:
        """What Meta's stand-in counted."""
        with urllib.request.urlopen(f"{self.settings['CAPI_GRAPH_URL']}/sandbox/stats", timeout=10) as answer:
            return dict(json.loads(answer.read()))

    def behave(self, **changes: Any) -> None:
        """Change how Meta's stand-in behaves, from the next request on."""
        body = json.dumps(changes).encode()
        url = f"{self.settings['CAPI_GRAPH_URL']}/sandbox/behave"
        urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST"), timeout=10).close()

    def behind(self) -> dict[int, int]:
        """Partition -> records from the group's committed offset to the end."""
        looking = Consumer({"bootstrap.servers": self.settings["CAPI_BOOTSTRAP_SERVERS"], "group.id": GROUP})
        try:
            partitions = looking.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions
            committed = looking.committed([TopicPartition(TOPIC, one) for one in partitions], timeout=10)
            ends = [looking.get_watermark_offsets(place, timeout=10, cached=False)[1] for place in committed]
            return {
                place.partition: end - max(0, place.offset)
                for place, end in zip(committed, ends, strict=True)
            }
        finally:
            looking.close()


@contextmanager
def running_demo(folder: Path) -> Iterator[Demo]:
    """It, until the end of the block."""
    said, outcome = folder / "said", folder / "outcome"
    child = children.start([str(COMMAND), "demo", "--keep", "--json"], environment(), outcome, said, folder)
    try:
        eventually(lambda: "capi-consumer replay --dry-run" in said.read_text(), READY_S_MAX)
        text = said.read_text()
        page = re.search(r"live page: (\S+)", text)
        assert page is not None
        yield Demo(
            page=page[1],
            settings=dict(re.findall(r"export (\w+)=(\S+)", text)),
            outcome=json.loads(outcome.read_text()),
        )
        child.send_signal(signal.SIGINT)
        assert child.wait(30) == 0  # an open page holds nothing up
    finally:
        children.end(child)
