"""
`make bench`: every part in turn, round after round, then one table.

    make bench                    the short form: three rounds, under 15 minutes
    make bench FULL=1             five rounds, and the million drained to its end
    make bench ONLY=core,peer     some parts

Each round runs all parts once, so what one figure is compared with was measured
within minutes of it. OutcomeRecorder with 1 when a bar is missed, or when the oracle refuses a run.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.status import Status

from benchmarks.figures import BAR_OF, FIGURES, PARTS, Figure, missed
from benchmarks.ledger import NotHonest
from benchmarks.machine import machine
from benchmarks.page import write_pages
from benchmarks.results import JSON_FILE, as_json, table_of, write_json
from benchmarks.world import FULL, SHORT, World

ROUNDS_SHORT, ROUNDS_FULL = 3, 5
NO_TERMINAL_WIDTH = 140
MODULES = {
    "core": "benchmarks.core",
    "peer": "benchmarks.peer",
    "pipeline": "benchmarks.pipeline",
    "telemetry": "benchmarks.telemetry",
    "others": "benchmarks.others",
    "latency": "benchmarks.latency",
    "scale": "benchmarks.scale_out",
}

Measure = Callable[[World], Mapping[str, float]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for; 1 when something is missed."""
    asked = argparse.ArgumentParser(prog="benchmarks", description=__doc__.split("\n\n")[0])
    asked.add_argument("--only", default="", help=f"parts, comma between: {', '.join(PARTS)}")
    asked.add_argument("--full", action="store_true", help="the long form")
    asked.add_argument("--rounds", type=int, default=0)
    asked.add_argument(
        "--docs", action="store_true", help="measure nothing: write the pages from the last run"
    )
    given = asked.parse_args(arguments)
    if given.docs:
        return write_docs()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console.width = NO_TERMINAL_WIDTH
    size = FULL if given.full else SHORT
    rounds = given.rounds or (ROUNDS_FULL if given.full else ROUNDS_SHORT)
    about: dict[str, object] = {"form": "long" if given.full else "short", "rounds": rounds}
    on = machine()
    JSON_FILE.unlink(missing_ok=True)  # what is there afterwards is of this run
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        world = World(Path(folder), size)
        try:
            figures = run(chosen(given.only), world, rounds, console)
        except NotHonest as refused:
            console.print(str(refused), style="red", markup=False, highlight=False)
            return 1
        finally:
            world.end()
    about |= {"seconds": round(time.monotonic() - began), "machine": on}
    write_json(as_json(figures, about))
    return judged(figures, about, console)


def judged(figures: Mapping[str, Figure], about: Mapping[str, object], console: Console) -> int:
    """Show the table, and which bars are missed; the exit code."""
    console.print(table_of(figures, f"make bench: {about['rounds']} rounds in {about['seconds']} s"))
    behind = missed(figures)
    for bar in behind:
        meaning = FIGURES[bar.key]
        console.print(
            f"MISSED {bar.key} ({meaning.says}): {figures[bar.key].median:.2f} {meaning.unit}, "
            f"the bar is {bar.sign} {bar.limit:g}",
            style="red",
            highlight=False,
        )
    with_bar = [key for key in figures if key in BAR_OF]
    console.print(
        f"{len(with_bar) - len(behind)} of {len(with_bar)} bars passed; {JSON_FILE.name} is written"
    )
    return 1 if behind else 0


def _say(status: Status, doing: str, text: str) -> None:
    status.update(f"{doing}: {text}")


def run(parts: Mapping[str, Measure], world: World, rounds: int, console: Console) -> dict[str, Figure]:
    """Round by round, all parts; a line for each as it ends."""
    measured: dict[str, list[float]] = defaultdict(list)
    for number in range(1, rounds + 1):
        for name, measure in parts.items():
            began = time.monotonic()
            doing = f"round {number} of {rounds}: {name}"
            with console.status(doing) as status:
                world.say = partial(_say, status, doing)
                found = measure(world)
            for key, value in found.items():
                measured[key].append(value)
            line = "  ".join(_shown(key, value) for key, value in found.items())
            took = f"{time.monotonic() - began:4.0f} s"
            console.print(
                f"round {number} of {rounds}  {name:<9} {took}  {line}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
    return {key: Figure(values) for key, values in measured.items()}


def _shown(key: str, value: float) -> str:
    meaning = FIGURES[key]
    return f"{key} {value:,.{meaning.digits}f}"


def chosen(only: str) -> Mapping[str, Measure]:
    """The parts with these names, in their order; all when none is named. SystemExit for others."""
    names = [one.strip() for one in only.split(",") if one.strip()]
    if unknown := set(names) - set(PARTS):
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return {name: functools.partial(_part, name) for name in PARTS if not names or name in names}


def _part(name: str, world: World) -> Mapping[str, float]:
    """Measure a part; what only that one needs is imported now."""
    measure: Measure = importlib.import_module(MODULES[name]).measure
    return measure(world)


def write_docs() -> int:
    """What the pages say, from build/bench.json."""
    try:
        write_pages(json.loads(JSON_FILE.read_text()))
    except (FileNotFoundError, ValueError) as error:
        print(f"the pages stay as they are: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
