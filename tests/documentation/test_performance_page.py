"""docs/performance.md speaks of benchmarks that exist, and its table has every figure there is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.doc_pages import ROOT, Page

from benchmarks.figures import FIGURES

PAGE = Page("docs/performance.md")


def between(word: Any) -> str:
    return PAGE.text.partition(f"<!-- {word}:begin -->")[2].partition(f"<!-- {word}:end -->")[0]


def test_the_table_has_every_figure_in_order() -> None:
    assert re.findall(r"^\| `(\w+)` \|", between("bench"), re.MULTILINE) == list(FIGURES)


def test_the_run_says_on_which_machine_and_code() -> None:
    assert re.search(r"commit `[0-9a-f]{10}", between("bench"))
    assert re.search(r"\d+ cores of ", between("bench"))


def test_the_settings_that_are_tried_have_their_effect_shown() -> None:
    rows = re.findall(r"^\| `?([\w ]+)`? \|", between("tuning"), re.MULTILINE)
    assert {"CAPI_BATCH_EVENTS_MAX", "CAPI_REQUESTS_IN_FLIGHT_MAX", "CAPI_GZIP"} <= set(rows)


def test_the_picture_names_what_it_shows() -> None:
    drawn = (ROOT / "docs" / "performance.svg").read_text(encoding="utf-8")
    for label in ("events in a request", "requests at once", "events a second", "processor, µs an event"):
        assert label in drawn


@pytest.mark.parametrize("module", sorted(set(re.findall(r"benchmarks[./](\w+)", PAGE.text))))
def test_each_benchmark_exists(module: Any) -> None:
    assert (ROOT / "benchmarks" / f"{module}.py").exists()
