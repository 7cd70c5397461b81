"""
Results as others read them: build/faults.json, and the table in docs/delivery.md.

A run of some scenarios replaces their rows and leaves the others as they were.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from faults.measures import Measures
from faults.scenarios import Scenario

ROOT = Path(__file__).parents[2]
JSON_FILE = ROOT / "build" / "faults.json"
LOG_FILE = ROOT / "build" / "faults.log"  # what the processes said last
DOCS_FILE = ROOT / "docs" / "delivery.md"
BEGIN, END = "<!-- faults:begin -->", "<!-- faults:end -->"

Row = dict[str, Any]

COLUMNS = {
    "id": "#",
    "title": "scenario",
    "passed": "",
    "produced": "produced",
    "accepted": "accepted",
    "filtered": "filtered",
    "dead_lettered": "dead letters",
    "lost": "lost",
    "twice": "twice",
    "recover_s": "recovers in s",
    "requests_max": "requests at once",
    "rss_mb": "peak MB",
    "seconds": "took s",
    "note": "bar: measured",
}


def row_of(scenario: Scenario, measures: Measures, seconds: float) -> Row:
    """The object of build/faults.json."""
    numbers = asdict(measures)
    broken = numbers.pop("broken")
    note = numbers.pop("note")
    says = f"NOT MET: {'; '.join(broken)} | {note}" if broken else note
    head = {"id": scenario.id, "title": scenario.title, "passed": measures.passed}
    return head | numbers | {"seconds": round(seconds, 1), "note": says}


def in_order(rows: Iterable[Row]) -> list[Row]:
    """By number."""
    return sorted(rows, key=lambda row: int(row["id"].removeprefix("F")))


def write_json(rows: Sequence[Row], file: Path = JSON_FILE) -> list[Row]:
    """Put the rows among those that are there; all of them."""
    known = {row["id"]: row for row in json.loads(file.read_text())} if file.exists() else {}
    known |= {row["id"]: row for row in rows}
    everything = in_order(known.values())
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(everything, indent=2, ensure_ascii=False) + "\n")
    return everything


def write_docs(rows: Sequence[Row], file: Path = DOCS_FILE) -> None:
    """The table between the two markers."""
    text = file.read_text() if file.exists() else f"# Delivery\n\n{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    file.write_text(f"{before}{BEGIN}\n{markdown(rows)}{END}{after}")


def markdown(rows: Iterable[Row]) -> str:
    """The table as the page shows it."""
    lines = [list(COLUMNS.values()), ["---"] * len(COLUMNS)]
    lines += [[cell(row[name]) for name in COLUMNS] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(value: object) -> str:
    """One value of a row as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "passed" if value else "**failed**"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")
