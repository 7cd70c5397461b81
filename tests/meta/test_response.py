"""What an answer means: code first, status second, and whatever comes, a verdict."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consumer.meta.response import (
    NO_RECEIPT,
    NONE_RECEIVED,
    Response,
    ResponseOutcome,
    backoff_s,
    no_response,
    no_tunnel,
    pixel_wait_s,
    read_response,
)

HTML = b"<!DOCTYPE html><html><body>Sorry, something went wrong.</body></html>"


def answered(status: Any, body: Any, headers: Any = None, sent: int = 3) -> Response:
    return read_response(status, headers or {}, body, sent)


def refused(status: int = 400, sent: int = 3, headers: Any = None, **error: Any) -> Any:
    return answered(status, orjson.dumps({"error": error}), headers, sent)


# Accepted, and what only looks so


def test_accepted_is_2xx_and_json_and_no_error_and_a_receipt() -> None:
    verdict = answered(200, b'{"events_received":3,"messages":[],"fbtrace_id":"AbC-_1"}')
    assert verdict == Response(ResponseOutcome.ACCEPTED, 200, fbtrace_id="AbC-_1", received=3)


NO_SUCCESS = [
    # status, body, kind, says
    (200, b"", ResponseOutcome.TRANSIENT, "HTTP 200 without a code"),
    (200, b"Service Unavailable", ResponseOutcome.TRANSIENT, "HTTP 200 without a code"),
    (200, b'"Service Unavailable"', ResponseOutcome.TRANSIENT, "HTTP 200 without a code"),
    (200, b"[]", ResponseOutcome.TRANSIENT, "HTTP 200 without a code"),
    (200, b'{"events_received":3', ResponseOutcome.TRANSIENT, "HTTP 200 without a code"),
    (200, b"{}", ResponseOutcome.TRANSIENT, NO_RECEIPT),
    (200, b'{"messages":[]}', ResponseOutcome.TRANSIENT, NO_RECEIPT),
    (200, b'{"events_received":null}', ResponseOutcome.TRANSIENT, NO_RECEIPT),
    (200, b'{"events_received":true}', ResponseOutcome.TRANSIENT, NO_RECEIPT),
    (200, b'{"events_received":"3"}', ResponseOutcome.TRANSIENT, NO_RECEIPT),
    (200, b'{"events_received":3.0}', ResponseOutcome.TRANSIENT, NO_RECEIPT),
    (204, b"", ResponseOutcome.TRANSIENT, "HTTP 204 without a code"),
    (200, b'{"events_received":0}', ResponseOutcome.MISCONFIGURED, NONE_RECEIVED),
    (200, b'{"events_received":-1}', ResponseOutcome.MISCONFIGURED, NONE_RECEIVED),
    (200, b'{"events_received":3,"error":null}', ResponseOutcome.TRANSIENT, "HTTP 200 without a code"),
    (
        200,
        b'{"events_received":3,"error":"Service temporarily unavailable"}',
        ResponseOutcome.TRANSIENT,
        None,
    ),
    (200, b'{"events_received":3,"error":[]}', ResponseOutcome.TRANSIENT, None),
    (302, b'{"events_received":3}', ResponseOutcome.MISCONFIGURED, None),
    (404, b'{"events_received":3}', ResponseOutcome.MISCONFIGURED, None),
    (500, b'{"events_received":3}', ResponseOutcome.TRANSIENT, None),
]


@pytest.mark.parametrize(("status", "body", "kind", "says"), NO_SUCCESS)
def test_what_lacks_one_part_of_success_is_none(status: Any, body: Any, kind: Any, says: Any) -> None:
    verdict = answered(status, body)
    assert verdict.outcome is kind
    assert verdict.received == 0
    assert says is None or verdict.summary == says


def test_a_shortfall_is_accepted_and_says_how_many() -> None:
    assert answered(200, b'{"events_received":2}').received == 2


# Codes: each row of the table, under a status that says something else


CODES = [
    *((code, None, ResponseOutcome.TRANSIENT) for code in (1, 2, 5000, 21009, -1, -3)),
    *((code, None, ResponseOutcome.THROTTLED) for code in (4, 17, 32, 341, 613, 80000, 80004, 80014)),
    (368, None, ResponseOutcome.BLOCKED),
    *(
        (code, None, ResponseOutcome.MISCONFIGURED)
        for code in (190, 102, 104, 10, 200, 230, 299, 3, 294, 12, 2500, 2635)
    ),
    (190, 463, ResponseOutcome.MISCONFIGURED),
    (100, 33, ResponseOutcome.MISCONFIGURED),
    *(
        (100, subcode, ResponseOutcome.REJECTED)
        for subcode in (2804001, 2804003, 2804007, 2804048, 2804066, None)
    ),
    (105, None, ResponseOutcome.REJECTED),
]


@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 408, 413, 429, 500, 503])
@pytest.mark.parametrize(("code", "subcode", "kind"), CODES)
def test_a_known_code_is_the_verdict_whatever_the_status(
    status: int, code: Any, subcode: Any, kind: Any
) -> None:
    if status == 413 and kind is ResponseOutcome.REJECTED:
        kind = ResponseOutcome.TOO_LARGE  # both are about the events, and the status says which
    verdict = refused(status, code=code, error_subcode=subcode, message="m", type="OAuthException")
    assert (verdict.outcome, verdict.http_status, verdict.code, verdict.subcode) == (
        kind,
        status,
        code,
        subcode,
    )


OUTSIDE = [
    (80015, ResponseOutcome.REJECTED),
    (79999, ResponseOutcome.REJECTED),
    (300, ResponseOutcome.REJECTED),
    (199, ResponseOutcome.REJECTED),
]


@pytest.mark.parametrize(("code", "kind"), OUTSIDE)
def test_the_ranges_of_codes_end_where_meta_ends_them(code: Any, kind: Any) -> None:
    assert refused(400, code=code).outcome is kind


@pytest.mark.parametrize("status", [200, 400, 403, 413, 500])
@pytest.mark.parametrize("code", [100, 190, 2500, None])
def test_is_transient_goes_before_every_code_but_the_pixels(status: int, code: int | None) -> None:
    assert refused(status, code=code, is_transient=True).outcome is ResponseOutcome.TRANSIENT


@pytest.mark.parametrize(
    ("code", "kind"),
    [(4, ResponseOutcome.THROTTLED), (80004, ResponseOutcome.THROTTLED), (368, ResponseOutcome.BLOCKED)],
)
def test_throttling_and_blocking_hold_the_pixel_even_when_they_are_transient(code: int, kind: Any) -> None:
    assert refused(400, code=code, is_transient=True).outcome is kind


@pytest.mark.parametrize("word", [1, "true", "True", None, False])
def test_only_true_is_transient(word: Any) -> None:
    assert (
        refused(400, code=100, error_subcode=2804003, is_transient=word).outcome is ResponseOutcome.REJECTED
    )


STATUSES = [
    (200, ResponseOutcome.TRANSIENT),
    (299, ResponseOutcome.TRANSIENT),
    (300, ResponseOutcome.MISCONFIGURED),
    (301, ResponseOutcome.MISCONFIGURED),
    (307, ResponseOutcome.MISCONFIGURED),
    (399, ResponseOutcome.MISCONFIGURED),
    (401, ResponseOutcome.MISCONFIGURED),
    (403, ResponseOutcome.MISCONFIGURED),
    (404, ResponseOutcome.MISCONFIGURED),
    (407, ResponseOutcome.MISCONFIGURED),
    (400, ResponseOutcome.REJECTED),
    (402, ResponseOutcome.REJECTED),
    (405, ResponseOutcome.REJECTED),
    (422, ResponseOutcome.REJECTED),
    (499, ResponseOutcome.REJECTED),
    (408, ResponseOutcome.TRANSIENT),
    (413, ResponseOutcome.TOO_LARGE),
    (429, ResponseOutcome.THROTTLED),
    (500, ResponseOutcome.TRANSIENT),
    (502, ResponseOutcome.TRANSIENT),
    (503, ResponseOutcome.TRANSIENT),
    (599, ResponseOutcome.TRANSIENT),
]

SAYS_NOTHING = [
    HTML,
    b"",
    b"null",
    b"[1]",
    b"\xff\xfe",
    b"{}" + b" " * 9,
    b'{"error":"text"}',
    b'{"error":null}',
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
@pytest.mark.parametrize("body", SAYS_NOTHING)
def test_without_a_code_the_status_is_the_verdict(status: Any, kind: Any, body: Any) -> None:
    verdict = answered(status, body)
    if status < 300 and body.startswith(b"{}"):
        assert verdict.summary == NO_RECEIPT
    else:
        assert verdict.summary == f"HTTP {status} without a code"
    assert (verdict.outcome, verdict.http_status, verdict.code) == (kind, status, None)


@pytest.mark.parametrize(("status", "kind"), STATUSES)
@pytest.mark.parametrize(
    "error", [{}, {"code": 9999}, {"code": None}, {"code": {}}, {"code": "no"}, {"code": 1.5}]
)
def test_an_unknown_code_leaves_it_to_the_status(status: Any, kind: Any, error: dict[str, Any]) -> None:
    assert refused(status, **error).outcome is kind


AS_TEXT = [("190", 190), ("-1", -1), (" 190", None), ("1e2", None), ("", None), ("٤", None), ("9" * 12, None)]


@pytest.mark.parametrize(("written", "code"), AS_TEXT)
def test_a_code_may_be_text(written: Any, code: Any) -> None:
    verdict = refused(400, code=written, error_subcode=written)
    assert (verdict.code, verdict.subcode) == (code, code)


def test_a_boolean_is_no_code() -> None:
    assert refused(400, code=True, error_subcode=False).outcome is ResponseOutcome.REJECTED
    assert refused(400, code=True).code is None


# What else an error says


def test_meta_s_own_text_is_never_in_a_verdict() -> None:
    canary = "canary@example.com"
    verdict = refused(
        code=100, error_subcode=2804003, message=canary, error_user_msg=canary,
        error_data=canary, type=canary, error_user_title=f"Too old: {canary}", fbtrace_id=canary,
    )  # fmt: skip
    assert "canary" not in repr(verdict)
    assert verdict.summary == "the event is older than Meta takes"
    assert verdict.title == "Too old: *****"


TRACES = [
    ("AbCdEf-_09", "AbCdEf-_09"), ("", None), ("a b", None), ("a\n", None), (7, None), (None, None),
    ("x" * 64, "x" * 64), ("x" * 65, None), ("é", None),
]  # fmt: skip


@pytest.mark.parametrize(("written", "read"), TRACES)
def test_a_trace_id_is_taken_when_it_looks_like_one(written: Any, read: Any) -> None:
    assert refused(code=1, fbtrace_id=written).fbtrace_id == read
    assert answered(200, orjson.dumps({"events_received": 3, "fbtrace_id": written})).fbtrace_id == read


INDICES = [
    ({"message": "(#100) Missing required key \"id\" on param \"$['data'][2]['custom_data']\"."}, 3, 2),
    ({"error_user_msg": "Param $['data'][0] is bad"}, 3, 0),
    ({"error_data": "$['data'][1]"}, 3, 1),
    ({"message": "$['data'][9]", "error_user_msg": "$['data'][1]"}, 3, 1),
    ({"message": "$['data'][999]"}, 1000, 999),
    ({"message": "$['data'][3]"}, 3, None),
    ({"message": "$['data'][1000]"}, 1000, None),
    ({"message": "$['data'][12345]"}, 100, None),
    ({"message": "$['data'][-1]"}, 3, None),
    ({"message": "$['data']"}, 3, None),
    ({"message": '$["data"][1]'}, 3, None),
    ({"message": None, "error_data": 7}, 3, None),
    ({"message": {"deep": "$['data'][1]"}}, 3, None),
    ({}, 3, None),
]


@pytest.mark.parametrize(("error", "sent", "index"), INDICES)
def test_the_event_that_the_text_names_is_one_of_the_batch(error: Any, sent: Any, index: Any) -> None:
    assert refused(400, sent=sent, code=100, **error).event_index == index


# Headers: usage and Retry-After


def waits(kind_of_code: Any, headers: Any) -> Any:
    return refused(400, code=kind_of_code, headers=headers).wait_s


RETRY_AFTER = [
    ({"retry-after": "7"}, 7.0),
    ({"retry-after": " 7 "}, 7.0),
    ({"retry-after": "0"}, 0.0),
    ({"retry-after": "3600"}, 3600.0),
    ({"retry-after": "999999999"}, 3600.0),
    ({"retry-after": "9999999999"}, 0.0),
    ({"retry-after": "-5"}, 0.0),
    ({"retry-after": "٧"}, 0.0),
    ({"retry-after": "soon"}, 0.0),
    ({"retry-after": ""}, 0.0),
    (
        {"retry-after": "Wed, 21 Oct 2026 07:29:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"},
        90.0,
    ),
    ({"retry-after": "Wed, 21 Oct 2026 07:00:00 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.0),
    ({"retry-after": "Thu, 21 Oct 2027 07:00:00 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 3600.0),
    ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.0),
    ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "yesterday"}, 0.0),
    ({"retry-after": "Wed, 21 Oct 2026 07:28:00", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.0),
    ({"retry-after": "Wed, 21 Oct 99999 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.0),
    (
        {
            "retry-after": "Wed, 21 Oct 2026 07:28:00 +99999999999999",
            "date": "Wed, 21 Oct 2026 07:28:00 GMT",
        },
        0.0,
    ),
]


@pytest.mark.parametrize(("headers", "wait_s"), RETRY_AFTER)
def test_retry_after_is_seconds_or_a_date_beside_the_answers_own(headers: Any, wait_s: Any) -> None:
    assert waits(4, headers) == wait_s


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_counts_without_a_body(status: int) -> None:
    assert answered(status, HTML, {"retry-after": "11"}).wait_s == 11.0


@pytest.mark.parametrize("code", [100, 190])
def test_retry_after_of_a_refusal_says_nothing(code: int) -> None:
    assert waits(code, {"retry-after": "7"}) == 0.0


def business(**usage: Any) -> dict[Any, Any]:
    return {"x-business-use-case-usage": orjson.dumps({"123": [{"type": "x", **usage}]}).decode()}


USAGES = [
    ({"x-app-usage": '{"call_count":28,"total_time":25,"total_cputime":99}'}, 99, 0.0),
    ({"x-ad-account-usage": '{"acc_id_util_pct":9.67}'}, 9, 0.0),
    (business(call_count=100, estimated_time_to_regain_access=3), 100, 180.0),
    (business(call_count=100, estimated_time_to_regain_access=100_000), 100, 3600.0),
    (business(call_count=5, estimated_time_to_regain_access=3), 5, 0.0),
    ({**business(call_count=12), "x-app-usage": '{"call_count":80}'}, 80, 0.0),
    ({"x-app-usage": '{"call_count":101,"unknown":900}'}, 101, 0.0),
    ({"x-app-usage": '{"call_count":-1,"total_time":"99"}'}, 0, 0.0),
    ({"x-app-usage": '{"call_count":1e300}'}, 0, 0.0),
    ({"x-app-usage": "[]"}, 0, 0.0),
    ({"x-app-usage": "not json"}, 0, 0.0),
    ({"x-app-usage": ""}, 0, 0.0),
    ({"x-business-use-case-usage": '{"1":[7,null,{"call_count":3}],"2":{"call_count":99}}'}, 3, 0.0),
    ({"x-app-usage": "\udcff\udcfe"}, 0, 0.0),
]


@pytest.mark.parametrize(("headers", "percent", "wait_s"), USAGES)
def test_the_highest_usage_counts_and_at_100_it_holds_accepted_requests_too(
    headers: Any, percent: Any, wait_s: Any
) -> None:
    verdict = answered(200, b'{"events_received":3}', headers)
    assert (verdict.outcome, verdict.usage_percent, verdict.wait_s) == (
        ResponseOutcome.ACCEPTED,
        percent,
        wait_s,
    )


def test_retry_after_goes_before_the_usage_headers() -> None:
    headers = {**business(call_count=100, estimated_time_to_regain_access=3), "retry-after": "9"}
    assert waits(80004, headers) == 9.0


# No bytes can make it raise


DEEP = b'{"error":{"code":100,"error_data":' + b"[" * 1000 + b"]" * 1000 + b"}}"


@given(
    status=st.integers(100, 999),
    body=st.binary(max_size=200) | st.sampled_from([DEEP, HTML, b'{"error":{"code":-0}}']),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "date", "x-app-usage", "x-business-use-case-usage"]),
        st.text(max_size=40) | st.binary(max_size=20).map(lambda b: b.decode("utf-8", "surrogateescape")),
    ),
    sent=st.integers(1, 1000),
)
@example(400, DEEP, {}, 1)
@example(400, b"", {"retry-after": "Mon, 1 Jan 1 00:00:00 +9999", "date": "Mon, 1 Jan 1 00:00:00 GMT"}, 1)
@example(400, b"", {"retry-after": "()"}, 1)
@example(400, b"", {"retry-after": "Mon, 99999999999999999999 Jan 2026 00:00:00 GMT"}, 1)
def test_no_answer_makes_it_raise(status: Any, body: Any, headers: Any, sent: Any) -> None:
    assert isinstance(read_response(status, headers, body, sent).outcome, ResponseOutcome)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ERROR_KEYS = st.sampled_from(
    [
        "code",
        "error_subcode",
        "is_transient",
        "message",
        "error_user_title",
        "error_user_msg",
        "error_data",
        "fbtrace_id",
    ]
)


@given(
    status=st.integers(200, 599),
    body=st.fixed_dictionaries(
        {}, optional={"error": st.dictionaries(ERROR_KEYS, JSON), "events_received": JSON}
    ),
    usage=JSON,
    sent=st.integers(1, 1000),
)
def test_no_json_makes_it_raise_and_an_index_is_always_within_the_batch(
    status: Any, body: Any, usage: Any, sent: Any
) -> None:
    headers = {"x-app-usage": orjson.dumps(usage).decode()}
    verdict = read_response(status, headers, orjson.dumps(body), sent)
    assert verdict.event_index is None or 0 <= verdict.event_index < sent
    assert 0 <= verdict.wait_s <= 3600
    assert pixel_wait_s(verdict, 0.5) >= 0


@pytest.mark.parametrize("char", ["x", "9", "a", "'", "@", " ", "("])
def test_a_long_title_does_not_hold_the_loop_up(char: str) -> None:
    began = time.monotonic()
    refused(code=100, error_user_title=char * 60_000)
    assert time.monotonic() - began < 1.0


def test_no_answer_at_all_is_transient() -> None:
    assert no_response("no answer in time") == Response(
        ResponseOutcome.TRANSIENT, summary="no answer in time"
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, ResponseOutcome.MISCONFIGURED),
        (403, ResponseOutcome.MISCONFIGURED),
        (407, ResponseOutcome.MISCONFIGURED),
        (408, ResponseOutcome.TRANSIENT),
        (429, ResponseOutcome.TRANSIENT),
        (499, ResponseOutcome.MISCONFIGURED),
        (500, ResponseOutcome.TRANSIENT),
        (502, ResponseOutcome.TRANSIENT),
    ],
)
def test_a_proxy_that_opens_no_tunnel_is_transient_or_a_matter_of_setup(status: int, kind: Any) -> None:
    says = f"the proxy opens no connection to Meta (HTTP {status})"
    assert no_tunnel(status) == Response(kind, status, summary=says)


# How long to wait


BACKOFFS = [
    # attempt, chance, most, seconds
    (1, 1.0, 30.0, 1.0),
    (2, 1.0, 30.0, 2.0),
    (5, 1.0, 30.0, 16.0),
    (6, 1.0, 30.0, 30.0),
    (6, 0.5, 30.0, 15.0),
    (6, 0.0, 30.0, 0.0),
    (1_000_000, 1.0, 600.0, 600.0),
]


@pytest.mark.parametrize(("attempt", "chance", "most_s", "wait_s"), BACKOFFS)
def test_backoff_doubles_with_full_jitter_up_to_its_limit(
    attempt: Any, chance: Any, most_s: Any, wait_s: Any
) -> None:
    assert backoff_s(attempt, chance, most_s) == wait_s


PIXEL_WAITS = [
    (Response(ResponseOutcome.ACCEPTED), 0.5, 0.0),
    (Response(ResponseOutcome.TRANSIENT, wait_s=9.0), 0.5, 0.0),
    (Response(ResponseOutcome.MISCONFIGURED), 0.5, 0.0),
    (Response(ResponseOutcome.REJECTED), 0.5, 0.0),
    (Response(ResponseOutcome.THROTTLED), 0.0, 60.0),
    (Response(ResponseOutcome.THROTTLED), 0.5, 180.0),
    (Response(ResponseOutcome.THROTTLED, wait_s=7.0), 0.5, 7.0),
    (Response(ResponseOutcome.BLOCKED), 0.5, 300.0),
    (Response(ResponseOutcome.BLOCKED, wait_s=7.0), 0.5, 300.0),
    (Response(ResponseOutcome.BLOCKED, wait_s=900.0), 0.5, 900.0),
    (Response(ResponseOutcome.ACCEPTED, usage_percent=99), 0.5, 0.0),
    (Response(ResponseOutcome.ACCEPTED, usage_percent=100), 0.5, 180.0),
    (Response(ResponseOutcome.ACCEPTED, usage_percent=120, wait_s=60.0), 0.5, 60.0),
]


@pytest.mark.parametrize(("verdict", "chance", "wait_s"), PIXEL_WAITS)
def test_the_pixel_waits_as_long_as_meta_asks_else_minutes(verdict: Any, chance: Any, wait_s: Any) -> None:
    assert pixel_wait_s(verdict, chance) == wait_s
