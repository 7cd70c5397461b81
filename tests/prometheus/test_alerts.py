"""Each alert fires in its case, not in the one beside it: by Prometheus's own tool, on cases in *.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from prometheus.programs import promtool
from support.promql_queries import ALERTS, Selected, alerts, promql, selected

CASE_FILES = sorted(Path(__file__).parent.glob("*.yaml"))

each_alert = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])


class Case(NamedTuple):
    """One case: what there is to select, which alerts should fire at some time, whether at some time none."""

    name: str
    series: tuple[Selected, ...]
    wanted: frozenset[str]
    is_quiet_once: bool


def cases() -> list[Case]:
    """All that are written down here."""
    written = [test for file in CASE_FILES for test in yaml.safe_load(file.read_text())["tests"]]
    return [_case(test) for test in written]


def _case(test: dict[str, Any]) -> Case:
    asked = test["promql_expr_test"]
    samples = [sample["labels"] for one in asked for sample in one.get("exp_samples", [])]
    fired = {
        matcher.value for labels in samples for matcher in _matchers(labels) if matcher.name == "alertname"
    }
    series = tuple(one for given in test["input_series"] for one in selected(given["series"]))
    return Case(test["name"], series, frozenset(fired), any("exp_samples" not in one for one in asked))


def has_all(case: Case, query: str) -> bool:
    """Whether each selector of the query finds a series in the case."""
    return all(any(finds(wanted, there) for there in case.series) for wanted in selected(query))


def finds(wanted: Selected, there: Selected) -> bool:
    """Whether a selector, of `=` and plain `=~`, finds a series."""
    return wanted.series == there.series and all(
        there.labels.get(label) in text.split("|") for label, text in wanted.labels.items()
    )


def _matchers(labels: str) -> list[Any]:
    return list(promql().parse(labels).matchers.matchers)


@pytest.mark.prometheus
def test_prometheus_takes_the_alerts() -> None:
    done = promtool("check", "rules", ALERTS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(alerts())} rules found" in done.stdout


@pytest.mark.prometheus
@pytest.mark.parametrize("file", CASE_FILES, ids=lambda file: file.stem)
def test_in_each_case_exactly_those_alerts_fire_that_should(file: Any) -> None:
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_case_asks_for_all_alerts_at_once() -> None:
    """So that it also says which ones do not fire."""
    for file in CASE_FILES:
        for test in yaml.safe_load(file.read_text())["tests"]:
            asked = [one["expr"] for one in test["promql_expr_test"]]
            is_of_all = [expr for expr in asked if 'ALERTS{alertstate="firing"}' in expr]
            assert is_of_all, test["name"]


@each_alert
def test_an_alert_has_a_case_in_which_it_fires_and_before_that_does_not(alert: Any) -> None:
    assert [case.name for case in cases() if alert["alert"] in case.wanted and case.is_quiet_once] != []


@each_alert
def test_an_alert_has_a_case_beside_it_with_all_its_series_in_which_it_does_not_fire(alert: Any) -> None:
    others = [case for case in cases() if alert["alert"] not in case.wanted]
    assert [case.name for case in others if has_all(case, alert["expr"])] != []


def test_a_case_wants_alerts_that_there_are() -> None:
    assert set().union(*(case.wanted for case in cases())) == {alert["alert"] for alert in alerts()}
