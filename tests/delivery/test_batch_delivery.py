"""Every event ends once: accepted, dead letter, or by its age; and until then it stays in flight."""

from __future__ import annotations

import asyncio
import math
import random
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import KafkaError
from structlog.testing import capture_logs
from support.delivery import NOW_S, PARTITION, named, offsets, payload, refused, scene, stuck
from support.faulty_kafka import Request
from support.outage_model import ROUND_TRIP_S, Outage
from support.virtual_time import run

from consumer.domain.decision import Reason
from consumer.domain.record import Partition
from consumer.domain.state import State
from consumer.meta.response import Response, ResponseOutcome
from consumer.observability import metrics

THOUSAND = 1_000
# One page of a proxy per name: what the whole request gets, whatever is in it.
OUTAGES = [
    {"kind": "html", "status": 500},
    {"kind": "html", "status": 503},
    {"kind": "html", "status": 408},
    {"kind": "error", "status": 400, "code": 2},
    {"kind": "error", "status": 400, "code": 100, "is_transient": True},
    {"kind": "not_json"},
    {"kind": "unavailable"},
    {"kind": "drop"},
]
TAKEN_BUT_UNSEEN = [
    {"kind": "drop", "processed": True},
    {"kind": "cut"},
    {"kind": "html", "status": 502, "processed": True},
    {"kind": "unavailable", "processed": True},
    {"kind": "partial", "events_received": None},
]


def most_requests(bad: Any, of: Any = THOUSAND) -> Any:
    """The bar of the fault scenarios: 1 + 2k * ceil(log2 n)."""
    return 1 + 2 * bad * math.ceil(math.log2(of))


def requests(running: Any, kind: Any = None) -> Any:
    counts = running.telemetry.snapshot()["capi.requests"]
    return sum(counts.values()) if kind is None else counts[(kind.value,)]


# Accepted


def counted(running: Any, name: Any) -> dict[Any, Any]:
    """What a counter has beside noughts."""
    return {labels: count for labels, count in running.telemetry.snapshot()[name].items() if count}


async def test_accepted_events_are_settled_and_counted() -> None:
    async with scene() as running:
        running.accept(payload(0), payload(1), payload(2, event_name="Lead"))
        await running.all_ended()
        assert running.accepted_ids == ["event-0", "event-1", "event-2"]
        assert running.sandbox.stats.requests == 1
        assert counted(running, "capi.events.accepted") == {("PageView",): 2, ("Lead",): 1}
        assert counted(running, "capi.match_keys") == {
            ("PageView", "em"): 2,
            ("PageView", "client_user_agent"): 2,
            ("Lead", "em"): 1,
            ("Lead", "client_user_agent"): 1,
        }
        assert running.letters() == []


async def test_the_body_is_the_payloads_as_they_were_serialised() -> None:
    async with scene(sandbox={"bodies_kept_max": 1}) as running:
        running.accept(payload(0), payload(1))
        await running.all_ended()
        ends = b'],"partner_agent":"capi-consumer"}'
        events = b",".join(orjson.dumps(payload(number)) for number in (0, 1))
        assert running.sandbox.bodies[0] == b'{"data":[' + events + ends


async def test_a_batch_leaves_after_its_linger_and_not_before() -> None:
    async with scene(linger_s=0.1) as running:
        began = time.monotonic()
        running.accept(payload(0))
        await asyncio.sleep(0)
        running.accept(payload(1))
        await running.all_ended()
        assert time.monotonic() - began >= 0.09
        assert running.sandbox.stats.requests == 1


async def test_a_full_batch_does_not_linger() -> None:
    async with scene(events_max=2, linger_s=600.0) as running:
        running.accept(*(payload(number) for number in range(4)))
        await running.all_ended()
        assert running.sandbox.stats.requests == 2


async def test_who_is_in_a_hurry_does_not_linger() -> None:
    async with scene(linger_s=600.0) as running:
        running.accept(payload(0))
        running.delivery.flush(True)
        await running.all_ended()
        running.accept(payload(1))
        await running.all_ended()
        running.delivery.flush(False)
        running.accept(payload(2))
        await running.until(lambda: running.sandbox.stats.requests == 2)
        assert len(running.settled) == 2


async def test_the_batch_after_an_early_one_lingers_its_own_time() -> None:
    """The timer of a batch that left full must neither close its successor early nor forget it."""
    async with scene(events_max=2, linger_s=0.2) as running:
        running.accept(payload(0), payload(1), payload(2))
        await running.until(lambda: len(running.settled) == 2)
        await running.all_ended()
        assert running.sandbox.stats.events_per_request_max == 2


# Held back, so that the browser's copy comes first

JUST_NOW = {"event_time": NOW_S}
HOLD_S = 0.3


async def test_an_event_of_now_is_sent_after_the_hold_and_an_old_one_at_once() -> None:
    async with scene(send_delay_s=HOLD_S) as running:
        began = time.monotonic()
        running.accept(payload(0, **JUST_NOW), payload(1))
        await running.until(lambda: running.settled == [1])
        assert time.monotonic() - began < HOLD_S
        assert running.delivery.events_delayed == 1
        await running.all_ended()
        assert time.monotonic() - began >= HOLD_S
        assert running.accepted_ids == ["event-1", "event-0"]
        assert running.delivery.events_delayed == 0


