"""
One program at work on a backlog, and what that cost.

    start, joined the group | ------------ drain ----------- | told to stop, ended
                            processor time is counted from here to the end

So nothing that the program does for an event is left out: not its first events, which are the dearest,
nor its commits, nor how it ends. Only Python's start is.
Events a second are those between the first answer of the sandbox and the last: of the whole backlog, or of
its first `drained` events. The oracle speaks before any of this is given back.
"""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from support import topics
from support.processes import COMMAND, Running
from support.waiting import eventually

from benchmarks import cost
from benchmarks.backlog import Backlog
from benchmarks.ledger import Answer, Report, demand, judge
from benchmarks.ready import READY_FILE
from benchmarks.world import START_S_MAX, World

DRAIN_S_MAX = 900.0
STOP_S_MAX = 60.0
ASKED_EVERY_S = 0.1
OURS = (str(COMMAND), "run")


@dataclass(frozen=True, slots=True)
class Drained:
    """What it took. `cpu_us` is the processor time of the program for an event, the others' are beside it."""

    events: int
    events_s: float
    cpu_us: float
    peak_mb: float
    sandbox_cpu_us: float
    kafka_cpu_us: float
    report: Report
    answers: Sequence[Answer]


class Drain:
    """A group of programs between a backlog and the sandbox."""

    def __init__(self, world: World, topic: str, command: tuple[str, ...] = OURS, **settings: str) -> None:
        self._world = world
        self._command = command
        self._settings = settings
        self.topic = topic
        self._letters = world.topic("letters")
        self._group = f"group-{uuid.uuid4().hex[:8]}"
        self._began_at = world.answers_size()
        self._seen_to = self._began_at
        self._seen = 0

    def start(self, members: int = 1) -> list[Running]:
        """So many members, all in the group; `begun_s` has what each had used by then."""
        self._world.say("the consumer starts")
        launched = [self._launch() for _ in range(members)]
        self.begun_s: dict[str, float] = {}

        def have_joined() -> bool:
            for one, is_ready in launched:
                if one.name not in self.begun_s and one.still_runs() and is_ready():
                    self.begun_s[one.name] = cost.processor_s(one.child.pid)
            return len(self.begun_s) == members

        eventually(have_joined, START_S_MAX, "all are in the group")
        return [one for one, _ in launched]

    def _launch(self) -> tuple[Running, Callable[[], bool]]:
        """A process, and how it is seen that it is in the group."""
        ready = self._world.folder / f"ready-{uuid.uuid4().hex[:8]}"
        settings = self._world.settings(self.topic, self._letters, self._group, **self._settings)
        if self._command != OURS:
            settings[READY_FILE] = str(ready)
        running = self._world.program(self._command[:-1], self._command[-1], settings=settings)
        if self._command == OURS:
            return running, lambda: running.status("/readyz") == 200
        return running, ready.exists

    def await_accepted(self, events: int, members: Sequence[Running]) -> None:
        """Wait until so many have been accepted, repeats included."""

        def is_there() -> bool:
            for member in members:
                member.still_runs()
            accepted = self._accepted()
            self._world.say(f"{accepted:,} of {events:,} events accepted")
            return accepted >= events

        eventually(is_there, DRAIN_S_MAX, f"{events} events are accepted", ASKED_EVERY_S)

    def _accepted(self) -> int:
        """Counted as the file grows: each id begins alike."""
        with self._world.answers_file.open("rb") as file:
            file.seek(self._seen_to)
            whole = file.read().rpartition(b"\n")
        if whole[0]:
            self._seen_to += len(whole[0]) + 1
            self._seen += whole[0].count(b'"e-')
        return self._seen

    def answers(self) -> list[Answer]:
        """All requests that were answered since this began."""
        return self._world.answers_from(self._began_at)

    def report(self, backlog: Backlog, answers: Sequence[Answer], to_drain: int | None = None) -> Report:
        """The oracle's, when it holds; else NotHonest."""
        committed = topics.committed_offsets(self._world.brokers, self._group)
        letters = sum(topics.end_offsets(self._world.brokers, self._letters).values())
        return demand(
            judge(
                backlog.events,
                backlog.partitions,
                (number for answer in answers for number in answer.numbers),
                {number: offset for (topic, number), offset in committed.items() if topic == self.topic},
                letters,
                to_drain=to_drain,
            )
        )


def drain(
    world: World,
    backlog: Backlog,
    command: tuple[str, ...] = OURS,
    drained: int | None = None,
    members: int = 1,
    **settings: str,
) -> Drained:
    """Let `members` processes drain the backlog, or its first `drained` events, and be stopped."""
    others = [world.sandbox.child.pid, world.kafka_pid()]
    task = Drain(world, backlog.topic, command, **settings)
    before = [cost.processor_s(pid) if pid else 0.0 for pid in others]
    running = task.start(members)
    task.await_accepted(drained or backlog.events, running)
    last_s = time.time()
    peak = max(cost.peak_mb(one.child.pid) for one in running)
    spent = sum(stopped_s(one) - task.begun_s[one.name] for one in running)
    around = [cost.processor_s(pid) - at if pid else 0.0 for pid, at in zip(others, before, strict=True)]
    answers = task.answers()
    report = task.report(backlog, answers, drained)
    each = 1e6 / report.accepted
    return Drained(
        events=report.accepted,
        events_s=rate([one for one in answers if one.at_s <= last_s]),
        cpu_us=spent * each,
        peak_mb=peak,
        sandbox_cpu_us=around[0] * each,
        kafka_cpu_us=around[1] * each,
        report=report,
        answers=answers,
    )


def stopped_s(running: Running) -> float:
    """Processor seconds of its whole life, after it was told to stop and has ended well."""
    running.ask_to_stop()
    eventually(lambda: _has_ended(running.child.pid), STOP_S_MAX, f"{running.name} ends")
    spent = cost.processor_s(running.child.pid)
    code = running.wait(STOP_S_MAX)
    assert code == 0, f"{running.name} ended with {code}\n{running.last_lines()}"
    return spent


def _has_ended(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "Z"


def rate(answers: Sequence[Answer]) -> float:
    """Events a second between the first answer and the last."""
    ordered = sorted(answers)
    first, last = ordered[0], ordered[-1]
    seconds = max(last.at_s - first.at_s, 1e-3)
    return sum(len(answer.numbers) for answer in ordered[1:]) / seconds


def python(module: str) -> tuple[str, ...]:
    """The command of a program of ours."""
    return (sys.executable, "-m", module)
