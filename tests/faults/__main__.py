"""
`make faults`: every scenario in its full form, one after another, as a table.

    make faults               all of them: about an hour
    make faults ONLY=F1,F16   these

OutcomeRecorder with 1 when one fails.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from faults.measures import Measures, Size
from faults.results import LOG_FILE, Row, cell, row_of, write_docs, write_json
from faults.scenarios import SCENARIOS, Scenario
from faults.world import World
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table

SHOWN = {
    "id": "#",
    "title": "scenario",
    "passed": "",
    "produced": "prod.",
    "accepted": "acc.",
    "filtered": "filt.",
    "dead_lettered": "letters",
    "lost": "lost",
    "twice": "twice",
    "recover_s": "recover s",
    "requests_max": "at once",
    "rss_mb": "MB",
    "seconds": "took s",
}
NO_TERMINAL_WIDTH = 140


def main() -> int:
    """Run what was asked for; 1 when something failed."""
    asked = argparse.ArgumentParser(prog="faults", description=__doc__.splitlines()[1])
    asked.add_argument("--only", default="", help="ids, comma between")
    asked.add_argument("--short", action="store_true", help="the short forms, written nowhere")
    given = asked.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    wanted = chosen(given.only)
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console.width = NO_TERMINAL_WIDTH
    LOG_FILE.parent.mkdir(parents=True, exist_ok=True)
    LOG_FILE.write_text("")
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        world = World(Path(folder))
        try:
            rows = run_all(wanted, world, Size(given.short), console)
        finally:
            world.end()
    if not given.short:
        write_json(rows)
        write_docs(rows)
    return 0 if all(row["passed"] for row in rows) else 1


def chosen(only: str) -> Sequence[Scenario]:
    """The scenarios with these ids; all when none is named."""
    ids = [one.strip().upper() for one in only.split(",") if one.strip()]
    unknown = set(ids) - {scenario.id for scenario in SCENARIOS}
    if unknown:
        sys.exit(f"no such scenario: {', '.join(sorted(unknown))}")
    return [scenario for scenario in SCENARIOS if not ids or scenario.id in ids]


def run_all(scenarios: Sequence[Scenario], world: World, size: Size, console: Console) -> list[Row]:
    """One after another, with a table that grows."""
    rows: list[Row] = []
    if not console.is_terminal:
        for scenario in scenarios:
            rows.append(run_one(scenario, world, size))
            console.print(summary(rows[-1]), markup=False, highlight=False, soft_wrap=True)
        console.print(table_of(rows))
        return rows
    with Live(console=console, refresh_per_second=4) as live:
        for scenario in scenarios:
            live.update(table_of(rows, scenario))
            rows.append(run_one(scenario, world, size))
            live.update(table_of(rows))
    for row in rows:
        console.print(summary(row), markup=False, highlight=False, soft_wrap=True)
    return rows


def summary(row: Row) -> str:
    """One line: what was asked and what there was."""
    return f"{row['id']} {'passed' if row['passed'] else 'FAILED'} in {row['seconds']} s: {row['note']}"


def run_one(scenario: Scenario, world: World, size: Size) -> Row:
    """One row. A scenario that breaks down has failed, and says how; its processes' last lines are kept."""
    began = time.monotonic()
    try:
        with LOG_FILE.open("a") as log, contextlib.redirect_stdout(log):
            print(f"=== {scenario.id} {scenario.title}")
            measures = scenario.run(world, size)
    except Exception as error:
        measures = Measures(broken=(f"{type(error).__name__}: {error}",))
    return row_of(scenario, measures, time.monotonic() - began)


def table_of(rows: Sequence[Row], running: Scenario | None = None) -> Table:
    """What the terminal shows."""
    table = Table(title="make faults")
    for name, heading in SHOWN.items():
        is_text = name in ("id", "title")
        table.add_column(heading, justify="left" if is_text else "right", no_wrap=name != "title")
    for row in rows:
        cells = [cell(row[name]).replace("**", "") for name in SHOWN]
        table.add_row(*cells, style=None if row["passed"] else "red")
    if running is not None:
        table.add_row(running.id, running.title, Spinner("dots"))
    return table


if __name__ == "__main__":
    sys.exit(main())