async def test_an_event_from_a_clock_that_is_ahead_is_held_no_longer_than_the_hold() -> None:
    async with scene(send_delay_s=HOLD_S) as running:
        began = time.monotonic()
        running.accept(payload(0, event_time=NOW_S + 250))
        await running.all_ended(10)
        assert time.monotonic() - began >= HOLD_S


async def test_what_is_due_first_is_not_kept_by_what_was_taken_first() -> None:
    async with scene(send_delay_s=600.0) as running:
        running.accept(payload(0, **JUST_NOW))
        running.now_s += 599.8
        running.accept(payload(1, event_time=NOW_S))
        await running.until(lambda: running.settled == [1], 10)
        assert running.delivery.events_delayed == 1


async def test_held_events_that_are_due_together_travel_together() -> None:
    async with scene(send_delay_s=HOLD_S) as running:
        running.accept(*(payload(n, **JUST_NOW) for n in range(50)))
        await running.all_ended()
        assert running.sandbox.stats.requests == 1


async def test_a_held_event_takes_no_slot() -> None:
    async with scene(settings={"requests_in_flight_max": 1}, send_delay_s=600.0) as running:
        running.accept(payload(0, **JUST_NOW))
        running.accept(payload(1, event_time=NOW_S - 700))
        await running.until(lambda: running.settled == [1], 10)


async def test_who_is_in_a_hurry_sends_nothing_early() -> None:
    async with scene(send_delay_s=HOLD_S, linger_s=600.0) as running:
        began = time.monotonic()
        running.accept(payload(0, **JUST_NOW), payload(1))
        running.delivery.flush(True)
        await running.until(lambda: running.settled == [1])
        assert running.delivery.events_delayed == 1
        # Due while the hurry lasts, it does not linger.
        await running.all_ended(10)
        assert time.monotonic() - began >= HOLD_S


async def test_held_events_of_partitions_that_are_let_go_are_given_back_and_never_sent() -> None:
    async with scene(send_delay_s=HOLD_S) as running:
        running.accept(payload(0, **JUST_NOW), payload(1), payload(2, **JUST_NOW))
        assert running.delivery.release_delayed([Partition("capi.events", 1)]) == []
        assert [ticket.offset for ticket in running.delivery.release_delayed([PARTITION])] == [0, 2]
        assert running.delivery.events_delayed == 0
        running.accept(payload(3, **JUST_NOW))
        await running.until(lambda: 3 in running.settled)
        assert running.settled == [1, 3]
        assert running.accepted_ids == ["event-1", "event-3"]


async def test_an_event_that_turned_too_old_while_it_was_held_is_filtered() -> None:
    async with scene(send_delay_s=HOLD_S) as running:
        running.accept(payload(0, **JUST_NOW), expires_at_s=NOW_S + 60)
        running.now_s += 61
        await running.all_ended()
        assert running.sandbox.stats.requests == 0
        filtered = running.telemetry.snapshot()["capi.events.filtered"]
        assert filtered[(Reason.EVENT_TOO_OLD.value,)] == 1


async def test_what_is_held_when_all_is_given_up_is_never_sent() -> None:
    async with scene(send_delay_s=0.05) as running:
        running.accept(payload(0, **JUST_NOW))
        await running.delivery.cancel_all()
        began = time.monotonic()
        await running.until(lambda: time.monotonic() - began > 0.2)
        assert (running.settled, running.sandbox.stats.requests) == ([], 0)


async def test_no_more_requests_at_once_than_slots() -> None:
    async with scene(
        sandbox={"latency_ms": 20}, settings={"requests_in_flight_max": 3}, events_max=1
    ) as running:
        running.accept(*(payload(number) for number in range(40)))
        await running.all_ended()
        assert running.sandbox.stats.requests_at_once_max == 3
        assert running.delivery.requests_in_flight == 0


async def test_a_shortfall_in_metas_count_is_counted_and_never_sent_again() -> None:
    async with scene() as running:
        running.sandbox.behave(faults=[{"kind": "partial", "events_received": 2}])
        running.accept(*(payload(number) for number in range(5)))
        await running.all_ended()
        assert running.telemetry.total(metrics.UNCONFIRMED) == 3
        assert running.sandbox.stats.requests == 1


# One bad event among many


@pytest.mark.parametrize("bad", [refused, named], ids=["unnamed", "named"])
@pytest.mark.parametrize("place", [0, 1, 499, 500, 998, 999])
async def test_one_bad_event_of_a_thousand_is_one_dead_letter(bad: Any, place: int) -> None:
    async with scene() as running:
        running.accept(*(bad(n) if n == place else payload(n) for n in range(THOUSAND)))
        await running.all_ended()
        assert running.lettered() == [place]
        assert sorted(running.accepted_ids) == sorted(f"event-{n}" for n in range(THOUSAND) if n != place)
        assert running.sandbox.stats.repeats == 0
        assert running.sandbox.stats.requests <= most_requests(1)


@pytest.mark.parametrize("bad", [refused, named], ids=["unnamed", "named"])
@pytest.mark.parametrize("count", [0, 2, 5, 50])
async def test_each_of_some_bad_events_is_one_dead_letter(bad: Any, count: int) -> None:
    places = {round(n * THOUSAND / (count + 1)) for n in range(1, count + 1)}
    async with scene() as running:
        running.accept(*(bad(n) if n in places else payload(n) for n in range(THOUSAND)))
        await running.all_ended()
        assert running.lettered() == sorted(places)
        assert running.sandbox.stats.events_accepted == THOUSAND - count
        assert running.sandbox.stats.repeats == 0
        assert running.sandbox.stats.requests <= most_requests(count)


