"""
F25 and F26: what only time shows, and what only many interleavings show.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from faults.measures import Bars, Measures, Size
from faults.watching import memory_mb, open_files, threads
from faults.world import World, pause

LOOK_S = 1.0
# The oracle keeps every event in memory, and the sandbox its ids.
RATE_MAX = 2_000
SLOPE_MB_A_MINUTE_MAX = 0.5


def soak(world: World, size: Size) -> Measures:
    """F25: half of the highest rate. The first third is for warming up."""
    seconds = size(8, 660)
    with world.stage() as stage:
        consumer = stage.scene.consumer()
        rate = min(RATE_MAX, _highest_rate(stage, size(5_000, 40_000)) / 2)
        memory: list[tuple[float, float]] = []
        files: list[int] = []
        tasks: list[int] = []
        with stage.load(events_per_s=rate):
            began = time.monotonic()
            while (elapsed := time.monotonic() - began) < seconds:
                pause(LOOK_S)
                if elapsed > seconds / 3:
                    memory.append((elapsed / 60, memory_mb(consumer.child.pid, "VmRSS")))
                    files.append(open_files(consumer.child.pid))
                    tasks.append(threads(consumer.child.pid))
        recover_s = stage.await_done()
        report = stage.must_hold()
        slope = _slope(memory)
        most = size(20.0, SLOPE_MB_A_MINUTE_MAX)
        bar = f"{seconds} s at {rate:,.0f} events/s: memory grows by < {most} MB a minute"
        stage.must(bar, f"{slope:+.2f} (from {memory[0][1]:.0f} to {memory[-1][1]:.0f} MB)", slope < most)
        stage.must(
            "open files and sockets: at the end ≤ at first + 3", _ends(files), files[-1] <= files[0] + 3
        )
        stage.must("threads: at the end ≤ at first + 1", _ends(tasks), tasks[-1] <= tasks[0] + 1)
        stage.must("twice 0", report.twice, report.twice == 0)
        stage.must("dead letters 0", report.dead_lettered, report.dead_lettered == 0)
        return stage.measures(report, recover_s)


def _highest_rate(stage, count: int) -> float:
    accepted = stage.scene.accepted_lines()
    stage.produce(count)
    began = time.monotonic()
    stage.await_accepted(accepted + count)
    return count / (time.monotonic() - began)


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the straight line with the least squares."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    square = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / square if square else 0.0


def _ends(values: Sequence[int]) -> str:
    return f"{values[0]} to {values[-1]}, at most {max(values)}"


MACHINE = Path(__file__).parents[1] / "core" / "test_offsets.py"
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
