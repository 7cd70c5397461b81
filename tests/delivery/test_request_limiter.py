"""How many requests are under way at once: never above the limit of the moment, which Meta's answers move."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.delivery import payload, scene, stuck

from consumer.domain.state import State

LATENCY_MS = 30


def watched(running: Any) -> list[Any]:
    """Each request as it is sent: how many are under way with it, and what the limit is then."""
    seen, send = [], running.sink.send

    async def watching(body: Any, events: Any) -> Any:
        seen.append((running.delivery.requests_in_flight, running.delivery.requests_limit))
        return await send(body, events)

    running.sink.send = watching
    return seen


def events(count: Any) -> list[Any]:
    return [payload(number) for number in range(count)]


async def feed(running: Any) -> None:
    """More events all the time, until the task is cancelled."""
    while True:
        running.accept(*events(10))
        await asyncio.sleep(0.02)


async def test_a_cold_start_begins_with_four_and_climbs_to_the_setting_and_not_above() -> None:
    settings = {"requests_in_flight_max": 6}
    async with scene(sandbox={"latency_ms": 100}, settings=settings, events_max=1) as running:
        seen = watched(running)
        running.accept(*events(20))
        await running.until(lambda: len(seen) >= 4)
        assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
        feeding = asyncio.create_task(feed(running))
        await running.until(lambda: running.sandbox.stats.requests_at_once_max == 6)
        feeding.cancel()
        await running.all_ended()
        assert running.sandbox.stats.requests_at_once_max == 6
        assert all(at_once <= limit for at_once, limit in seen)


async def test_a_fixed_limit_is_there_from_the_start_and_whatever_meta_says() -> None:
    settings = {"requests_in_flight_max": 6, "concurrency": "fixed"}
    throttle = {"kind": "error", "status": 400, "code": 80004, "retry_after": 1}
    async with scene(sandbox={"latency_ms": LATENCY_MS}, settings=settings, events_max=1) as running:
        running.accept(*events(12))
        await running.until(lambda: running.sandbox.stats.requests_at_once_max == 6)
        await running.all_ended()
        running.sandbox.behave(faults=[throttle])
        running.accept(payload(12))
        await running.until(lambda: running.breaker.state is State.THROTTLED)
        assert running.delivery.requests_limit == 6


THROTTLES = [
    {"kind": "html", "status": 429},
    {"kind": "error", "status": 400, "code": 4},
    {"kind": "error", "status": 400, "code": 80014},
    {"kind": "late", "headers": {"X-App-Usage": '{"call_count":100}'}},
]


@pytest.mark.parametrize("fault", THROTTLES, ids=["429", "4", "80014", "usage"])
async def test_throttling_halves_it_once_for_all_that_were_under_way(fault: Any) -> None:
    """They wait at the breaker with their permits, and those that are too many by now stand back."""
    fault = {**fault, "retry_after": 1, "latency_ms": LATENCY_MS, "times": 4}
    async with scene(sandbox={"latency_ms": LATENCY_MS}, events_max=1) as running:
        seen = watched(running)
        running.sandbox.behave(faults=[fault])
        with capture_logs() as lines:
            running.accept(*events(40))
            await running.until(lambda: running.breaker.state is State.THROTTLED)
            await running.until(lambda: running.delivery.requests_in_flight == 0)
        assert len(seen) == 4
        assert running.delivery.requests_limit == 2
        told = [line for line in lines if line["event"] == "throttled: concurrency reduced"]
        assert told == [
            {"event": "throttled: concurrency reduced", "log_level": "debug", "limit": 2, "before": 4}
        ]
        await running.all_ended()
        assert seen[4:6] == [(1, 2), (2, 2)]
        assert all(at_once <= limit for at_once, limit in seen)
        # One below where it was throttled, for an hour.
        assert max(limit for _, limit in seen[4:]) <= 3


async def test_what_waits_at_the_gate_while_the_limit_falls_stands_back() -> None:
    """The first response opens the breaker, two quick ones let three wait there, the last one throttles."""
    faults = [
        {"kind": "error", "code": 368, "latency_ms": 10},
        {"kind": "late", "latency_ms": 40},
        {"kind": "late", "latency_ms": 40},
        {"kind": "html", "status": 429, "latency_ms": 400},
    ]
    async with scene(sandbox={"latency_ms": LATENCY_MS}, events_max=1) as running:
        seen = watched(running)
        running.sandbox.behave(faults=faults)
        running.accept(*events(12))
        await running.until(lambda: len(running.settled) == 2)
        assert running.delivery.requests_limit == 4
        await running.until(lambda: running.delivery.requests_in_flight == 0)
        assert (len(seen), running.delivery.requests_limit) == (4, 2)
        running.skip_the_wait()
        await running.all_ended()
        assert seen[4:6] == [(1, 2), (2, 2)]
        assert all(at_once <= limit for at_once, limit in seen)


def used(percent: Any) -> dict[Any, Any]:
    return {"X-Business-Use-Case-Usage": f'{{"1":[{{"call_count":{percent}}}]}}'}


@pytest.mark.parametrize(("percent", "comes_to"), [(79, 6), (90, 1)])
async def test_usage_headers_slow_it_down_before_meta_does(percent: int, comes_to: int) -> None:
    settings = {"requests_in_flight_max": 6}
    async with scene(sandbox={"latency_ms": 5}, settings=settings, events_max=1) as running:
        running.sandbox.behave(headers=used(percent))
        feeding = asyncio.create_task(feed(running))
        await running.until(lambda: running.delivery.requests_limit == comes_to)
        feeding.cancel()


async def test_from_80_percent_on_there_is_never_one_more() -> None:
    settings = {"requests_in_flight_max": 6}
    async with scene(sandbox={"latency_ms": 5}, settings=settings, events_max=1) as running:
        seen = watched(running)
        running.sandbox.behave(headers=used(80))
        running.accept(*events(200))
        await running.all_ended()
        limits = [limit for _, limit in seen]
        assert limits == sorted(limits, reverse=True)
        assert limits[0] == 4


async def test_an_outage_goes_down_to_one_and_what_follows_up_again() -> None:
    async with scene(events_max=1, settings={"requests_in_flight_max": 6}) as running:
        seen = watched(running)
        running.sandbox.behave(faults=[{"kind": "unavailable", "times": None}])
        running.accept(*events(20))
        await running.until(lambda: running.delivery.requests_limit == 1)
        assert running.settled == []
        running.sandbox.behave(faults=[], latency_ms=LATENCY_MS)
        await running.all_ended()
        feeding = asyncio.create_task(feed(running))
        await running.until(lambda: running.delivery.requests_limit > 3)
        feeding.cancel()
        await running.all_ended()
        assert all(at_once <= limit for at_once, limit in seen)
        assert running.letters() == []


async def test_a_refused_token_leaves_it_as_it_is() -> None:
    async with scene(events_max=1, settings={"auth_retry_max_s": 0.05}) as running:
        running.sandbox.behave(access_token="another")
        running.accept(*events(9))
        await running.until(lambda: running.sandbox.stats.requests >= 8)
        assert running.breaker.state is State.MISCONFIGURED
        assert running.delivery.requests_limit == 4
        running.sandbox.behave(access_token="sandbox-token")
        await running.all_ended()


async def test_a_batch_that_waits_for_its_next_attempt_holds_no_permit() -> None:
    """With a limit of one, everything else would wait for what fails."""
    settings = {"requests_in_flight_max": 2}
    async with scene(chance=1.0, backoff_max_s=600.0, settings=settings, events_max=1) as running:
        running.accept(stuck(0))
        await running.until(lambda: running.delivery.requests_limit == 1)
        failed = running.sandbox.stats.requests
        good = running.accept(*events(20))
        began = time.monotonic()
        await running.until(lambda: set(good) <= set(running.settled))
        assert time.monotonic() - began < 1.5
        assert running.sandbox.stats.requests == failed + 20


async def test_what_became_too_old_gives_its_permit_back() -> None:
    settings = {"requests_in_flight_max": 1}
    async with scene(settings=settings, events_max=1, linger_s=0.05) as running:
        for number in range(3):
            running.accept(payload(number), expires_at_s=int(running.now_s) + 10)
        running.now_s += 10
        running.accept(payload(3), expires_at_s=int(running.now_s) + 10)
        await running.all_ended()
        assert running.accepted_ids == ["event-3"]


async def test_abandoned_at_the_gate_in_the_line_and_under_way_is_all_given_up() -> None:
    async with scene(sandbox={"latency_ms": 5_000}, events_max=1) as running:
        running.sandbox.behave(
            faults=[{"kind": "html", "status": 429, "retry_after": 600, "latency_ms": 10, "times": 2}]
        )
        running.accept(*events(20))
        await running.until(lambda: running.breaker.state is State.THROTTLED)
        await running.until(lambda: running.delivery.requests_in_flight == 2)
        await asyncio.wait_for(running.delivery.cancel_all(), 5)
        assert running.delivery.requests_in_flight == 0
        assert running.settled == []
