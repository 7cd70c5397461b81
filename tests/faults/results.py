"""
Results as others read them: build/faults.json, and the table in docs/faults.md.

A run of some scenarios replaces their rows and leaves the others as they were,
in both: the page has rows of runs elsewhere, which no file here knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from faults.measures import Measures
from faults.scenarios import Scenario

ROOT = Path(__file__).parents[2]
JSON_FILE = ROOT / "build" / "faults.json"
LOG_FILE = ROOT / "build" / "faults.log"  # what the processes said last
DOCS_FILE = ROOT / "docs" / "faults.md"
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
    return sorted(rows, key=lambda row: _number(row["id"]))


def write_json(rows: Sequence[Row], file: Path = JSON_FILE) -> list[Row]:
    """Put the rows among those that are there; all of them."""
    known = {row["id"]: row for row in json.loads(file.read_text())} if file.exists() else {}
    known |= {row["id"]: row for row in rows}
    everything = in_order(known.values())
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(everything, indent=2, ensure_ascii=False) + "\n")
    return everything


def write_docs(rows: Iterable[Row], file: Path = DOCS_FILE) -> None:
    """Put the rows among those of the page's table, between the two markers."""
    text = file.read_text() if file.exists() else f"# Faults\n\n{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    lines = lines_of(table) | {row["id"]: line_of(row) for row in rows}
    file.write_text(f"{before}{BEGIN}\n{_table(lines)}{END}{after}")


def markdown(rows: Iterable[Row]) -> str:
    """The table as the page shows it."""
    return _table({row["id"]: line_of(row) for row in rows})


def lines_of(table: str) -> dict[str, str]:
    """The lines of a table's rows, by the ids they begin with."""
    found = re.finditer(r"^\| (F\d+) \|.*\n", table, re.MULTILINE)
    return {line[1]: line[0] for line in found}


def line_of(row: Row) -> str:
    """One row as a line of the table."""
    return _line(cell(row[name]) for name in COLUMNS)


def _table(lines: Mapping[str, str]) -> str:
    head = _line(COLUMNS.values()) + _line("---" for _ in COLUMNS)
    return head + "".join(lines[name] for name in sorted(lines, key=_number))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _number(name: str) -> int:
    return int(name.removeprefix("F"))


def cell(value: object) -> str:
    """One value of a row as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "passed" if value else "**failed**"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")
