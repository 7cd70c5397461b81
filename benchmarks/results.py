"""
Results as others read them: build/bench.json, and the table on the terminal.

    {"decide_us": {"median": ..., "low": ..., "high": ..., "rounds": [...], "unit": "µs"}, ...,
     "bars": [{"key": "ratio", "bar": "≤ 1.8", "median": ..., "passed": true}, ...],
     "form": "short", "rounds": 3, "seconds": ..., "machine": {...}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.figures import BAR_OF, BARS, FIGURES, Figure, verdict

ROOT = Path(__file__).parent.parent
JSON_FILE = ROOT / "build" / "bench.json"

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
