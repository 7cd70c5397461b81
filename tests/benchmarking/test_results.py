"""What a run leaves: build/bench.json, a table, an exit code; and the page takes only whole runs."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks import __main__ as bench
from benchmarks.figures import FIGURES, Figure
from benchmarks.ledger import NotHonest
from benchmarks.page import write_pages
from benchmarks.results import as_json, figures_of, write_json
from benchmarks.world import SHORT, World

MACHINE = {
    "processor": "a processor",
    "cores": 2,
    "memory_gb": 24,
    "system": "Linux 6",
    "python": "3.11",
    "libraries": {"orjson": "3"},
    "commit": "abc",
    "day": "2026-01-01",
}
ABOUT = {"form": "short", "rounds": 3, "seconds": 9, "machine": MACHINE}
ALL = {key: Figure([1.0, 2.0, 3.0]) for key in FIGURES}


def shown() -> Console:
    return Console(file=io.StringIO(), width=160)


def test_each_figure_has_median_range_and_rounds_under_its_key(tmp_path: Path) -> None:
    file = tmp_path / "build" / "bench.json"
    write_json(as_json({"ratio": Figure([2.0, 1.5, 1.7])}, ABOUT), file)
    read = json.loads(file.read_text())
    assert read["ratio"] == {"median": 1.7, "low": 1.5, "high": 2.0, "rounds": [2.0, 1.5, 1.7], "unit": ""}
    assert read["bars"] == [{"key": "ratio", "bar": "≤ 1.8", "median": 1.7, "passed": True}]
    assert figures_of(read) == {"ratio": Figure([2.0, 1.5, 1.7])}


def test_a_missed_bar_is_said_and_ends_with_1() -> None:
    console = shown()
    assert bench.judged({"ratio": Figure([1.9]), "rss_mb": Figure([100.0])}, ABOUT, console) == 1
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert "MISSED ratio (decide : floor): 1.90 , the bar is ≤ 1.8" in said
    assert "1 of 2 bars passed" in said
    assert "passed" in next(line for line in said.splitlines() if "rss_mb" in line)


def test_without_a_missed_bar_it_ends_with_0() -> None:
    assert bench.judged({"ratio": Figure([1.7])}, ABOUT, shown()) == 0


def test_rounds_are_interleaved(tmp_path: Path) -> None:
    order: list[str] = []

    def part(name: Any) -> Any:
        def measure(world: Any) -> dict[str, float]:
            order.append(name)
            return {name: float(len(order))}

        return measure

    parts = {"decide_us": part("decide_us"), "sdk_us": part("sdk_us")}
    found = bench.run(parts, World(tmp_path, SHORT), 3, shown())
    assert order == ["decide_us", "sdk_us"] * 3
    assert found == {"decide_us": Figure([1.0, 3.0, 5.0]), "sdk_us": Figure([2.0, 4.0, 6.0])}


def test_a_run_that_the_oracle_refuses_ends_with_1_and_leaves_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bench.json"
    file.write_text("of an earlier run")

    def lossy(world: Any) -> None:
        raise NotHonest("this run's speed counts for nothing: lost=1")

    monkeypatch.setattr(bench, "JSON_FILE", file)
    monkeypatch.setattr(bench, "machine", lambda: MACHINE)
    monkeypatch.setattr(bench, "chosen", lambda only: {"pipeline": lossy})
    assert bench.main([]) == 1
    assert "counts for nothing: lost=1" in capsys.readouterr().out
    assert not file.exists()


def test_parts_are_chosen_by_name() -> None:
    assert list(bench.chosen("peer, core")) == ["core", "peer"]
    assert list(bench.chosen("")) == list(bench.MODULES)
    with pytest.raises(SystemExit, match="nothing"):
        bench.chosen("nothing")


def pages(folder: Any) -> Any:
    performance, operations = folder / "performance.md", folder / "operations.md"
    marked = [f"<!-- {word}:begin -->\nold\n<!-- {word}:end -->\n" for word in ("bench", "million")]
    performance.write_text(f"# Performance\n\n{marked[0]}between\n{marked[1]}after\n")
    operations.write_text("before\n<!-- capacity:begin -->\n<!-- capacity:end -->\nafter\n")
    return performance, operations


def test_the_pages_get_what_a_run_of_all_parts_found_between_their_markers(tmp_path: Path) -> None:
    performance, operations = pages(tmp_path)
    measured = ALL | {"pipeline_cpu_us": Figure([50.0, 40.0, 60.0]), "pipeline_events_s": Figure([10_000.0])}
    write_pages(as_json(measured, ABOUT), performance, operations)
    said = performance.read_text()
    assert said.startswith("# Performance\n\n<!-- bench:begin -->\nThe short form, 3 rounds")
    assert "a processor" in said
    assert "| `ratio` | decide : floor | 2.00 | 1.00 to 3.00 | ≤ 1.8 | missed |\n" in said
    assert "| of one core | 50 seconds |\n| on the machine above | 1.7 minutes |\n" in said
    assert "between\n" in said
    assert "old" not in said
    said = operations.read_text()
    assert "One event costs 50 µs of a core (the median of 3 rounds, 40 to 60)" in said
    assert "20,000 events a second" in said
    assert "| 1,000 | 2 (one would do) | 6 | 1 |\n" in said
    assert "| 100,000 | 10 | 20 | 100 |\n" in said
    assert said.startswith("before\n")
    assert said.endswith("after\n")


def test_the_pages_take_no_run_of_some_parts(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sdk_ratio"):
        write_pages(as_json({"ratio": Figure([1.0])}, ABOUT), *pages(tmp_path))


def test_nothing_is_started_before_a_part_asks(tmp_path: Path) -> None:
    world = World(tmp_path, SHORT)
    world.end()
    assert list(tmp_path.iterdir()) == []