@pytest.mark.parametrize("bad", [refused, named], ids=["unnamed", "named"])
async def test_neighbours_that_are_both_bad_are_both_found(bad: Any) -> None:
    async with scene() as running:
        running.accept(*(bad(n) if n in (499, 500, 501) else payload(n) for n in range(THOUSAND)))
        await running.all_ended()
        assert running.lettered() == [499, 500, 501]
        assert running.sandbox.stats.events_accepted == THOUSAND - 3


@pytest.mark.parametrize("bad", [refused, named], ids=["unnamed", "named"])
async def test_a_whole_batch_of_bad_events_ends_event_by_event(bad: Any) -> None:
    """A thousand dead letters, and no recursion a thousand deep."""
    async with scene() as running:
        running.accept(*(bad(n) for n in range(THOUSAND)))
        await running.all_ended(90)
        assert running.lettered() == list(range(THOUSAND))
        assert running.sandbox.stats.events_accepted == 0
        assert running.sandbox.stats.requests <= 2 * THOUSAND


def lies(index: Any) -> dict[Any, Any]:
    """An error whose text names an event that is not the bad one."""
    error = {"code": 100, "message": f"(#100) Param $['data'][{index}] is bad."}
    return {"kind": "error", "status": 400, "body": orjson.dumps({"error": error}).decode()}


@pytest.mark.parametrize("place", [0, 1, 5, 9])
@pytest.mark.parametrize("index", [0, 4, 9, 10, 999])
async def test_an_index_that_lies_costs_requests_and_no_event(place: int, index: int) -> None:
    async with scene() as running:
        running.sandbox.behave(faults=[lies(index)])
        running.accept(*(refused(n) if n == place else payload(n) for n in range(10)))
        await running.all_ended()
        assert running.lettered() == [place]
        assert running.sandbox.stats.events_accepted == 9
        assert running.sandbox.stats.repeats == 0


async def test_an_index_that_lies_every_time_ends_too() -> None:
    async with scene() as running:
        asked = "100/2804007"
        running.accept(*(refused(n, asked) if n in (3, 7) else payload(n) for n in range(10)))
        running.sandbox.behave(faults=[{**lies(1), "times": 4}])
        await running.all_ended()
        # What four refusals in a row took alone is a dead letter too: the answer said so of that event.
        assert {3, 7} <= set(running.lettered())
        assert len(running.lettered()) + running.sandbox.stats.events_accepted == 10


async def test_a_letter_says_what_meta_said_without_its_text() -> None:
    async with scene() as running:
        running.accept(payload(0), refused(1, "100/2804003"))
        await running.all_ended()
        ((offset, headers),) = running.letters()
        assert offset == 1
        assert headers.pop("fbtrace-id").startswith("A0000")
        assert {
            name: headers[name]
            for name in ("reason", "detail", "meta-code", "meta-subcode", "http-status", "attempts")
        } == {
            "reason": "rejected",
            "detail": "the event is older than Meta takes",
            "meta-code": "100",
            "meta-subcode": "2804003",
            "http-status": "400",
            "attempts": "2",
        }


# Too large


async def test_a_body_that_meta_finds_too_large_is_halved_until_it_fits() -> None:
    async with scene(sandbox={"body_bytes_max": 3_000}) as running:
        running.accept(*(payload(n) for n in range(64)))
        await running.all_ended()
        assert running.sandbox.stats.events_accepted == 64
        assert running.sandbox.stats.repeats == 0
        assert running.letters() == []


async def test_a_body_that_is_too_large_is_halved_whichever_event_the_answer_names() -> None:
    async with scene(sandbox={"bodies_kept_max": 9}) as running:
        running.sandbox.behave(faults=[{**lies(0), "status": 413}])
        running.accept(*(payload(n) for n in range(8)))
        await running.all_ended()
        assert [len(orjson.loads(body)["data"]) for body in running.sandbox.bodies] == [8, 4, 4]


async def test_one_event_that_is_too_large_alone_is_a_dead_letter() -> None:
    async with scene(sandbox={"body_bytes_max": 3_000}) as running:
        running.accept(payload(0), payload(1, custom_data={"content_name": "x" * 4_000}), payload(2))
        await running.all_ended()
        ((offset, headers),) = running.letters()
        assert (offset, headers["reason"], headers["http-status"]) == (1, "event_too_large", "413")
        assert running.accepted_ids == ["event-0", "event-2"]


# An outage is nobody's event's fault


@pytest.mark.parametrize("fault", OUTAGES, ids=lambda fault: "-".join(map(str, fault.values())))
async def test_what_passes_is_tried_again_and_ends_nothing(fault: Any) -> None:
    async with scene() as running:
        running.sandbox.behave(faults=[{**fault, "times": 3}])
        running.accept(payload(0), payload(1))
        await running.all_ended()
        assert running.accepted_ids == ["event-0", "event-1"]
        assert running.sandbox.stats.requests == 4
        assert requests(running, ResponseOutcome.TRANSIENT) == 3
        assert running.letters() == []


