"""
Results as others read them: build/bench.json, the table on the terminal, and the one in docs/performance.md.

    {"decide_us": {"median": ..., "low": ..., "high": ..., "rounds": [...], "unit": "µs"}, ...,
     "bars": [{"key": "ratio", "bar": "≤ 1.8", "median": ..., "passed": true}, ...],
     "form": "short", "rounds": 3, "seconds": ..., "machine": {...}}

The page takes what the last run left, when that was a run of all parts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.figures import BAR_OF, BARS, FIGURES, Figure, verdict

ROOT = Path(__file__).parent.parent
JSON_FILE = ROOT / "build" / "bench.json"
DOCS_FILE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"

Json = dict[str, Any]


def as_json(figures: Mapping[str, Figure], about: Mapping[str, object]) -> Json:
    """What build/bench.json holds."""
    measured = {
        key: {
            "median": figure.median,
            "low": figure.low,
            "high": figure.high,
            "rounds": list(figure.rounds),
            "unit": FIGURES[key].unit,
        }
        for key, figure in in_order(figures)
    }
    bars = [
        {
            "key": bar.key,
            "bar": f"{bar.sign} {bar.limit:g}",
            "median": figures[bar.key].median,
            "passed": bar.is_met(figures[bar.key]),
        }
        for bar in BARS
        if bar.key in figures
    ]
    return {**measured, "bars": bars, **about}


def figures_of(read: Json) -> dict[str, Figure]:
    """The figures of a file."""
    return {key: Figure(read[key]["rounds"]) for key in FIGURES if key in read}


def write_json(found: Json, file: Path = JSON_FILE) -> None:
    """In place of what was there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


def in_order(figures: Mapping[str, Figure]) -> list[tuple[str, Figure]]:
    """In the order of the register."""
    return [(key, figures[key]) for key in FIGURES if key in figures]


def cells(key: str, figure: Figure) -> list[str]:
    """Key, what it is, median, range, bar, whether it is met."""
    meaning, bar = FIGURES[key], BAR_OF.get(key)
    digits = meaning.digits
    unit = f" {meaning.unit}" if meaning.unit else ""
    return [
        key,
        meaning.says,
        f"{figure.median:,.{digits}f}{unit}",
        f"{figure.low:,.{digits}f} to {figure.high:,.{digits}f}",
        f"{bar.sign} {bar.limit:,g}{unit}" if bar else "",
        verdict(key, figure),
    ]


HEAD = ("key", "what", "median", "range", "bar", "")


def table_of(figures: Mapping[str, Figure], title: str) -> Table:
    """What the terminal shows."""
    table = Table(title=title, title_justify="left")
    for name in HEAD:
        table.add_column(
            name, justify="right" if name in ("median", "range", "bar") else "left", no_wrap=True
        )
    part = ""
    for key, figure in in_order(figures):
        if FIGURES[key].part != part:
            table.add_section()
            part = FIGURES[key].part
        is_missed = verdict(key, figure) == "missed"
        table.add_row(*cells(key, figure), style="red" if is_missed else None)
    return table


def markdown(read: Json) -> str:
    """The table as the page shows it, under a line that says of which run it is."""
    rows = [cells(key, figure) for key, figure in in_order(figures_of(read))]
    lines = [_line(HEAD), _line(["---", "---", "---:", "---:", "---:", "---"])]
    lines += [_line([f"`{row[0]}`", *row[1:]]) for row in rows]
    return f"{says(read)}\n\n{''.join(lines)}"


def says(read: Json) -> str:
    """Of which run."""
    on = read["machine"]
    libraries = ", ".join(f"{name} {number}" for name, number in on["libraries"].items())
    return (
        f"The {read['form']} form, {read['rounds']} rounds, on {on['day']}, commit `{on['commit']}`: "
        f"{on['cores']} cores of {on['processor']}, {on['memory_gb']} GB, {on['system']}, "
        f"Python {on['python']}, {libraries}."
    )


def write_docs(read: Json, file: Path = DOCS_FILE) -> None:
    """The table, between the two markers. Raises ValueError for a run of some parts only."""
    if absent := missing(read):
        raise ValueError(f"this was no run of all parts: {', '.join(absent)} are not in it")
    put_between(BEGIN, END, markdown(read), file)


def put_between(begin: str, end: str, text: str, file: Path) -> None:
    """Put the text between two markers of a page, in place of what is there. ValueError without them."""
    before, has_begin, rest = file.read_text().partition(begin)
    _, has_end, after = rest.partition(end)
    if not has_begin or not has_end:
        raise ValueError(f"{file.name} has no {begin} … {end}")
    file.write_text(f"{before}{begin}\n{text}{end}{after}")


def missing(read: Json) -> Sequence[str]:
    """Keys that a run of all parts has."""
    return [key for key in FIGURES if key not in read]


def _line(row: Iterable[str]) -> str:
    return f"| {' | '.join(row)} |\n"
