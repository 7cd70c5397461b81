"""What is counted is what /metrics shows, from two threads, with each known series at nought."""

from __future__ import annotations

import re
import threading

import pytest

from consumer import metrics
from consumer.core.decision import FILTERED_REASONS, INVALID_REASONS
from consumer.core.verdict import Kind
from consumer.state import State
from consumer.telemetry import Telemetry


@pytest.fixture
def telemetry():
    counting = Telemetry()
    yield counting
    counting.close()


def series(telemetry):
    """Name and attributes of each series, and its number, but for the target's own."""
    lines = telemetry.exposition().decode().splitlines()
    shown = dict(line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
    shown = {re.sub(r',?otel_scope_\w+="[^"]*"', "", name): float(number) for name, number in shown.items()}
    return {name.replace("{,", "{").replace("{}", ""): n for name, n in shown.items() if "target" not in name}


def test_every_known_series_starts_at_nought(telemetry):
    shown = series(telemetry)
    for reason in FILTERED_REASONS:
        assert shown[f'capi_events_filtered_total{{reason="{reason}"}}'] == 0
    for reason in INVALID_REASONS:
        assert shown[f'capi_dead_letters_total{{reason="{reason}"}}'] == 0
    for kind in Kind:
        assert shown[f'capi_requests_total{{verdict="{kind}"}}'] == 0
    for name in ("records_consumed", "dead_letters_retries", "events_unconfirmed"):
        assert shown[f"capi_{name}_total"] == 0


def test_a_count_is_added_under_its_attributes(telemetry):
    telemetry.add(metrics.ACCEPTED, 2, "Purchase")
    telemetry.add(metrics.ACCEPTED, 3, "Purchase")
    telemetry.add_all(metrics.ACCEPTED, {("Lead",): 4})
    telemetry.add_all(metrics.NOTES, {("em", "malformed"): 1})
    telemetry.add(metrics.CONSUMED)
    shown = series(telemetry)
    assert shown['capi_events_accepted_total{event_name="Purchase"}'] == 5
    assert shown['capi_events_accepted_total{event_name="Lead"}'] == 4
    assert shown['capi_notes_total{field="em",note="malformed"}'] == 1
    assert shown["capi_records_consumed_total"] == 1
    assert telemetry.total(metrics.ACCEPTED) == 9
    assert telemetry.snapshot()["capi.events.accepted"] == {("Purchase",): 5, ("Lead",): 4}


def test_a_snapshot_is_not_changed_by_what_comes_later(telemetry):
    before = telemetry.snapshot()
    telemetry.add(metrics.CONSUMED, 7)
    assert before["capi.records.consumed"] == {(): 0}


def test_a_gauge_is_read_when_somebody_asks(telemetry):
    number = [3]
    telemetry.read_from(metrics.IN_FLIGHT, lambda: {(): number[0]})
    telemetry.read_from(metrics.STATE, lambda: {(s.value,): float(s is State.SETUP) for s in State})
    assert series(telemetry)["capi_in_flight"] == 3
    number[0] = 4
    shown = series(telemetry)
    assert shown["capi_in_flight"] == 4
    assert [name for name, n in shown.items() if name.startswith("capi_state") and n] == [
        'capi_state{state="setup"}'
    ]


def test_a_gauge_that_nobody_fills_is_not_there(telemetry):
    assert not [name for name in series(telemetry) if name.startswith("capi_in_flight")]


def test_two_threads_lose_no_count(telemetry):
    def count():
        for _ in range(5_000):
            telemetry.add(metrics.CONSUMED)
            telemetry.add_all(metrics.NOTES, {("em", "malformed"): 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert telemetry.total(metrics.CONSUMED) == 20_000
    assert telemetry.total(metrics.NOTES) == 20_000


def test_two_telemetries_in_one_process_do_not_share_counts(telemetry):
    other = Telemetry()
    other.add(metrics.CONSUMED, 5)
    assert telemetry.total(metrics.CONSUMED) == 0
    assert series(telemetry)["capi_records_consumed_total"] == 0
    other.close()


def test_what_is_not_in_the_register_cannot_be_counted(telemetry):
    with pytest.raises(KeyError):
        telemetry.add(metrics.Metric("capi.surprise", "1", "", {}))


def test_the_names_of_the_register_are_distinct_and_say_something():
    every = (*metrics.COUNTERS, *metrics.GAUGES)
    assert len({metric.name for metric in every}) == len(every)
    assert all(metric.name.startswith("capi.") and metric.says for metric in every)


def test_the_register_holds_every_metric_of_its_module():
    declared = {value.name for value in vars(metrics).values() if isinstance(value, metrics.Metric)}
    assert declared == {metric.name for metric in (*metrics.COUNTERS, *metrics.GAUGES)}