@pytest.mark.parametrize("fault", TAKEN_BUT_UNSEEN, ids=lambda fault: "-".join(map(str, fault.values())))
async def test_what_may_have_been_taken_is_sent_again_with_the_same_ids_and_times(fault: Any) -> None:
    async with scene(sandbox={"bodies_kept_max": 9}) as running:
        running.sandbox.behave(faults=[{**fault, "times": 2}])
        running.accept(payload(0), payload(1))
        running.now_s += 3_600
        await running.all_ended()
        assert running.sandbox.stats.repeats == running.sandbox.stats.repeats_same_event_time == 4
        assert len(set(running.sandbox.bodies)) == 1
        assert running.letters() == []


async def test_an_answer_that_comes_too_late_is_a_request_to_repeat() -> None:
    async with scene(settings={"request_timeout_s": 0.2}) as running:
        running.sandbox.behave(faults=[{"kind": "late", "latency_ms": 5_000}])
        running.accept(payload(0))
        await running.all_ended()
        assert running.sandbox.stats.repeats_same_event_time == 1


async def test_an_outage_longer_than_stuck_after_dead_letters_nothing() -> None:
    """
    Meta fails for everybody, just after it has accepted something.

    What was accepted before the outage shows nothing about the events that
    fail in it, however long it lasts.
    """
    async with scene(poison_after_s=0.1, events_max=2, settings={"requests_in_flight_max": 2}) as running:
        running.sandbox.behave(
            faults=[{"kind": "html", "status": 500}, {"kind": "late", "latency_ms": 50},
                    {"kind": "html", "status": 500, "times": None}]
        )  # fmt: skip
        running.accept(*(payload(n) for n in range(6)))
        await running.until(lambda: len(running.settled) == 2)
        began = time.monotonic()
        await running.until(lambda: time.monotonic() - began > 1.0 and running.sandbox.stats.requests > 100)
        assert running.letters() == []
        running.sandbox.behave(faults=[])
        await running.all_ended()
        assert running.sandbox.stats.events_accepted == 6
        assert running.letters() == []


async def test_backoff_bounds_the_requests_of_an_outage() -> None:
    async with scene(
        chance=1.0, backoff_max_s=0.2, settings={"requests_in_flight_max": 2}, events_max=1
    ) as running:
        running.sandbox.behave(faults=[{"kind": "html", "status": 500, "times": None}])
        running.accept(*(payload(n) for n in range(10)))
        began = time.monotonic()
        await running.until(lambda: time.monotonic() - began > 1.0)
        assert running.sandbox.stats.requests <= 2 * 7
        assert running.settled == []


def test_the_requests_of_an_outage_do_not_grow_with_its_length() -> None:
    """Every batch is stuck in it, after some hours: all 24 would fail side by side, 2,880 times an hour."""

    async def hours() -> list[int]:
        outage = Outage()
        outage.accept(*[b"good"] * 24)
        await asyncio.sleep(3 * 3600)
        spans = [outage.meta.requests(hour * 3600, (hour + 1) * 3600) for hour in range(3)]
        assert (outage.settled, outage.letters.written) == ([], [])
        outage.meta.fails = lambda event: False
        await asyncio.sleep(300)
        assert sorted(outage.settled) == list(range(24))
        return spans

    # Two in their slots and two outside, each of them every 30 s.
    assert all(0 < requests <= 480 for requests in run(hours()))


def test_more_stuck_events_than_may_stand_aside_hold_nobody_up_for_good() -> None:
    """Two slots, two outside: were it always the same four, nobody could show that Meta is well."""

    async def hours() -> None:
        outage = Outage()
        outage.meta.fails = lambda event: b"stuck" in event
        outage.accept(*[b"stuck"] * 9)
        for _ in range(3 * 3600):
            outage.accept(b"good")
            await asyncio.sleep(1)
        assert sorted(outage.letters.written) == list(range(9))
        assert len(outage.settled) == 9 + 3 * 3600

    run(hours())


def test_a_brown_out_of_hours_ends_no_event() -> None:
    """Nineteen of twenty requests fail, whatever is in them; now and then Meta takes one."""

    async def hours() -> None:
        outage, chance = Outage(), random.Random(19)
        outage.meta.fails = lambda event: chance.random() < 0.95
        for _ in range(3 * 60):
            outage.accept(b"good")
            await asyncio.sleep(60)
        assert 0 < len(outage.settled) < 3 * 60
        outage.meta.fails = lambda event: False
        await asyncio.sleep(600)
        assert sorted(outage.settled) == list(range(3 * 60))
        assert outage.letters.written == []

    run(hours())


# One event that makes its request fail, while others are accepted


async def feed(running: Any, first: Any) -> None:
    """Healthy events, one batch after another, until the task is cancelled."""
    for number in range(first, first + 100_000):
        running.accept(payload(number))
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("place", [0, 4, 9])
async def test_a_stuck_event_among_healthy_ones_is_found_and_is_unacceptable(place: int) -> None:
    async with scene(poison_after_s=0.2) as running:
        running.accept(*(stuck(n) if n == place else payload(n) for n in range(10)))
        feeding = asyncio.create_task(feed(running, 100))
        await running.until(lambda: place in running.settled)
        feeding.cancel()
        await running.all_ended()
        ((offset, headers),) = running.letters()
        assert (offset, headers["reason"], headers["http-status"]) == (place, "poison_event", "500")
        assert int(headers["attempts"]) >= 5
        assert running.sandbox.stats.events_accepted == len(running.settled) - 1
        assert running.sandbox.stats.repeats == 0


