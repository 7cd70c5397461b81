"""
F25 and F26: what only time shows, and what only many interleavings show.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from faults.measures import Bars, Measures, Size
from faults.watching import memory_mb, open_files, threads
from faults.world import Stage, World, pause
from support.waiting import eventually

LOOK_S = 1.0
# The oracle keeps every event in memory, and the sandbox its ids.
RATE_MAX = 2_000
SLOPE_MB_A_MINUTE_MAX = 0.5
COUNTING_TASKS = Path(__file__).with_name("counting_tasks.py")
TASKS_MORE_MAX = 8  # a batch more in each slot, at the moment of looking
AT_REST = 4  # so many counts in a row that are the same


def soak(world: World, size: Size) -> Measures:
    """F25: half of the highest rate."""
    seconds = size(8, 660)
    with world.stage() as stage:
        stage.scene.command = (sys.executable, str(COUNTING_TASKS))
        stage.produce(size(6_000, 120_000))
        consumer = stage.scene.consumer()
        highest = _highest_rate(stage, size(3, 20))
        stage.await_done()
        rate = min(RATE_MAX, highest / 2)
        tasks = TaskGroup(stage.scene.processes.folder / "tasks")
        at_rest = tasks.at_rest()
        with stage.load(events_per_s=rate):
            looks = _looks(consumer.child.pid, tasks, seconds)
        recover_s = stage.await_done()
        report = stage.must_hold()
        rates = f"{rate:,.0f} events/s, half of {highest:,.0f} sustained, at most {RATE_MAX:,}"
        _must_be_flat(stage, looks, f"{seconds} s at {rates}", size(20.0, SLOPE_MB_A_MINUTE_MAX))
        bar = "tasks at rest, before and after: no more"
        after = tasks.at_rest()
        stage.must(bar, f"{at_rest}, {after}", after <= at_rest)
        stage.must("twice 0", report.twice, report.twice == 0)
        stage.must("dead letters 0", report.dead_lettered, report.dead_lettered == 0)
        return stage.measures(report, recover_s)


def _highest_rate(stage: Stage, seconds: float) -> float:
    """Events a second over so many seconds, or until all there is is done, from the first accepted one."""
    stage.await_accepted(1)
    first, began = stage.scene.accepted_lines(), time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        if stage.scene.accepted_lines() >= len(stage.scene.produced):
            break
        pause(LOOK_S / 10)
    return (stage.scene.accepted_lines() - first) / elapsed


class Look(NamedTuple):
    """A process at one moment."""

    minute: float
    memory_mb: float
    files: int
    threads: int
    tasks: int


def _looks(pid: int, tasks: TaskGroup, seconds: float) -> list[Look]:
    """One a second. The first third is for warming up, and left out."""
    looks = []
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        pause(LOOK_S)
        now = elapsed / 60, memory_mb(pid, "VmRSS"), open_files(pid), threads(pid), tasks.last()
        looks.append(Look(*now))
    return [look for look in looks if look.minute > seconds / 180]


def _must_be_flat(stage: Stage, looks: Sequence[Look], where: str, most_mb: float) -> None:
    first, last = looks[0], looks[-1]
    slope = _slope([(look.minute, look.memory_mb) for look in looks])
    bar = f"{where}: memory grows by < {most_mb} MB a minute"
    measured = f"{slope:+.2f} (from {first.memory_mb:.0f} to {last.memory_mb:.0f} MB)"
    stage.must(bar, measured, slope < most_mb)
    files = [look.files for look in looks]
    stage.must("open files and sockets: at the end ≤ at first + 3", _ends(files), files[-1] <= files[0] + 3)
    running = [look.threads for look in looks]
    stage.must("threads: at the end ≤ at first + 1", _ends(running), running[-1] <= running[0] + 1)
    half = len(looks) // 2
    early, late = (max(look.tasks for look in some) for some in (looks[:half], looks[half:]))
    bar = f"asyncio tasks: most in the second half ≤ most in the first + {TASKS_MORE_MAX}"
    stage.must(bar, f"{early}, {late}", late <= early + TASKS_MORE_MAX)


class TaskGroup:
    """What a consumer that counts its tasks has written down."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def last(self) -> int:
        """The latest count."""
        return self._counts()[-1]

    def at_rest(self) -> int:
        """The count that stays the same for a while, with nothing to do."""
        known = len(self._counts())

        def is_at_rest() -> bool:
            since = self._counts()[known:]
            return len(since) >= AT_REST and len(set(since[-AT_REST:])) == 1

        eventually(is_at_rest, 30, "the number of tasks stays the same")
        return self.last()

    def _counts(self) -> list[int]:
        whole, _, _ = self._file.read_text().rpartition("\n")
        return [int(line) for line in whole.splitlines()]


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the straight line with the least squares."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    square = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / square if square else 0.0


def _ends(values: Sequence[int]) -> str:
    return f"{values[0]} to {values[-1]}, at most {max(values)}"


MACHINE = Path(__file__).parents[1] / "kafka" / "test_offset_tracker.py"
SEARCH = """
import runpy, sys
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
machine = runpy.run_path(sys.argv[1])["AnyInterleaving"]
how = settings(max_examples=int(sys.argv[2]), stateful_step_count=80, deadline=None, database=None)
run_state_machine_as_test(machine, settings=how)
"""


def any_interleaving(world: World, size: Size) -> Measures:
    """F26: the state machine beside the tests of the tracker, with more examples than a test has time for."""
    examples = size(100, 4_000)
    command = [sys.executable, "-c", SEARCH, str(MACHINE), str(examples)]
    found = subprocess.run(command, cwd=MACHINE.parents[2], capture_output=True, text=True, timeout=1_800)
    bars = Bars()
    last = found.stderr.strip().splitlines()[-1:] or ["equal"]
    bars.must(
        f"the tracker equals a plain model in {examples:,} interleavings", last[0], found.returncode == 0
    )
    return Measures(note="; ".join(bars.notes), broken=tuple(bars.broken))
