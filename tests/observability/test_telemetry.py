"""What is counted is what /metrics shows, from two threads, with each known series at nought."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from consumer.domain.decision import FILTERED_REASONS, INVALID_REASONS
from consumer.domain.state import State
from consumer.meta.response import ResponseOutcome
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    counting = Telemetry()
    yield counting
    counting.close()


def series(telemetry: Any) -> dict[Any, Any]:
    """Name and attributes of each series, and its number, but for the target's own."""
    lines = telemetry.exposition().decode().splitlines()
    shown = dict(line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
    return {name: float(number) for name, number in shown.items() if "target" not in name}


def test_every_known_series_starts_at_nought(telemetry: Telemetry) -> None:
    shown = series(telemetry)
    for reason in FILTERED_REASONS:
        assert shown[f'capi_events_filtered_total{{reason="{reason}"}}'] == 0
    for reason in INVALID_REASONS:
        assert shown[f'capi_dead_letters_total{{reason="{reason}"}}'] == 0
    for kind in ResponseOutcome:
        assert shown[f'capi_requests_total{{outcome="{kind}"}}'] == 0
    for code in ("190", "368", "200-299", "80000-80014", "other"):
        assert shown[f'capi_meta_errors_total{{code="{code}"}}'] == 0
    for name in ("dead_letters_retries", "events_unconfirmed"):
        assert shown[f"capi_{name}_total"] == 0


def test_a_pair_of_values_begins_when_it_comes_since_most_never_do(telemetry: Telemetry) -> None:
    def notes() -> dict[Any, Any]:
        return {
            name: number
            for name, number in series(telemetry).items()
            if name.startswith("capi_values_dropped")
        }

    assert notes() == {}
    telemetry.add_all(metrics.VALUES_DROPPED, {("em", "malformed"): 1})
    assert notes() == {'capi_values_dropped_total{field="em",warning="malformed"}': 1}


def test_names_of_events_and_keys_of_persons_are_closed_sets_that_start_at_nought(
    telemetry: Telemetry,
) -> None:
    shown = series(telemetry)
    assert shown['capi_events_accepted_total{event_name="Purchase"}'] == 0
    assert shown['capi_events_accepted_total{event_name="custom"}'] == 0
    for metric, labels in (
        (metrics.ACCEPTED, ("jane@example.com",)),
        (metrics.MATCH_KEYS, ("jane@example.com", "em")),
        (metrics.MATCH_KEYS, ("Purchase", "jane@example.com")),
    ):
        with pytest.raises(ValueError, match="no such attribute value"):
            telemetry.add(metric, 1, *labels)


def test_match_keys_by_event_name_are_no_series_before_they_are_counted(telemetry: Telemetry) -> None:
    assert not [name for name in series(telemetry) if name.startswith("capi_match_keys")]
    telemetry.add(metrics.MATCH_KEYS, 2, "Purchase", "em")
    assert series(telemetry)['capi_match_keys_total{event_name="Purchase",key="em"}'] == 2


def test_a_gauge_can_be_read_by_itself(telemetry: Telemetry) -> None:
    assert telemetry.reading(metrics.PARTITIONS) == {}
    telemetry.read_from(metrics.PARTITIONS, lambda: {(): 3})
    assert telemetry.reading(metrics.PARTITIONS) == {(): 3}


def test_a_count_is_added_under_its_attributes(telemetry: Telemetry) -> None:
    telemetry.add(metrics.ACCEPTED, 2, "Purchase")
    telemetry.add(metrics.ACCEPTED, 3, "Purchase")
    telemetry.add_all(metrics.ACCEPTED, {("Lead",): 4})
    telemetry.add_all(metrics.VALUES_DROPPED, {("em", "malformed"): 1})
    telemetry.add(metrics.CONSUMED, 1, "capi.events")
    shown = series(telemetry)
    assert shown['capi_events_accepted_total{event_name="Purchase"}'] == 5
    assert shown['capi_events_accepted_total{event_name="Lead"}'] == 4
    assert shown['capi_values_dropped_total{field="em",warning="malformed"}'] == 1
    consumed = (
        'messaging_client_consumed_messages_total{messaging_destination_name="capi.events",'
        'messaging_operation_name="poll",messaging_system="kafka"}'
    )
    assert shown[consumed] == 1
    assert telemetry.total(metrics.ACCEPTED) == 9
    counted = telemetry.snapshot()["capi.events.accepted"]
    assert {labels: count for labels, count in counted.items() if count} == {("Purchase",): 5, ("Lead",): 4}


def test_a_snapshot_is_not_changed_by_what_comes_later(telemetry: Telemetry) -> None:
    before = telemetry.snapshot()
    telemetry.add(metrics.UNCONFIRMED, 7)
    assert before["capi.events.unconfirmed"] == {(): 0}


def test_a_gauge_is_read_when_somebody_asks(telemetry: Telemetry) -> None:
    number = [3]
    telemetry.read_from(metrics.IN_FLIGHT, lambda: {(): number[0]})
    telemetry.read_from(metrics.STATE, lambda: {(s.value,): float(s is State.MISCONFIGURED) for s in State})
    assert series(telemetry)["capi_in_flight"] == 3
    number[0] = 4
    shown = series(telemetry)
    assert shown["capi_in_flight"] == 4
    assert [name for name, n in shown.items() if name.startswith("capi_state") and n] == [
        'capi_state{state="misconfigured"}'
    ]


def test_a_gauge_that_nobody_fills_is_not_there(telemetry: Telemetry) -> None:
    assert not [name for name in series(telemetry) if name.startswith("capi_in_flight")]


def test_two_threads_lose_no_count(telemetry: Telemetry) -> None:
    def count() -> None:
        for _ in range(5_000):
            telemetry.add(metrics.UNCONFIRMED)
            telemetry.add_all(metrics.VALUES_DROPPED, {("em", "malformed"): 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert telemetry.total(metrics.UNCONFIRMED) == 20_000
    assert telemetry.total(metrics.VALUES_DROPPED) == 20_000


def test_two_telemetries_in_one_process_do_not_share_counts(telemetry: Telemetry) -> None:
    other = Telemetry()
    other.add(metrics.UNCONFIRMED, 5)
    assert telemetry.total(metrics.UNCONFIRMED) == 0
    assert series(telemetry)["capi_events_unconfirmed_total"] == 0
    other.close()


def test_a_series_that_only_the_settings_know_can_be_begun(telemetry: Telemetry) -> None:
    telemetry.add(metrics.CONSUMED, 0, "capi.events")
    assert [n for name, n in series(telemetry).items() if name.startswith("messaging_client_consumed")] == [0]


def test_a_histogram_has_its_bounds_and_what_is_empty_is_as_if_it_were_not_there(
    telemetry: Telemetry,
) -> None:
    telemetry.record(metrics.REQUEST_DURATION, 0.2, "graph.test", "443", "200", "")
    telemetry.record(metrics.REQUEST_DURATION, 7.0, "graph.test", "443", "", "timeout")
    shown = series(telemetry)
    well = 'error_type="",http_request_method="POST",http_response_status_code="200"'
    place = 'server_address="graph.test",server_port="443"'
    assert shown[f'http_client_request_duration_seconds_bucket{{{well},le="0.1",{place}}}'] == 0
    assert shown[f'http_client_request_duration_seconds_bucket{{{well},le="0.25",{place}}}'] == 1
    failed = 'error_type="timeout",http_request_method="POST",http_response_status_code=""'
    assert shown[f"http_client_request_duration_seconds_sum{{{failed},{place}}}"] == 7


def test_what_is_not_in_the_register_cannot_be_counted(telemetry: Telemetry) -> None:
    surprise = metrics.counter("capi.surprise", "1", "")
    with pytest.raises(KeyError):
        telemetry.add(surprise)
    with pytest.raises(KeyError):
        telemetry.record(surprise, 1.0)


@pytest.mark.parametrize(
    ("metric", "labels"),
    [
        (metrics.CONSUMED, ()),
        (metrics.CONSUMED, ("capi.events", "2")),
        (metrics.FILTERED, ("no_such_reason",)),
        (metrics.VALUES_DROPPED, ("em", "no_such_note")),
    ],
)
def test_attribute_values_that_the_register_does_not_have_are_a_mistake(
    telemetry: Telemetry, metric: Any, labels: Any
) -> None:
    with pytest.raises(ValueError, match=r"zip|no such attribute value"):
        telemetry.add(metric, 1, *labels)


OURS = ("capi.", "messaging.", "http.", "process.")


def test_the_names_of_the_register_are_distinct_and_say_something() -> None:
    assert len({metric.name for metric in metrics.REGISTER}) == len(metrics.REGISTER)
    assert all(metric.name.startswith(OURS) and metric.help.endswith(".") for metric in metrics.REGISTER)


def test_the_register_holds_every_metric_of_its_module() -> None:
    declared = {value.name for value in vars(metrics).values() if isinstance(value, metrics.Metric)}
    assert declared == {metric.name for metric in metrics.REGISTER}
    assert len(metrics.REGISTER) == len(metrics.COUNTERS) + len(metrics.GAUGES) + len(metrics.HISTOGRAMS)


def a_value(values: Any) -> Any:
    """Of an attribute: the first of those in the register, or any where it depends on the settings."""
    return "7" if isinstance(values, str) else values[0]


def test_every_metric_is_at_metrics_under_the_name_that_the_register_gives(telemetry: Telemetry) -> None:
    for metric in metrics.COUNTERS:
        if not telemetry.snapshot()[metric.name]:
            telemetry.add(metric, 0, *[a_value(values) for values in metric.attributes.values()])
    for metric in metrics.GAUGES:
        telemetry.read_from(metric, {("7",) * len(metric.attributes): 1.0}.copy)
    for metric in metrics.HISTOGRAMS:
        telemetry.record(metric, 1.0, *["7"] * len(metric.attributes))
    shown = {name.partition("{")[0] for name in series(telemetry)}
    ends = {metrics.Instrument.HISTOGRAM: "_bucket"}
    expected = {metric.prometheus_name + ends.get(metric.instrument, "") for metric in metrics.REGISTER}
    parts = {name for name in shown if name.endswith(("_sum", "_count"))}
    assert shown - parts == expected
