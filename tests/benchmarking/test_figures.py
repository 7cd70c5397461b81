"""Bars judge by the median, each on its own side."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.figures import BARS, FIGURES, PARTS, Bar, Figure, missed, verdict


def test_a_figure_is_the_median_and_the_range_of_its_rounds() -> None:
    figure = Figure([9.0, 5.0, 6.0])
    assert (figure.median, figure.low, figure.high) == (6.0, 5.0, 9.0)


@pytest.mark.parametrize(
    ("bar", "median", "is_met"),
    [
        (Bar("ratio", "≤", 1.8), 1.8, True),
        (Bar("ratio", "≤", 1.8), 1.81, False),
        (Bar("sdk_ratio", "≥", 6), 6.0, True),
        (Bar("sdk_ratio", "≥", 6), 5.99, False),
        (Bar("cpu_difference", "±", 10), 10.0, True),
        (Bar("cpu_difference", "±", 10), -10.1, False),
        (Bar("cpu_difference", "±", 10), 10.1, False),
        (Bar("rss_mb", "<", 250), 249.9, True),
        (Bar("rss_mb", "<", 250), 250.0, False),
    ],
)
def test_a_bar_is_met_on_its_side_of_the_limit(bar: Any, median: float, is_met: bool) -> None:
    assert bar.is_met(Figure([-1e6, median, 1e6])) is is_met


@pytest.mark.parametrize(
    ("key", "limit"),
    [
        ("ratio", "≤ 1.8"),
        ("sdk_ratio", "≥ 6"),
        ("pipeline_ratio", "≤ 1.6"),
        ("rss_mb", "< 250"),
        ("rss_difference", "± 10"),
        ("cpu_difference", "± 10"),
        ("telemetry_cost", "< 5"),
        ("latency_p99_ms", "≤ 1200"),
    ],
)
def test_these_are_the_bars(key: str, limit: str) -> None:
    assert {bar.key: f"{bar.sign} {bar.limit:g}" for bar in BARS}[key] == limit


def test_each_bar_is_of_a_figure() -> None:
    assert {bar.key for bar in BARS} <= set(FIGURES)
    assert len(BARS) == 8


def test_these_keys_are_promised() -> None:
    promised = [
        "decide_us",
        "floor_us",
        "ratio",
        "sdk_us",
        "sdk_ratio",
        "pipeline_events_s",
        "pipeline_cpu_us",
        "rss_mb",
    ]
    promised += ["cpu_us_small", "cpu_us_large", "naive_events_s", "faststream_events_s"]
    assert set(promised) <= set(FIGURES)
    assert PARTS == ("core", "peer", "pipeline", "telemetry", "others", "latency", "scale")


def test_what_is_missed_is_named_and_what_was_not_measured_is_not() -> None:
    figures = {"ratio": Figure([2.0]), "rss_mb": Figure([100.0]), "decide_us": Figure([1.0])}
    assert [bar.key for bar in missed(figures)] == ["ratio"]
    assert [verdict(key, figure) for key, figure in figures.items()] == ["missed", "passed", ""]
