"""A row says what was asked for and what there was, and rows of earlier runs stay."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from faults.__main__ import chosen
from faults.measures import Bars, Measures, summed
from faults.results import BEGIN, DOCS_FILE, END, lines_of, markdown, row_of, write_docs, write_json
from faults.scenarios import SCENARIOS
from faults.soak import _slope
from faults.watching import most_that_last

HERE = Path(__file__).parent
KEYS = [
    *["id", "title", "passed", "produced", "accepted", "filtered", "dead_lettered", "lost", "twice"],
    *["recover_s", "requests_max", "rss_mb", "seconds", "note"],
]
BY_ID = {scenario.id: scenario for scenario in SCENARIOS}


def row(name: str = "F2", seconds: float = 1.26, **numbers: Any) -> dict[str, Any]:
    return row_of(BY_ID[name], Measures(**numbers), seconds)


def test_a_row_has_exactly_the_keys_of_the_contract() -> None:
    assert list(row()) == KEYS


def test_a_row_passes_when_no_part_of_its_bar_is_broken() -> None:
    bars = Bars()
    bars.must("lost 0", 0, True)
    bars.must("twice ≤ 5", 9, False)
    found = row(lost=0, note="; ".join(bars.notes), broken=tuple(bars.broken))
    assert not found["passed"]
    assert found["note"] == "NOT MET: twice ≤ 5: 9 | lost 0: 0; twice ≤ 5: 9"
    assert row(note="lost 0: 0")["passed"]


def test_rows_of_another_run_stay_and_the_same_scenario_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "build" / "faults.json"
    write_json([row("F16", seconds=1), row("F2", seconds=1)], file)
    rows = write_json([row("F2", seconds=2)], file)
    assert [(one["id"], one["seconds"]) for one in rows] == [("F2", 2), ("F16", 1)]
    assert json.loads(file.read_text()) == rows


def test_the_table_goes_between_the_markers_and_nothing_else_is_touched(tmp_path: Path) -> None:
    page = tmp_path / "faults.md"
    page.write_text(f"# Faults\n\nbefore\n\n{BEGIN}\nold\n{END}\n\nafter\n")
    write_docs([row()], page)
    assert page.read_text() == f"# Faults\n\nbefore\n\n{BEGIN}\n{markdown([row()])}{END}\n\nafter\n"


def test_a_row_of_the_page_stays_when_its_scenario_was_not_run(tmp_path: Path) -> None:
    page = tmp_path / "faults.md"
    write_docs([row("F16", note="a|b"), row("F2", produced=1), row("F10")], page)
    write_docs([row("F2", produced=2)], page)
    rows = [row("F2", produced=2), row("F10"), row("F16", note="a|b")]
    assert page.read_text() == f"# Faults\n\n{BEGIN}\n{markdown(rows)}{END}\n"


def test_the_page_has_a_row_of_each_scenario_and_each_has_passed() -> None:
    lines = lines_of(DOCS_FILE.read_text().partition(BEGIN)[2].partition(END)[0])
    shown = [tuple(cell.strip() for cell in line.split("|")[1:4]) for line in lines.values()]
    assert shown == [(scenario.id, scenario.title, "passed") for scenario in SCENARIOS]


def test_a_page_that_is_missing_is_made_with_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "faults.md"
    write_docs([row()], page)
    assert page.read_text() == f"# Faults\n\n{BEGIN}\n{markdown([row()])}{END}\n"


def test_a_table_has_a_line_a_scenario_and_no_bar_of_its_own() -> None:
    lines = markdown([row(produced=12_345, note="a|b"), row("F16", broken=("x: 1",))]).splitlines()
    assert len(lines) == 4
    assert "| 12,345 |" in lines[2]
    assert "| passed |" in lines[2]
    assert "a\\|b" in lines[2]
    assert "| **failed** |" in lines[3]


def test_counts_are_added_and_of_the_rest_the_highest_is_taken() -> None:
    rows = [
        Measures(produced=2, twice=1, rss_mb=80.0),
        Measures(produced=3, twice=0, rss_mb=70.0, recover_s=4.0),
    ]
    total = summed(rows, Bars())
    assert (total.produced, total.twice, total.rss_mb, total.recover_s) == (5, 1, 80.0, 4.0)


def test_the_slope_is_that_of_the_straight_line() -> None:
    assert _slope([(0, 10.0), (1, 12.0), (2, 14.0)]) == pytest.approx(2.0)
    assert _slope([(0, 10.0), (1, 12.0), (2, 10.0)]) == pytest.approx(0.0)
    assert _slope([(1, 10.0)]) == 0.0


def test_a_connection_that_is_being_closed_counts_no_more_than_the_next_one_that_is_open_already() -> None:
    first, second = frozenset("abcd"), frozenset("efgh")
    assert most_that_last([first, first, first | second, second, second]) == 4
    assert most_that_last([first, first | second, first | second, second]) == 8


def test_scenarios_are_chosen_by_their_ids() -> None:
    assert [scenario.id for scenario in chosen("f16, F2")] == ["F2", "F16"]
    assert chosen("") == list(SCENARIOS)
    with pytest.raises(SystemExit, match="F99"):
        chosen("F99")


def test_each_of_the_28_scenarios_is_registered_once_and_in_order() -> None:
    assert [scenario.id for scenario in SCENARIOS] == [f"F{number}" for number in range(1, 29)]


def test_only_what_runs_as_a_process_of_its_own_imports_the_package() -> None:
    importing = {
        path.name
        for path in HERE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "consumer"
    }
    assert importing == {"counting_tasks.py", "without_preflight.py"}
