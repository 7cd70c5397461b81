"""How the sandbox misbehaves, and that it stops when it was told to."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import aiohttp
import orjson
import pytest
from support.sandbox_requests import TOKEN, good, meta
from support.waiting import eventually

from consumer.sandbox.faults import Behavior, Fault, InvalidBehavior
from consumer.sandbox.settings import SandboxSettings

USAGE = '{"call_count":100,"total_time":3,"total_cputime":1}'

# fault, and what the sender sees: status, a part of the body, headers
FAULTS = [
    ({"kind": "error"}, 400, '"code":1,', {}),
    ({"kind": "error", "status": 500, "code": 190}, 500, '"code":190', {}),
    ({"kind": "error", "code": 80004}, 400, '"code":80004', {}),
    ({"kind": "error", "code": 100, "subcode": 33}, 400, '"error_subcode":33', {}),
    ({"kind": "error", "is_transient": True}, 400, '"is_transient":true', {}),
    ({"kind": "error", "status": 429, "code": 4, "retry_after": 7}, 429, '"code":4', {"Retry-After": "7"}),
    ({"kind": "error", "code": 17, "headers": {"X-App-Usage": USAGE}}, 400, "17", {"X-App-Usage": USAGE}),
    ({"kind": "error", "body": '{"error":"text"}'}, 400, '{"error":"text"}', {}),
    ({"kind": "html"}, 502, "<html>", {"Content-Type": "text/html"}),
    ({"kind": "html", "status": 503, "retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 503, "<html>", {}),
    ({"kind": "html", "status": 307, "headers": {"Location": "https://example.org/"}}, 307, "", {}),
    ({"kind": "not_json"}, 200, "OK", {"Content-Type": "text/plain"}),
    ({"kind": "not_json", "body": '{"half'}, 200, '{"half', {}),
    ({"kind": "not_json", "body": ""}, 200, "", {}),
    ({"kind": "unavailable"}, 200, "Service Unavailable", {}),
]


@pytest.mark.parametrize(("fault", "status", "said", "headers"), FAULTS)
async def test_a_fault_is_seen_once_takes_nothing_and_is_gone(
    fault: Any, status: Any, said: Any, headers: Any
) -> None:
    async with meta() as to:
        to.sandbox.behave(faults=[fault])
        answer = await to.post(good())
        assert answer.status == status
        assert said in answer.text
        assert headers.items() <= answer.headers.items()
        assert to.sandbox.stats.events_accepted == 0
        assert (await to.post(good())).status == 200
        assert to.sandbox.stats.outcomes == {f"fault:{fault['kind']}": 1, "accepted": 1}


@pytest.mark.parametrize(("fault", "status", "said", "headers"), FAULTS)
async def test_a_processed_fault_takes_the_events_all_the_same(
    fault: Any, status: Any, said: Any, headers: Any
) -> None:
    async with meta() as to:
        to.sandbox.behave(faults=[{**fault, "processed": True}])
        answer = await to.post(good())
        assert (answer.status, said in answer.text) == (status, True)
        assert to.sandbox.accepted == [good()]


@pytest.mark.parametrize("received", [0, 1, None])
async def test_partial_takes_all_and_says_another_number(received: int | None) -> None:
    async with meta() as to:
        to.sandbox.behave(faults=[{"kind": "partial", "events_received": received, "times": 2}])
        answer = await to.post(good(), good())
        assert (answer.status, answer.json.get("events_received")) == (200, received)
        assert ("events_received" in answer.json) == (received is not None)
        assert to.sandbox.stats.events_accepted == 2
        assert (await to.post(good(event_time=0))).code == (100, 2804003)


@pytest.mark.parametrize(
    ("fault", "taken"),
    [
        ({"kind": "drop"}, 0),
        ({"kind": "drop", "processed": True}, 1),
        ({"kind": "cut"}, 1),
        ({"kind": "drop", "processed": True, "latency_ms": 50}, 1),
    ],
)
async def test_a_connection_may_break_before_or_after_the_events_were_taken(
    fault: dict[str, Any], taken: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with meta() as to:
        to.sandbox.behave(faults=[fault])
        with pytest.raises(
            (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError)
        ):
            await to.post(good())
        assert to.sandbox.stats.events_accepted == taken
        assert (await to.post(good())).status == 200
        assert to.sandbox.stats.repeats == taken
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_an_answer_may_come_later_than_its_sender_waits() -> None:
    async with meta() as to:
        to.sandbox.behave(faults=[{"kind": "late", "latency_ms": 60_000}])
        with pytest.raises(TimeoutError):
            await to.post(good(), timeout_s=0.3)
        assert to.sandbox.stats.events_accepted == 1
        assert (await to.post(good())).status == 200
        assert to.sandbox.stats.repeats_same_event_time == 1


async def test_latency_holds_every_answer_back_and_can_change() -> None:
    async with meta(latency_ms=150) as to:
        before = time.monotonic()
        await to.post(good())
        assert time.monotonic() - before >= 0.15
        to.sandbox.behave(latency_ms=60_000)
        with pytest.raises(TimeoutError):
            await to.post(good(), timeout_s=0.2)
        assert (await to.control("POST", "behave", {"latency_ms": 0})).status == 200
        assert (await to.post(good(), timeout_s=5)).status == 200


async def test_faults_are_taken_in_order_each_as_often_as_said() -> None:
    async with meta() as to:
        faults = [{"kind": "html", "times": 2}, {"kind": "error", "times": 0}, {"kind": "unavailable"}]
        to.sandbox.behave(faults=faults)
        assert [(await to.post(good())).status for _ in range(4)] == [502, 502, 200, 200]
        assert to.sandbox.stats.outcomes == {"fault:html": 2, "fault:unavailable": 1, "accepted": 1}


async def test_a_fault_for_ever_lasts_until_it_is_taken_back() -> None:
    async with meta() as to:
        to.sandbox.behave(faults=[Fault(kind="html", status=500, times=None)])
        assert {(await to.post(good())).status for _ in range(20)} == {500}
        await to.control("POST", "behave", {"faults": []})
        assert (await to.post(good())).status == 200


async def test_another_change_leaves_the_queue_of_faults_as_it_is() -> None:
    async with meta() as to:
        to.sandbox.behave(faults=[{"kind": "html", "times": 2}])
        await to.post(good())
        to.sandbox.behave(latency_ms=1)
        assert [(await to.post(good())).status for _ in range(2)] == [502, 200]


async def test_headers_go_with_every_answer_until_taken_back() -> None:
    async with meta() as to:
        to.sandbox.behave(headers={"X-App-Usage": USAGE})
        for event in (good(), good(event_time=0)):
            assert (await to.post(event)).headers["X-App-Usage"] == USAGE
        to.sandbox.behave(headers={})
        assert "X-App-Usage" not in (await to.post(good())).headers


async def test_the_token_may_change_while_running() -> None:
    async with meta() as to:
        to.sandbox.behave(access_token="new")
        assert (await to.post(good())).code == (190, None)
        assert (await to.post(good(), token="new")).status == 200


async def test_the_pixel_may_change_while_running() -> None:
    async with meta() as to:
        to.sandbox.behave(pixel_id="42")
        assert (await to.post(good())).code == (100, 33)
        assert (await to.post(good(), pixel_id="42")).status == 200


async def test_a_behaviour_may_stand_at_the_start_and_comes_back_with_a_reset() -> None:
    async with meta(behave={"faults": [{"kind": "html"}]}) as to:
        assert [(await to.post(good())).status for _ in range(2)] == [502, 200]
        to.sandbox.reset()
        assert (await to.post(good())).status == 502


async def test_fast_misbehaves_too() -> None:
    async with meta(fast=True) as to:
        to.sandbox.behave(faults=[{"kind": "error", "status": 429, "code": 4}])
        assert [(await to.post(good())).status for _ in range(2)] == [429, 200]


BAD = [
    ({"latency": 5}, "latency: "),
    ({"latency_ms": -1}, "latency_ms: "),
    ({"latency_ms": "secret-value"}, "latency_ms: "),
    ({"access_token": ""}, "access_token: "),
    ({"faults": [{"kind": "secret-value"}]}, "faults.0.kind: "),
    ({"faults": [{}]}, "faults.0.kind: "),
    ({"faults": [{"kind": "html", "status": 99}]}, "faults.0.status: "),
    ({"faults": [{"kind": "html", "times": -1}]}, "faults.0.times: "),
    ({"faults": [{"kind": "html", "colour": 1}]}, "faults.0.colour: "),
]


@pytest.mark.parametrize(("changes", "said"), BAD)
async def test_a_behaviour_that_cannot_be_had_is_refused_by_name_and_changes_nothing(
    changes: Any, said: Any
) -> None:
    async with meta() as to:
        to.sandbox.behave(faults=[{"kind": "html"}])
        answer = await to.control("POST", "behave", changes)
        assert answer.status == 400
        assert answer.json["error"].startswith(said)
        assert "secret-value" not in answer.text
        with pytest.raises(InvalidBehavior):
            to.sandbox.behave(**changes)
        assert [(await to.post(good())).status for _ in range(2)] == [502, 200]
    with pytest.raises(ValueError, match=said):
        SandboxSettings(behave=changes)


@pytest.mark.parametrize("body", [[], "x", 1])
async def test_a_behaviour_that_is_no_object_is_refused(body: Any) -> None:
    async with meta() as to:
        assert (await to.control("POST", "behave", body)).status == 400


async def test_a_sender_that_goes_away_half_way_is_no_error_of_the_sandbox(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with meta() as to:
        host, _, port = to.sandbox.url.removeprefix("http://").partition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /v26.0/1234567890/events HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\n"
        writer.write(head.encode() + b'{"data": [')
        await writer.drain()
        await asyncio.to_thread(eventually, lambda: to.sandbox.stats.requests, 5)
        writer.close()
        await asyncio.to_thread(eventually, lambda: to.sandbox.stats.outcomes, 5)
        assert to.sandbox.stats.outcomes == {"broken_off": 1}
        assert (await to.post(good())).status == 200
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_neither_settings_nor_behaviour_show_the_token() -> None:
    settings = SandboxSettings(access_token="canary", behave={"access_token": "canary"})
    assert "canary" not in repr(settings)
    assert "canary" not in repr(Behavior(access_token="canary", pixel_id="1"))


async def test_nothing_of_a_request_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with meta() as to:
        await to.post(good(event_name="canary"), token="canary")
        await to.post(good(event_name=["canary"]), query="?access_token=canary")
        await to.post(raw=b"canary")
        to.sandbox.behave(faults=[{"kind": "drop", "processed": True}])
        with pytest.raises(aiohttp.ClientError):
            await to.post(good(event_name="canary"))
        answered = orjson.dumps(to.sandbox.stats.outcomes)
    assert b"refused:190" in answered
    logged = [record.getMessage() for record in caplog.records]
    assert [line for line in logged if "canary" in line or TOKEN in line] == []
