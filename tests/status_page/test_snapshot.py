"""What is shown is what the register says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from consumer.config.settings import Settings
from consumer.domain.decision import CUSTOM, FILTERED_REASONS, Reason, WarningCode
from consumer.mapping.tables import NOTE_FIELDS, STANDARD_EVENTS, USER_DATA_KEYS
from consumer.meta.response import Response, ResponseOutcome
from consumer.observability import metrics
from consumer.observability.telemetry import KEPT_MAX, Telemetry
from consumer.status_page.history import EVERY_S, SPAN_S, CounterSample
from consumer.status_page.snapshot import PageInfo, snapshot, totals

ABOUT = PageInfo.of(Settings(pixel_id="123", access_token="canary-token", group_id="shop"), 1000.0)


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    made = Telemetry()
    yield made
    made.close()


def shown(telemetry: Any, now_s: float = 1060.0) -> Any:
    """As it goes out: through JSON."""
    return orjson.loads(orjson.dumps(snapshot(telemetry, ABOUT, now_s)))


def test_before_the_first_event_everything_is_nought_and_empty(telemetry: Telemetry) -> None:
    told = shown(telemetry)
    assert told["funnel"] == {
        "consumed": 0,
        "accepted": 0,
        "unconfirmed": 0,
        "in_flight": 0,
        "given_up": 0,
        "filtered": [],
        "dead_letters": [],
    }
    assert told["match_keys"] == {"keys": [], "rows": []}
    assert (told["notes"], told["refusals"], told["partitions"]["lag"]) == ([], [], [])
    assert told["process"]["state"] == "starting"


def test_each_reason_is_a_branch_the_most_frequent_first(telemetry: Telemetry) -> None:
    telemetry.add(metrics.CONSUMED, 100, "a")
    telemetry.add(metrics.CONSUMED, 20, "b")
    telemetry.add(metrics.ACCEPTED, 90, "Purchase")
    telemetry.add(metrics.FILTERED, 3, "tombstone")
    telemetry.add(metrics.FILTERED, 20, "no_consent")
    telemetry.add(metrics.DEAD_LETTERS, 2, "rejected")
    telemetry.add(metrics.DEAD_LETTERS, 2, "not_json")
    telemetry.read_from(metrics.IN_FLIGHT, lambda: {(): 3})
    funnel = shown(telemetry)["funnel"]
    assert (funnel["consumed"], funnel["accepted"], funnel["in_flight"]) == (120, 90, 3)
    assert funnel["filtered"] == [["no_consent", 20], ["tombstone", 3]]
    assert funnel["dead_letters"] == [["not_json", 2], ["rejected", 2]]


def test_what_comes_again_at_another_consumer_is_no_loss(telemetry: Telemetry) -> None:
    telemetry.add(metrics.CONSUMED, 10, "a")
    telemetry.add(metrics.ACCEPTED, 6, "Purchase")
    telemetry.add(metrics.RELEASED, 4)
    assert shown(telemetry)["funnel"]["given_up"] == 4


def test_match_keys_are_counted_by_event_name(telemetry: Telemetry) -> None:
    telemetry.add(metrics.ACCEPTED, 4, "Purchase")
    telemetry.add(metrics.ACCEPTED, 5, "Lead")
    telemetry.add_all(metrics.MATCH_KEYS, {("Purchase", "em"): 3, ("Lead", "ph"): 5, ("Purchase", "ph"): 1})
    assert shown(telemetry)["match_keys"] == {
        "keys": ["ph", "em"],
        "rows": [["Lead", 5, {"ph": 5}], ["Purchase", 4, {"em": 3, "ph": 1}]],
    }


def test_what_is_under_way_stands_beside_its_limit(telemetry: Telemetry) -> None:
    for metric, now in (
        (metrics.IN_FLIGHT, 7),
        (metrics.IN_FLIGHT_BYTES, 700),
        (metrics.REQUESTS_IN_FLIGHT, 2),
        (metrics.REQUESTS_LIMIT, 4),
    ):
        answer: dict[tuple[str, ...], float] = {(): now}
        telemetry.read_from(metric, answer.copy)
    assert shown(telemetry)["limits"] == {
        "events": [7, 20_000],
        "bytes": [700, 134_217_728],
        "requests": [2, 4],
        "concurrency": [4, 8],
        "held": 0,
    }


def test_partitions_stand_in_the_order_of_their_numbers(telemetry: Telemetry) -> None:
    telemetry.read_from(metrics.LAG, lambda: {("b", "0"): 1, ("a", "10"): 2, ("a", "9"): 3})
    telemetry.read_from(metrics.PARTITIONS, lambda: {(): 3})
    partitions = shown(telemetry)["partitions"]
    assert partitions["owned"] == 3
    assert partitions["lag"] == [["a", 9, 3], ["a", 10, 2], ["b", 0, 1]]
    assert (partitions["behind"], partitions["not_shown"]) == (6, 0)


def test_of_very_many_partitions_those_that_are_furthest_behind_are_named_and_all_are_counted(
    telemetry: Telemetry,
) -> None:
    telemetry.read_from(metrics.LAG, lambda: {("a", str(n)): 7 if n >= 200 else 1 for n in range(250)})
    partitions = shown(telemetry)["partitions"]
    assert len(partitions["lag"]) == 100
    assert partitions["lag"][-50:] == [["a", n, 7] for n in range(200, 250)]
    assert (partitions["behind"], partitions["not_shown"]) == (50 * 7 + 200, 150)


def test_a_message_is_small_however_much_has_happened(telemetry: Telemetry) -> None:
    """With each word and name that there can be, and a history that is full."""
    for name in (*STANDARD_EVENTS, CUSTOM):
        telemetry.add(metrics.ACCEPTED, 10**6, name)
        telemetry.add_all(metrics.MATCH_KEYS, {(name, key): 10**6 for key in USER_DATA_KEYS})
    for reason in Reason:
        metric = metrics.FILTERED if reason in FILTERED_REASONS else metrics.DEAD_LETTERS
        telemetry.add(metric, 10**6, reason)
    telemetry.add_all(
        metrics.VALUES_DROPPED, {(field, word): 10**6 for field in NOTE_FIELDS for word in WarningCode}
    )
    for code in range(2 * KEPT_MAX):
        verdict = Response(
            ResponseOutcome.MISCONFIGURED, 400, code, 2804043, "A" * 64, summary="a sentence of ours " * 5
        )
        telemetry.recent_errors.record_error(verdict, 1000.0)
    telemetry.read_from(metrics.LAG, lambda: {("shop.events", str(n)): 10**6 for n in range(1000)})
    assert len(orjson.dumps(snapshot(telemetry, ABOUT, 0.0))) < 50_000
    points = [(1e9 + 0.5, *[12345.678] * 5, 10**6)] * round(SPAN_S / EVERY_S)
    assert len(orjson.dumps(points)) < 50_000


def test_the_state_is_said_with_its_sentence(telemetry: Telemetry) -> None:
    telemetry.read_from(metrics.STATE, lambda: {("running",): 0.0, ("misconfigured",): 1.0})
    process = shown(telemetry)["process"]
    assert process["state"] == "misconfigured"
    assert process["state_says"].startswith("Meta refuses token, pixel or version.")


def test_a_refusal_brings_code_sentence_time_and_trace_id(telemetry: Telemetry) -> None:
    telemetry.recent_errors.record_error(
        Response(ResponseOutcome.REJECTED, 400, 100, 7, "trace", summary="because"), 1055.04
    )
    assert shown(telemetry)["refusals"] == [
        {
            "kind": "rejected",
            "code": 100,
            "subcode": 7,
            "says": "because",
            "answers": 1,
            "at_s": 1055.0,
            "fbtrace_id": "trace",
        }
    ]


def test_the_token_is_not_in_it(telemetry: Telemetry) -> None:
    assert b"canary-token" not in orjson.dumps(snapshot(telemetry, ABOUT, 0.0))
    assert "canary-token" not in repr(ABOUT)


def test_totals_have_no_lag_where_none_is_known(telemetry: Telemetry) -> None:
    assert totals(telemetry) == CounterSample(0, 0, 0, 0, 0, None)
    telemetry.read_from(metrics.LAG, lambda: {("a", "0"): 5, ("a", "1"): 6})
    telemetry.add(metrics.REQUESTS, 2, "accepted")
    assert totals(telemetry) == CounterSample(0, 0, 0, 0, 2, 11)