async def test_as_many_stuck_events_as_slots_hold_nobody_up_for_good() -> None:
    """Each of them takes a slot for itself; without standing aside nobody could show that Meta is well."""
    async with scene(poison_after_s=0.2, events_max=3, settings={"requests_in_flight_max": 2}) as running:
        running.accept(stuck(0), payload(1), payload(2), stuck(3), payload(4), payload(5))
        feeding = asyncio.create_task(feed(running, 100))
        await running.until(lambda: {0, 3} <= set(running.settled))
        feeding.cancel()
        await running.all_ended()
        assert running.lettered() == [0, 3]
        assert running.sandbox.stats.requests_at_once_max <= 2
        assert {headers["reason"] for _, headers in running.letters()} == {"poison_event"}


async def test_a_batch_that_has_not_failed_for_long_is_not_taken_apart() -> None:
    async with scene(poison_after_s=300.0) as running:
        running.accept(stuck(0), payload(1))
        feeding = asyncio.create_task(feed(running, 100))
        await running.until(lambda: requests(running, ResponseOutcome.TRANSIENT) > 20)
        feeding.cancel()
        assert not {0, 1} & set(running.settled)
        assert running.letters() == []


async def one_a_minute(outage: Any, minutes: Any) -> None:
    """A good event a minute: as little traffic as a night brings."""
    for _ in range(minutes):
        outage.accept(b"good")
        await asyncio.sleep(60)


def test_a_stuck_event_ends_though_there_is_little_else() -> None:
    """Five others are enough, and they are there when the time is over."""

    async def night() -> None:
        outage = Outage()
        outage.meta.fails = lambda event: b"stuck" in event
        outage.accept(b"stuck")
        await one_a_minute(outage, 5)
        assert outage.letters.written == []
        await one_a_minute(outage, 10)
        assert outage.letters.written == [0]
        assert len(outage.settled) == 16

    run(night())


def test_while_there_is_nothing_else_nobody_knows_whose_fault_it_is() -> None:
    async def night() -> None:
        outage = Outage()
        outage.meta.fails = lambda event: b"stuck" in event
        outage.accept(b"stuck")
        await asyncio.sleep(10 * 3600)
        assert (outage.settled, outage.letters.written) == ([], [])
        await one_a_minute(outage, 15)
        assert outage.letters.written == [0]

    run(night())


def test_a_stuck_event_lets_go_of_its_batch_though_nothing_else_comes_any_more() -> None:
    """
    The partitions of the batch are all paused at their window long before it is stuck.

    Its own halves show that Meta is well, and do not wait for the one that fails on. When all others
    have ended, the other partitions go on, and their traffic shows whose fault it is.
    """

    async def night() -> None:
        outage = Outage(events_max=8)
        outage.meta.fails = lambda event: b"stuck" in event
        outage.accept(b"stuck", *[b"good"] * 7)
        for _ in range(60):
            outage.accept(*[b"good"] * 8)
            await asyncio.sleep(1)
        await asyncio.sleep(3600)
        assert sorted(outage.settled) == list(range(1, 8 + 480))
        assert outage.letters.written == []
        for _ in range(15):
            outage.accept(*[b"good"] * 8)
            await asyncio.sleep(60)
        assert outage.letters.written == [0]

    run(night())


# The share of requests that fail, and how many of 720 batches have an outcome after 720 minutes.
# With two slots, each attempt waits for those of the 24 poison batches.
@pytest.mark.parametrize(("share", "batches"), [(0.4, 700), (0.6, 700), (0.7, 670)])
def test_the_good_neighbours_of_a_poison_event_are_not_blamed_while_most_requests_fail(
    share: float, batches: int
) -> None:
    async def half_a_day() -> None:
        outage, chance = Outage(events_max=8), random.Random(4)
        outage.meta.fails = lambda event: b"stuck" in event or chance.random() < share
        for minute in range(720):
            outage.accept(b"good" if minute % 30 else b"stuck", *[b"good"] * 7)
            await asyncio.sleep(60)
        stuck_ones = set(range(0, 720 * 8, 30 * 8))
        assert set(outage.letters.written) <= stuck_ones
        assert len(outage.settled) > batches * 8

    run(half_a_day())


@pytest.mark.parametrize("healthy_s", [0, 60, 299, 301, 310, 340, 400])
def test_an_outage_that_finds_a_batch_stuck_ends_none_of_its_good_events(healthy_s: int) -> None:
    """It failed beside others; then everything does, for an hour, and then most."""

    async def hours() -> None:
        outage, chance = Outage(events_max=8), random.Random(healthy_s)
        outage.meta.fails = lambda event: b"stuck" in event
        outage.accept(*[b"good"] * 7, b"stuck")
        for _ in range(healthy_s):
            outage.accept(*[b"good"] * 8)
            await asyncio.sleep(1)
        outage.meta.fails = lambda event: True
        for _ in range(60):
            outage.accept(*[b"good"] * 8)
            await asyncio.sleep(60)
        outage.meta.fails = lambda event: b"stuck" in event or chance.random() < 0.95
        for _ in range(60):
            outage.accept(*[b"good"] * 8)
            await asyncio.sleep(60)
        outage.meta.fails = lambda event: b"stuck" in event
        for _ in range(60):
            outage.accept(*[b"good"] * 8)
            await asyncio.sleep(60)
        assert outage.letters.written == [7]
        assert sorted(outage.settled) == list(range(8 + 8 * (healthy_s + 180)))

    run(hours())


