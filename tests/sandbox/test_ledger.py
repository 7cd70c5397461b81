"""What the sandbox counts, remembers and writes down."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
from support.sandbox_requests import NOW_S, good, meta

from consumer.sandbox.request_log import RequestLog

ORDERS = [good(event_id=f"order-{index}", event_name="Lead") for index in range(3)]


def lines(path: Any) -> list[Any]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


async def test_requests_and_events_are_counted_by_how_they_ended() -> None:
    async with meta() as to:
        await to.post(*ORDERS)
        await to.post(good())
        await to.post(good(), good(event_time=0))
        await to.post(good(), token="another")
        stats = to.sandbox.stats
        assert (stats.requests, stats.events_accepted, stats.events_per_request_max) == (4, 4, 3)
        assert stats.outcomes == {"accepted": 2, "refused:100/2804003": 1, "refused:190": 1}
        assert stats.requests_by_second == {NOW_S: 4}
        assert (stats.requests_at_once, stats.requests_at_once_max) == (0, 1)


async def test_bytes_are_counted_as_they_are_once_decompressed() -> None:
    body = orjson.dumps({"data": [good()]})
    async with meta() as to:
        await to.post(raw=body)
        assert to.sandbox.stats.bytes_received == len(body)


async def test_a_repeat_is_the_same_id_and_name_accepted_again() -> None:
    async with meta() as to:
        await to.post(*ORDERS)
        await to.post(good(event_id="order-0", event_name="Contact"))
        assert to.sandbox.stats.repeats == 0
        await to.post(ORDERS[0])
        await to.post({**ORDERS[1], "event_time": NOW_S - 1})
        stats = to.sandbox.stats
        assert (stats.repeats, stats.repeats_same_event_time, stats.repeats_other_event_time) == (2, 1, 1)
        assert [repeat._asdict() for repeat in stats.repeated] == [
            {
                "event_id": "order-0",
                "event_name": "Lead",
                "same_event_time": True,
                "first_request": 1,
                "request": 3,
            },
            {
                "event_id": "order-1",
                "event_name": "Lead",
                "same_event_time": False,
                "first_request": 1,
                "request": 4,
            },
        ]


async def test_what_was_refused_is_no_repeat_when_it_is_taken_later() -> None:
    async with meta() as to:
        await to.post(ORDERS[0], good(event_time=0))
        await to.post(ORDERS[0])
        assert to.sandbox.stats.repeats == 0


async def test_a_repeat_within_one_request_counts() -> None:
    async with meta() as to:
        await to.post(good(), good())
        assert to.sandbox.stats.repeats_same_event_time == 1


async def test_memory_is_bounded_and_what_is_forgotten_is_said() -> None:
    async with meta(ids_kept_max=2, accepted_kept_max=2, bodies_kept_max=1) as to:
        await to.post(ORDERS[0])
        await to.post(*ORDERS[1:])
        await to.post(ORDERS[0])
        stats = to.sandbox.stats
        assert (stats.repeats, stats.forgotten) == (0, 2)
        assert to.sandbox.accepted == [ORDERS[2], ORDERS[0]]
        assert list(to.sandbox.bodies) == [orjson.dumps({"data": [ORDERS[0]]})]


async def test_bodies_are_kept_whatever_became_of_them() -> None:
    async with meta(bodies_kept_max=5) as to:
        await to.post(good(event_time=0))
        to.sandbox.behave(faults=[{"kind": "html"}])
        await to.post(good())
        assert len(to.sandbox.bodies) == 2


async def test_every_accepted_event_is_a_line_of_the_file_before_its_request_is_answered(
    tmp_path: Path,
) -> None:
    path = tmp_path / "accepted"
    async with meta(accepted_file=path) as to:
        await to.post(good(), good(event_time=0))
        assert path.read_bytes() == b""
        await to.post(*ORDERS[:2])
        assert lines(path) == [
            {
                "event_id": f"order-{index}",
                "event_name": "Lead",
                "event_time": NOW_S - 60,
                "request": 2,
                "index": index,
                "received_at": NOW_S,
            }
            for index in (0, 1)
        ]


async def test_a_file_that_is_there_is_added_to(tmp_path: Path) -> None:
    path = tmp_path / "accepted"
    for order in ORDERS:
        async with meta(accepted_file=path) as to:
            await to.post(order)
    assert [line["event_id"] for line in lines(path)] == ["order-0", "order-1", "order-2"]


async def test_the_file_has_the_events_whose_answer_never_arrived(tmp_path: Path) -> None:
    path = tmp_path / "accepted"
    async with meta(accepted_file=path, latency_ms=60_000) as to:
        try:
            await to.post(good(), timeout_s=0.3)
        except TimeoutError:
            assert [line["event_id"] for line in lines(path)] == ["event-1"]
        else:
            raise AssertionError("answered too early")


async def test_most_requests_at_once_is_what_was_open_together() -> None:
    async with meta(latency_ms=200) as to:
        await asyncio.gather(*(to.post(good(event_id=str(index))) for index in range(7)))
        await to.post(good())
        stats = to.sandbox.stats
        assert (stats.requests, stats.requests_at_once, stats.requests_at_once_max) == (8, 0, 7)


async def test_stats_are_told_as_json() -> None:
    async with meta() as to:
        await to.post(good())
        await to.post(good())
        told = (await to.control("GET", "stats")).json
        assert told == {
            "requests": 2,
            "requests_at_once": 0,
            "requests_at_once_max": 1,
            "bytes_received": 2 * len(orjson.dumps({"data": [good()]})),
            "events_accepted": 2,
            "events_per_request_max": 1,
            "repeats": 1,
            "repeats_same_event_time": 1,
            "repeats_other_event_time": 0,
            "forgotten": 0,
            "outcomes": {"accepted": 2},
            "requests_by_second": {str(NOW_S): 2},
            "repeated": [
                {
                    "event_id": "event-1",
                    "event_name": "PageView",
                    "same_event_time": True,
                    "first_request": 1,
                    "request": 2,
                }
            ],
        }


def test_the_seconds_remembered_are_an_hour_at_most() -> None:
    ledger = RequestLog(None, accepted_kept_max=0, ids_kept_max=0)
    for second in range(5000):
        ledger.open_request(float(second))
        ledger.close_request("accepted")
    assert list(ledger.stats().requests_by_second) == list(range(1400, 5000))


async def test_reset_forgets_counts_and_behaviour_and_leaves_the_file(tmp_path: Path) -> None:
    path = tmp_path / "accepted"
    for verb in ("GET", "POST"):
        async with meta(accepted_file=path) as to:
            await to.post(good())
            to.sandbox.behave(access_token="another", faults=[{"kind": "html", "times": None}])
            before = path.read_bytes()
            assert (await to.control(verb, "reset")).status == 200
            assert to.sandbox.stats.requests == to.sandbox.stats.events_accepted == 0
            assert to.sandbox.accepted == []
            assert path.read_bytes() == before != b""
            assert (await to.post(good())).status == 200
            assert to.sandbox.stats.repeats == 0
