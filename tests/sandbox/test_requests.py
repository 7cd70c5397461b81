"""What is refused about a request before its events are looked at, and how bodies may arrive."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from support.sandbox_requests import NOW_S, PIXEL_ID, TOKEN, good, gzipped, meta

from consumer.sandbox.request import EVENTS_MAX

# what is sent, and the status, code and subcode it gets
REFUSED = [
    ({"token": "another"}, 401, 190, None),
    ({"token": None}, 401, 104, None),
    ({"token": None, "query": f"?access_token={TOKEN}"}, 401, 104, None),
    ({"token": None, "headers": {"Authorization": TOKEN}}, 401, 104, None),
    ({"token": None, "body": {"data": [good()], "access_token": "another"}}, 401, 190, None),
    ({"token": "another", "body": {"data": [good()], "access_token": TOKEN}}, 401, 190, None),
    ({"pixel_id": "42"}, 400, 100, 33),
    ({"version": "v20.0"}, 400, 2635, None),
    ({"version": "v2.6"}, 400, 2635, None),
    ({"version": "26"}, 400, 2500, None),
    ({"raw": b""}, 400, 100, None),
    ({"raw": b"{"}, 400, 100, None),
    ({"raw": b'{"data": [NaN]}'}, 400, 100, None),
    ({"raw": b"\xff\xfe"}, 400, 100, None),
    ({"raw": b"not gzip", "headers": {"Content-Encoding": "gzip"}}, 400, 100, None),
    ({"raw": b"not deflate", "headers": {"Content-Encoding": "deflate"}}, 400, 100, None),
    ({"body": []}, 400, 100, None),
    ({"body": "data"}, 400, 100, None),
    ({"body": {}}, 400, 100, None),
    ({"body": {"data": {}}}, 400, 100, None),
    ({"body": {"data": []}}, 400, 100, None),
    ({"body": {"data": [good()] * (EVENTS_MAX + 1)}}, 400, 100, None),
    ({"body": {"data": [good()], "partner_agent": "a" * 23}}, 400, 100, None),
    ({"body": {"data": [good()], "partner_agent": "1.0-x"}}, 400, 100, None),
    ({"body": {"data": [good()], "partner_agent": 7}}, 400, 100, None),
    ({"raw": b'{"data":[{}],"partner_agent":' + b"[" * 1000 + b"]" * 1000 + b"}"}, 400, 100, None),
    ({"token": None, "raw": b'{"access_token":' + b"[" * 1000 + b"7" + b"]" * 1000 + b"}"}, 401, 190, None),
]


@pytest.mark.parametrize(("sent", "status", "code", "subcode"), REFUSED)
async def test_a_request_that_is_not_as_meta_wants_it_is_refused_whole(
    sent: Any, status: Any, code: Any, subcode: Any
) -> None:
    async with meta() as to:
        answer = await to.post(good(), **sent)
        assert (answer.status, *answer.code) == (status, code, subcode)
        assert to.sandbox.stats.events_accepted == 0
        assert (await to.post(good())).status == 200


TAKEN = [
    {"version": "v21.0"},
    {"version": "v99.0"},
    {"token": None, "body": {"data": [good()], "access_token": TOKEN}},
    {"token": None, "headers": {"Authorization": f"bearer {TOKEN}"}},
    {"body": {"data": [good()], "partner_agent": "capi-consumer-0.1", "test_event_code": "TEST1"}},
    {"body": {"data": [good(event_id=str(index)) for index in range(EVENTS_MAX)]}},
    {"raw": gzipped(good()), "headers": {"Content-Encoding": "gzip"}},
]


@pytest.mark.parametrize("sent", TAKEN)
async def test_a_request_as_meta_wants_it_is_answered_as_meta_answers(sent: Any) -> None:
    async with meta() as to:
        answer = await to.post(good(), **sent)
        assert answer.status == 200
        events = len(sent["body"]["data"]) if "body" in sent else 1
        assert answer.json == {
            "events_received": events,
            "messages": [],
            "fbtrace_id": "A00000000000000000001",
        }


async def test_a_refusal_echoes_the_token_as_meta_may() -> None:
    async with meta() as to:
        answer = await to.post(good(), token="canary-token")
        assert "canary-token" in answer.json["error"]["message"]
        assert "canary-token" in answer.headers["WWW-Authenticate"]


async def test_a_body_over_the_limit_is_too_large_compressed_or_not() -> None:
    one = orjson.dumps({"data": [good()]})
    async with meta(body_bytes_max=len(one)) as to:
        assert (await to.post(raw=one)).status == 200
        over = orjson.dumps({"data": [good(), good()]})
        assert (await to.post(raw=over)).status == 413
        assert (await to.post(raw=gzip.compress(over), headers={"Content-Encoding": "gzip"})).status == 413
        assert to.sandbox.stats.outcomes == {"accepted": 1, "too_large": 2}


async def test_a_body_far_over_the_limit_is_too_large_and_the_sender_learns_it() -> None:
    async with meta(body_bytes_max=100_000) as to:
        assert (await to.post(raw=b" " * 20_000_000)).status == 413
        bomb = gzip.compress(b" " * 20_000_000)
        assert (await to.post(raw=bomb, headers={"Content-Encoding": "gzip"})).status == 413


async def test_a_path_that_is_not_metas_is_not_found() -> None:
    async with meta() as to, to.session.get(f"{to.sandbox.url}/v26.0/{PIXEL_ID}") as answer:
        assert answer.status == 404


async def test_fast_answers_without_looking() -> None:
    async with meta(fast=True) as to:
        answer = await to.post(good(), good(event_time=0), token="another", pixel_id="42")
        assert (answer.status, answer.json["events_received"]) == (200, 2)
        bodies = await to.post(
            raw=gzipped(good(), good(), good()), headers={"Content-Encoding": "gzip"}, token=None
        )
        assert bodies.json["events_received"] == 3
        assert to.sandbox.stats.events_accepted == 5


async def test_the_fast_count_is_not_fooled_by_text() -> None:
    async with meta(fast=True) as to:
        answer = await to.post(good(custom_data={"note": 'an "event_name": in a text'}))
        assert answer.json["events_received"] == 1


async def test_fast_writes_when_each_request_was_answered_and_with_which_events(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    async with meta(fast=True, answers_file=path) as to:
        await to.post(good(), good(event_id='second "'))
        assert (await to.post(raw=b'{"data":[]}')).status == 200
        await to.post(good(event_id="third", custom_data={"note": '"event_id":"x" in a text'}))
    assert [orjson.loads(line) for line in path.read_bytes().splitlines()] == [
        {"answered_at": NOW_S, "event_ids": ["event-1", "second \\"]},  # escapes stay as they are
        {"answered_at": NOW_S, "event_ids": ["third"]},
    ]


async def test_fast_does_not_say_answered_where_the_answer_was_lost(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    lost = {"faults": [{"kind": "drop", "processed": True}]}
    async with meta(fast=True, answers_file=path, behave=lost) as to:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await to.post(good())
        assert to.sandbox.stats.events_accepted == 1
        assert path.read_bytes() == b""