def test_the_requests_of_a_brown_out_do_not_grow_with_its_length() -> None:
    """One of a hundred is accepted: that is no reason to let all the others fail side by side."""

    async def hours() -> list[Any]:
        outage, chance = Outage(), random.Random(7)
        outage.meta.fails = lambda event: chance.random() < 0.99
        taken = 0
        for _ in range(3 * 360):
            new = 24 - (taken - len(outage.settled))
            outage.accept(*[b"good"] * new)
            taken += new
            await asyncio.sleep(10)
        assert outage.letters.written == []
        return [outage.meta.requests(hour * 3600, (hour + 1) * 3600) for hour in range(3)]

    # Two in their slots and two outside, each of them every 30 s; who is accepted makes room for short waits.
    assert all(0 < requests <= 500 for requests in run(hours()))


# The pixel as a whole waits


THROTTLES = [
    {"kind": "html", "status": 429, "retry_after": 1},
    {"kind": "error", "status": 400, "code": 4, "retry_after": 1},
    {"kind": "error", "status": 400, "code": 80004, "retry_after": 1},
]


@pytest.mark.parametrize("fault", THROTTLES, ids=lambda fault: str(fault.get("code", 429)))
async def test_throttling_holds_everybody_for_as_long_as_meta_asks(fault: Any) -> None:
    async with scene(events_max=1) as running:
        running.sandbox.behave(faults=[fault])
        running.accept(payload(0))
        await running.until(lambda: running.breaker.state is State.THROTTLED)
        throttled_at = time.monotonic()
        running.accept(*(payload(n) for n in range(1, 9)))
        await running.all_ended()
        assert time.monotonic() - throttled_at >= 0.9
        assert running.sandbox.stats.requests == 10
        assert running.letters() == []


@pytest.mark.parametrize(("code", "level"), [(368, "error"), (4, "warning"), (190, "warning")])
async def test_a_block_is_said_as_an_error_each_time(code: int, level: str) -> None:
    """A person must look at the account; what passes by itself, or is a state of its own, is a warning."""
    fault = {"kind": "error", "status": 400, "code": code}
    async with scene(events_max=1, settings={"requests_in_flight_max": 1}) as running:
        running.sandbox.behave(faults=[fault, fault])
        with capture_logs() as lines:
            running.accept(payload(0))
            for times in (1, 2):
                await running.until(lambda times=times: running.sandbox.stats.requests == times)
                await running.until(lambda: running.delivery.requests_in_flight == 0)
                running.skip_the_wait()
            await running.all_ended()
        said = [line for line in lines if line["event"] == "request not accepted"]
        assert [(line["log_level"], line["code"]) for line in said] == [(level, code)] * 2
        assert running.telemetry.snapshot()["capi.meta.errors"][(str(code),)] == 2
        (refusal,) = running.telemetry.recent_errors.latest()
        assert (refusal.code, refusal.says, refusal.answers) == (code, said[0]["summary"], 2)
        assert refusal.fbtrace_id == said[1]["fbtrace_id"] is not None


async def test_a_full_usage_header_holds_the_next_request() -> None:
    usage = '{"1":[{"call_count":100,"estimated_time_to_regain_access":0}]}'
    async with scene(events_max=1, settings={"requests_in_flight_max": 1}) as running:
        running.sandbox.behave(
            faults=[{"kind": "late", "latency_ms": 0, "retry_after": 1,
                     "headers": {"X-Business-Use-Case-Usage": usage}}]
        )  # fmt: skip
        running.accept(payload(0), payload(1))
        await running.until(lambda: running.breaker.state is State.THROTTLED)
        assert running.settled == [0]
        await running.all_ended()
        assert running.sandbox.stats.repeats == 0


