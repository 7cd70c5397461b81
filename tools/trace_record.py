"""
Run one record of each kind through the real consumer, and print the code that it visits.

    make trace             the files, classes and functions, in order
    make trace JSON=1      the same as JSON

The brokers are librdkafka's mock cluster and Meta is the sandbox, as in
`capi-consumer demo`; everything between them is the consumer as it runs in
production. A function counts as visited if it's called while the record is on
its way, and isn't called while the consumer is idle; functions that call a
visited one count too. The sandbox and the demo are left out.

Exits with 1 if an accepted record visits more than 30 files, or more than three
objects of `delivery/` lie between the closed batch and the HTTP client.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple

from confluent_kafka import Producer

import consumer
from consumer.config.settings import LogFormat, LogLevel
from consumer.demo.environment import EVENTS, DemoEnvironment, Sample, demo_environment, shop_samples
from consumer.observability import logs

PACKAGE = Path(consumer.__file__).parent
LEFT_OUT = ("sandbox/", "demo/")
FILES_MAX = 30
DELIVERY_OBJECTS_MAX = 3
# Longer than anything that the consumer does regularly while it is idle, but for what happens every minute.
IDLE_S = 3.0
KINDS = {"accepted": "accepted", "filtered": "no_consent", "invalid": "not_json", "rejected": "rejected"}


class Visit(NamedTuple):
    """A function of ours: its file from the package on, and its qualified name."""

    file: str
    function: str

    @property
    def owner(self) -> str:
        """The class of a method; empty for a function of a module."""
        head, _, _ = self.function.partition(".<locals>")
        return head.rpartition(".")[0]


class Recorder:
    """Records calls of our functions in all threads, in the order of the first call."""

    def __init__(self) -> None:
        self._known: dict[CodeType, Visit | None] = {}
        self._idle: set[Visit] = set()
        self._visits: dict[Visit, None] = {}
        self._is_idle: bool | None = None

    def install(self) -> None:
        """From now on, in this thread and in those that are started later."""
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)

    def watch(self, *, is_idle: bool | None) -> None:
        """Whether the calls from now on are those of an idle consumer. None: ignore them."""
        self._is_idle = is_idle
        self._visits = {}

    def visits(self) -> list[Visit]:
        """What was visited since `watch`."""
        return list(self._visits)

    def _profile(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call" or self._is_idle is None or (visit := self._visit(frame.f_code)) is None:
            return
        if self._is_idle:
            self._idle.add(visit)
        elif visit not in self._idle and visit not in self._visits:
            callers = list(self._callers(frame))
            # The demo reads the group's offsets to see whether the record is done: not the consumer.
            if not self._is_called_by_demo(frame):
                for caller in reversed(callers):
                    self._visits.setdefault(caller)

    def _is_called_by_demo(self, frame: FrameType | None) -> bool:
        while frame is not None:
            if Path(frame.f_code.co_filename).is_relative_to(PACKAGE / "demo"):
                return True
            frame = frame.f_back
        return False

    def _callers(self, frame: FrameType | None) -> Iterator[Visit]:
        while frame is not None:
            if (visit := self._visit(frame.f_code)) is not None:
                yield visit
            frame = frame.f_back

    def _visit(self, code: CodeType) -> Visit | None:
        if code not in self._known:
            self._known[code] = None
            path = Path(code.co_filename)
            if path.is_relative_to(PACKAGE) and "<genexpr>" not in code.co_qualname:
                file = path.relative_to(PACKAGE).as_posix()
                if not file.startswith(LEFT_OUT):
                    self._known[code] = Visit(file, code.co_qualname)
        return self._known[code]


def samples() -> dict[str, Sample]:
    """One event of the shop for each kind."""
    found = shop_samples(time.time())
    return {
        kind: next(
            one
            for one in found
            if one.expected == expected and (kind != "accepted" or b"purchase" in one.value)
        )
        for kind, expected in KINDS.items()
    }


async def trace() -> dict[str, list[Visit]]:
    """What a record of each kind visits."""
    recorder = Recorder()
    recorder.install()
    found = {}
    async with demo_environment() as running:
        for kind, sample in samples().items():
            # Twice: what the first record of a kind sets up for the others is not part of every record's way.
            await _send(running, sample)
            recorder.watch(is_idle=True)
            await asyncio.sleep(IDLE_S)
            recorder.watch(is_idle=False)
            await _send(running, sample)
            found[kind] = recorder.visits()
            recorder.watch(is_idle=None)
    sys.setprofile(None)
    threading.setprofile(None)
    return found


async def _send(running: DemoEnvironment, sample: Sample) -> None:
    producer = Producer({"bootstrap.servers": running.settings.bootstrap_servers})
    producer.produce(EVENTS, sample.value)
    await asyncio.to_thread(producer.flush, 10)
    await running.settled()


def delivery_objects(visits: list[Visit]) -> list[str]:
    """Modules of `delivery/` whose objects the batch passes from the batcher on to the HTTP client."""
    files = [visit.file for visit in visits if visit.owner]
    batched = max((n for n, file in enumerate(files) if file == "delivery/batcher.py"), default=0)
    sent = next((n for n, file in enumerate(files) if file == "delivery/meta_client.py"), len(files))
    between = [
        file
        for file in files[batched + 1 : sent]
        # in_flight.py has the data and the task, dispatcher.py what started the delivery.
        if file.startswith("delivery/") and file not in ("delivery/in_flight.py", "delivery/dispatcher.py")
    ]
    return list(dict.fromkeys(between))


def as_text(kind: str, visits: list[Visit]) -> str:
    """The visits of one record, by file."""
    lines, file = [f"{kind} record"], ""
    for number, visit in enumerate(visits, 1):
        if visit.file != file:
            file = visit.file
            lines.append(f"  consumer/{file}")
        lines.append(f"    {number:3} {visit.function}")
    files = {visit.file for visit in visits}
    classes = {(visit.file, visit.owner) for visit in visits if visit.owner}
    lines.append(f"  {len(files)} files, {len(classes)} classes, {len(visits)} functions\n")
    return "\n".join(lines)


def broken_limits(found: dict[str, list[Visit]]) -> list[str]:
    """What an accepted record exceeds."""
    files = {visit.file for visit in found["accepted"]}
    objects = delivery_objects(found["accepted"])
    broken = []
    if len(files) > FILES_MAX:
        broken.append(f"an accepted record visits {len(files)} files, more than {FILES_MAX}")
    if len(objects) > DELIVERY_OBJECTS_MAX:
        broken.append(f"between the closed batch and the HTTP client lie {', '.join(objects)}")
    return broken


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Print the code that a record visits.")
    parser.add_argument("--json", action="store_true", help="as JSON, on standard output")
    asked = parser.parse_args()
    logs.configure(LogFormat.CONSOLE, LogLevel.ERROR)
    found = asyncio.run(trace())
    if asked.json:
        print(json.dumps({kind: [list(visit) for visit in visits] for kind, visits in found.items()}))
    else:
        for kind, visits in found.items():
            print(as_text(kind, visits))
        objects = ", ".join(delivery_objects(found["accepted"]))
        print(f"Between the closed batch and the HTTP client: {objects}")
    broken = broken_limits(found)
    for line in broken:
        print(f"trace: {line}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