async def test_a_refused_token_ends_nothing_and_the_changed_file_goes_on(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("revoked")
    async with scene(
        settings={"access_token_file": token, "auth_retry_max_s": 600.0}, events_max=1
    ) as running:
        running.accept(*(payload(n) for n in range(9)))
        await running.until(lambda: running.breaker.state is State.MISCONFIGURED)
        assert requests(running, ResponseOutcome.MISCONFIGURED) <= 4
        token.write_text("sandbox-token\n")
        assert running.token.reload()
        running.breaker.retry_now()
        await running.all_ended()
        assert running.sandbox.stats.events_accepted == 9
        assert running.letters() == []


async def test_a_wrong_pixel_is_tried_now_and_then_by_one_request_at_a_time() -> None:
    async with scene(settings={"auth_retry_max_s": 0.1}, events_max=1) as running:
        running.sandbox.behave(pixel_id="999")
        running.accept(*(payload(n) for n in range(20)))
        await running.until(lambda: requests(running, ResponseOutcome.MISCONFIGURED) >= 8)
        assert running.settled == []
        running.sandbox.behave(pixel_id="1234567890")
        await running.all_ended()
        assert running.letters() == []


async def test_none_received_of_some_stops_the_sending_and_ends_nothing() -> None:
    async with scene(settings={"auth_retry_max_s": 0.1}) as running:
        running.sandbox.behave(faults=[{"kind": "partial", "events_received": 0, "times": 3}])
        running.accept(payload(0), payload(1))
        await running.all_ended()
        assert running.sandbox.stats.requests == 4
        assert running.letters() == []


# Age


async def test_what_has_become_too_old_before_it_was_sent_is_filtered() -> None:
    async with scene(linger_s=0.05) as running:
        running.accept(payload(0), expires_at_s=NOW_S + 10)
        running.accept(payload(1), expires_at_s=NOW_S + 11)
        running.now_s += 10
        await running.all_ended()
        assert running.accepted_ids == ["event-1"]
        assert running.telemetry.snapshot()["capi.events.filtered"][("event_too_old",)] == 1
        assert running.letters() == []


async def test_what_becomes_too_old_while_meta_is_ill_is_filtered_and_the_rest_goes_on() -> None:
    async with scene() as running:
        running.sandbox.behave(faults=[{"kind": "html", "status": 500, "times": None}])
        running.accept(payload(0), expires_at_s=NOW_S + 10)
        running.accept(payload(1), payload(2), expires_at_s=NOW_S + 99)
        await running.until(lambda: running.sandbox.stats.requests >= 3)
        running.now_s += 10
        await running.until(lambda: running.settled == [0])
        running.sandbox.behave(faults=[])
        await running.all_ended()
        assert running.accepted_ids == ["event-1", "event-2"]
        assert running.sandbox.stats.repeats == 0


async def test_a_batch_that_is_too_old_as_a_whole_is_not_sent() -> None:
    async with scene(linger_s=0.05) as running:
        running.accept(payload(0), payload(1), expires_at_s=NOW_S + 1)
        running.now_s += 1
        await running.all_ended()
        assert running.sandbox.stats.requests == 0
        running.accept(payload(2))
        await running.all_ended()
        assert running.accepted_ids == ["event-2"]


async def test_too_old_during_the_wait_for_a_token_leaves_the_gate_to_the_next() -> None:
    async with scene(settings={"auth_retry_max_s": 0.05}, events_max=1) as running:
        running.sandbox.behave(access_token="another")
        running.accept(payload(0), expires_at_s=NOW_S + 10)
        await running.until(lambda: requests(running, ResponseOutcome.MISCONFIGURED) >= 2)
        running.now_s += 10
        running.sandbox.behave(access_token="sandbox-token")
        running.accept(payload(1))
        await running.all_ended()
        assert running.accepted_ids == ["event-1"]


# Dead letters


async def test_an_invalid_record_is_settled_by_its_letter() -> None:
    async with scene() as running:
        running.accept_invalid(Reason.NOT_JSON)
        running.accept_invalid(Reason.PURCHASE_WITHOUT_VALUE, "custom_data.value")
        await running.all_ended()
        assert [(headers["reason"], headers.get("detail")) for _, headers in running.letters()] == [
            ("not_json", None),
            ("purchase_without_value", "custom_data.value"),
        ]
        assert running.sandbox.stats.requests == 0


async def test_nothing_is_settled_before_the_broker_has_the_letter_and_the_others_go_on() -> None:
    async with scene() as running:
        running.accept_invalid(Reason.NOT_JSON)
        await running.all_ended()
        running.brokers.push(Request.PRODUCE, *[KafkaError.POLICY_VIOLATION] * 40)
        (bad,) = running.accept(refused(0))
        good = running.accept(payload(1), payload(2))
        await running.until(lambda: set(good) <= set(running.settled))
        assert bad not in running.settled
        await running.all_ended()
        assert running.lettered() == [0, bad]


async def test_a_letter_that_waits_holds_no_slot() -> None:
    async with scene(settings={"requests_in_flight_max": 1}, events_max=1) as running:
        running.accept_invalid(Reason.NOT_JSON)
        await running.all_ended()
        running.brokers.down()
        waiting = running.accept(refused(0), refused(1))
        good = running.accept(*(payload(n) for n in range(2, 12)))
        await running.until(lambda: set(good) <= set(running.settled))
        assert not set(waiting) & set(running.settled)
        running.brokers.up()
        await running.all_ended()
        assert running.lettered() == offsets([0], waiting)


# The flood brake


async def test_letters_of_a_flood_of_invalid_records_wait_and_are_written_when_it_is_released() -> None:
    async with scene(brake=True) as running:
        for _ in range(150):
            running.accept_invalid(Reason.NOT_JSON)
            await asyncio.sleep(0)
        await running.until(lambda: running.brake.waiting == 51 and len(running.settled) == 99)
        assert running.lettered() == list(range(99))
        running.brake.resume()
        await running.all_ended()
        assert running.lettered() == list(range(150))


@pytest.mark.parametrize("bad", [refused, named], ids=["unnamed", "named"])
async def test_of_a_batch_that_meta_refuses_event_by_event_no_letter_is_written(bad: Any) -> None:
    async with scene(brake=True) as running:
        running.accept(*(bad(n) for n in range(150)), *(payload(n) for n in range(150, 200)))
        await running.until(lambda: running.brake.waiting == 150)
        assert running.lettered() == []
        assert sorted(running.settled) == list(range(150, 200))
        running.brake.resume()
        await running.all_ended()
        assert running.lettered() == list(range(150))


@pytest.mark.parametrize("bad", [refused, named], ids=["unnamed", "named"])
async def test_one_bad_event_in_five_is_no_flood_though_meta_names_it_before_it_takes_the_others(
    bad: Any,
) -> None:
    async with scene(brake=True, events_max=250) as running:
        running.accept(*(bad(n) if n % 5 == 0 else payload(n) for n in range(THOUSAND)))
        await running.all_ended()
        assert running.lettered() == list(range(0, THOUSAND, 5))


async def test_good_events_that_were_taken_are_sent_while_the_brake_is_on() -> None:
    async with scene(brake=True, linger_s=0.05) as running:
        first = running.accept(payload(0), payload(1))
        for _ in range(100):
            running.accept_invalid(Reason.NOT_JSON)
        assert running.brake.is_open
        good = offsets(first, running.accept(payload(2)))
        await running.until(lambda: set(good) <= set(running.settled))
        assert running.brake.waiting == 100
        assert running.lettered() == []


async def test_a_letter_does_not_wait_for_the_rest_of_a_batch_that_fails() -> None:
    """Of two events one is refused; then Meta is ill before it has answered about the other."""
    async with scene(brake=True) as running:
        answered = {"kind": "late", "latency_ms": 0, "times": 2}
        running.sandbox.behave(faults=[answered, {"kind": "html", "status": 500, "times": None}])
        running.accept(refused(0), payload(1))
        await running.until(lambda: running.settled == [0])
        assert running.lettered() == [0]
        assert running.sandbox.stats.events_accepted == 0
        running.sandbox.behave(faults=[])
        await running.all_ended()


def test_a_letter_does_not_wait_while_the_pixel_waits() -> None:
    """One event of the batch is refused; then another batch is throttled, for an hour."""
    verdicts = {
        b"bad": Response(ResponseOutcome.REJECTED),
        b"much": Response(ResponseOutcome.THROTTLED, wait_s=3600.0),
    }

    async def an_hour() -> None:
        outage = Outage(events_max=2)
        outage.meta.fails = lambda event: False
        outage.meta.says = lambda body: next((v for word, v in verdicts.items() if word in body), None)
        outage.accept(b"bad", b"good")  # together, then `bad` alone: refused after two round trips
        await asyncio.sleep(ROUND_TRIP_S / 2)
        outage.accept(b"much", b"good")
        await asyncio.sleep(60)
        assert outage.letters.written == outage.settled == [0]
        del verdicts[b"much"]
        await asyncio.sleep(3600)
        assert sorted(outage.settled) == [0, 1, 2, 3]

    run(an_hour())


async def test_held_letters_of_a_partition_that_was_taken_away_are_not_written() -> None:
    """Whoever has the partition now has decided its records too."""
    async with scene(brake=True) as running:
        for _ in range(150):
            running.accept_invalid(Reason.NOT_JSON)
            await asyncio.sleep(0)
        await running.until(lambda: running.brake.waiting == 51 and len(running.settled) == 99)
        running.tracker.revoke(PARTITION)
        running.brake.resume()
        await running.all_ended()
        assert running.lettered() == list(range(99))
        assert running.telemetry.total(metrics.RELEASED) == 51


async def test_letters_that_are_held_are_abandoned_too() -> None:
    async with scene(brake=True) as running:
        for _ in range(150):
            running.accept_invalid(Reason.NOT_JSON)
            await asyncio.sleep(0)
        await running.until(lambda: len(running.settled) == 99)
        await asyncio.wait_for(running.delivery.cancel_all(), 5)
        assert running.brake.waiting == 0
        assert running.lettered() == sorted(running.settled) == list(range(99))


# The end


async def test_what_is_abandoned_is_not_settled() -> None:
    async with scene(sandbox={"latency_ms": 5_000}, linger_s=600.0, events_max=2) as running:
        running.accept(*(payload(n) for n in range(5)))
        await running.until(lambda: running.sandbox.stats.requests == 2)
        await running.delivery.cancel_all()
        assert running.settled == []
        assert running.delivery.requests_in_flight == 0
        assert running.tracker.committable() == {("capi.events", 0): 0}


async def test_a_batch_that_stands_aside_is_abandoned_too() -> None:
    async with scene(
        poison_after_s=0.05, chance=1.0, backoff_max_s=0.2, settings={"requests_in_flight_max": 1}
    ) as running:
        running.sandbox.behave(faults=[{"kind": "html", "status": 500, "times": None}])
        for number in range(3):
            running.accept(payload(number))
            await asyncio.sleep(0.01)
        await running.until(lambda: running.sandbox.stats.requests >= 6)
        await asyncio.wait_for(running.delivery.cancel_all(), 5)
        assert running.settled == []


async def test_a_bug_in_a_task_is_told_and_settles_nothing() -> None:
    async with scene() as running:

        def broken(tickets: Any) -> None:
            raise RuntimeError("a bug")

        running.delivery._outcomes._finish = broken
        running.accept(payload(0))
        with pytest.raises(RuntimeError, match="a bug"):
            await asyncio.wait_for(running.delivery.failed, 10)
        assert running.settled == []
