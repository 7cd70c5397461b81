"""
What an answer from Meta means, and how long to wait because of it.

    accepted    settle all
    transient   the same batch again, later
    throttled   the whole pixel waits
    blocked     the whole pixel waits for minutes, and somebody is told
    setup       token, pixel or version: nobody's event's fault, so nothing ends
    too_large   halve
    refused     one event: a dead letter. More: halve

The HTTP status misleads (a refused token has been seen under 500, a passing
fault under 400), so code, subcode and `is_transient` are asked first and the
status second. Meta's free text may echo an event's values: from it only the
index of the event is read, and the title in masked form.
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import orjson

from consumer.meta.error_codes import BUSINESS_LIMITS, RIGHTS, masked, sentence


class ResponseOutcome(StrEnum):
    """The seven things an answer can mean. Public: metric attribute and log word."""

    ACCEPTED = "accepted"
    TRANSIENT = "transient"
    THROTTLED = "throttled"
    BLOCKED = "blocked"
    MISCONFIGURED = "misconfigured"
    TOO_LARGE = "too_large"
    REJECTED = "rejected"


class Response(NamedTuple):
    """
    What an answer means.

    `received` is Meta's count of events taken. `event_index` is the place in
    the batch that Meta's message names. `wait_s` is what Meta asks for, 0 when
    it asks for nothing. `usage_percent` is the highest of the usage headers.
    `says` is our own sentence; `title` is Meta's, masked.
    """

    outcome: ResponseOutcome
    http_status: int | None = None
    code: int | None = None
    subcode: int | None = None
    fbtrace_id: str | None = None
    received: int = 0
    event_index: int | None = None
    wait_s: float = 0.0
    usage_percent: int = 0
    summary: str = ""
    title: str = ""


THROTTLED_CODES = frozenset({4, 17, 32, 341, 613, *BUSINESS_LIMITS})
TRANSIENT_CODES = frozenset({1, 2, 5000, 21009})
BLOCKED_CODES = frozenset({368})
MISCONFIGURED_CODES = frozenset({3, 10, 12, 102, 104, 190, 294, 2500, 2635, *RIGHTS})
REJECTED_CODES = frozenset({100, 105})
WRONG_PIXEL = (100, 33)

NO_RECEIPT = "the answer does not say what was received"
NONE_RECEIVED = "Meta received none of the events that were sent"

MISCONFIGURED_STATUS = frozenset({401, 403, 404, 407})

# A header that asks for more than this is a mistake of somebody's.
WAIT_S_MAX = 3600.0
EVENT_INDEX = re.compile(r"\$\['data'\]\[(\d{1,4})\]")
TRACE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_response(status: int, headers: Mapping[str, str], body: bytes, sent: int) -> Response:
    """The verdict on `sent` events. `headers` has lower-case names. Never raises."""
    answer = _object(body)
    error = answer.get("error") if answer is not None else None
    if isinstance(error, dict):
        verdict = _from_error(status, error, sent)
    elif answer is not None and "error" not in answer and 200 <= status < 300:
        verdict = _from_success(status, answer, sent)
    else:
        verdict = Response(_by_status(status), status, summary=sentence(None, None, status))
    return _with_headers(verdict, headers)


def no_response(says: str) -> Response:
    """No answer: a broken connection, or none in time. What was sent may have been processed."""
    return Response(ResponseOutcome.TRANSIENT, summary=says)


def no_tunnel(status: int) -> Response:
    """A proxy did not let us through to Meta: whatever its status, it says nothing of the events."""
    is_passing = status >= 500 or status in (408, 429)
    says = f"the proxy opens no connection to Meta (HTTP {status})"
    return Response(
        ResponseOutcome.TRANSIENT if is_passing else ResponseOutcome.MISCONFIGURED, status, summary=says
    )


def _object(body: bytes) -> dict[str, object] | None:
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return read if isinstance(read, dict) else None


def _from_success(status: int, answer: dict[str, object], sent: int) -> Response:
    received = answer.get("events_received")
    trace = _trace(answer.get("fbtrace_id"))
    if not isinstance(received, int) or isinstance(received, bool):
        return Response(ResponseOutcome.TRANSIENT, status, fbtrace_id=trace, summary=NO_RECEIPT)
    if received <= 0 < sent:
        return Response(ResponseOutcome.MISCONFIGURED, status, fbtrace_id=trace, summary=NONE_RECEIVED)
    return Response(ResponseOutcome.ACCEPTED, status, fbtrace_id=trace, received=received)


def _from_error(status: int, error: dict[str, object], sent: int) -> Response:
    code, subcode = _int(error.get("code")), _int(error.get("error_subcode"))
    return Response(
        _outcome(status, code, subcode, error.get("is_transient") is True),
        status,
        code,
        subcode,
        _trace(error.get("fbtrace_id")),
        event_index=_event_index(error, sent),
        summary=sentence(code, subcode, status),
        title=masked(error.get("error_user_title")),
    )


def _outcome(status: int, code: int | None, subcode: int | None, is_transient: bool) -> ResponseOutcome:
    """Throttling goes before `is_transient`, which may be set on it too: all of the pixel must wait."""
    if code in THROTTLED_CODES:
        return ResponseOutcome.THROTTLED
    if code in BLOCKED_CODES:
        return ResponseOutcome.BLOCKED
    if is_transient or code in TRANSIENT_CODES or (code is not None and code < 0):
        return ResponseOutcome.TRANSIENT
    if code in MISCONFIGURED_CODES or (code, subcode) == WRONG_PIXEL:
        return ResponseOutcome.MISCONFIGURED
    # Both are about the events, and 413 says more.
    if code in REJECTED_CODES and status != 413:
        return ResponseOutcome.REJECTED
    return _by_status(status)


def _by_status(status: int) -> ResponseOutcome:
    if status == 413:
        return ResponseOutcome.TOO_LARGE
    if status == 429:
        return ResponseOutcome.THROTTLED
    if status in MISCONFIGURED_STATUS or 300 <= status < 400:
        return ResponseOutcome.MISCONFIGURED
    if 400 <= status < 500 and status != 408:
        return ResponseOutcome.REJECTED
    # 5xx, 408, and a 2xx that is no success by its body.
    return ResponseOutcome.TRANSIENT


def _with_headers(verdict: Response, headers: Mapping[str, str]) -> Response:
    usage, regain_s = _usage(headers)
    wait_s = _retry_after_s(headers) or regain_s
    asks = (
        verdict.outcome in (ResponseOutcome.THROTTLED, ResponseOutcome.BLOCKED, ResponseOutcome.TRANSIENT)
        or usage >= 100
    )
    return verdict._replace(usage_percent=usage, wait_s=min(wait_s, WAIT_S_MAX) if asks else 0.0)


def _retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds of `Retry-After`, as a number or as a date beside the answer's own `Date`."""
    written = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", written, re.ASCII):
        return float(written)
    try:
        until = email.utils.parsedate_to_datetime(written)
        asked = email.utils.parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - asked).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _usage(headers: Mapping[str, str]) -> tuple[int, float]:
    """The highest percentage of the usage headers, and the seconds until access is regained."""
    percent, regain_min = 0, 0
    for header in ("x-app-usage", "x-ad-account-usage", "x-business-use-case-usage"):
        # Bytes that are no UTF-8 come out of aiohttp as lone surrogates.
        for usage in _usages(_object(headers.get(header, "").encode("utf-8", "replace"))):
            for name, value in usage.items():
                number = int(value) if isinstance(value, int | float) and 0 <= value < 1e6 else 0
                if name == "estimated_time_to_regain_access":
                    regain_min = max(regain_min, number)
                elif name in USAGE_PERCENT:
                    percent = max(percent, number)
    return percent, regain_min * 60.0


USAGE_PERCENT = frozenset({"call_count", "total_time", "total_cputime", "acc_id_util_pct"})


def _usages(header: dict[str, object] | None) -> list[dict[str, object]]:
    """The usage objects of a header: the header itself, or those listed under each id."""
    if header is None:
        return []
    listed = [usage for value in header.values() if isinstance(value, list) for usage in value]
    return [header, *(usage for usage in listed if isinstance(usage, dict))]


def _int(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,9}", value, re.ASCII):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _trace(value: object) -> str | None:
    """Meta's trace id when it looks like one: it goes into logs and headers."""
    return value if isinstance(value, str) and TRACE_ID.fullmatch(value) else None


def _event_index(error: dict[str, object], sent: int) -> int | None:
    for name in ("message", "error_user_msg", "error_data"):
        text = error.get(name)
        found = EVENT_INDEX.search(text) if isinstance(text, str) else None
        if found and int(found[1]) < sent:
            return int(found[1])
    return None


# How long to wait. Chance is an argument: a number from 0 up to 1.

BACKOFF_BASE_S = 0.5
THROTTLED_S = (60.0, 300.0)
BLOCKED_S = 300.0


def backoff_s(attempt: int, chance: float, most_s: float) -> float:
    """Exponential backoff with full jitter. `attempt` counts failures, from 1."""
    return chance * min(most_s, BACKOFF_BASE_S * 2.0 ** min(attempt, 30))


def pixel_wait_s(verdict: Response, chance: float) -> float:
    """How long the whole pixel waits: what Meta asks for, else minutes; 0 when it need not wait."""
    if verdict.outcome is ResponseOutcome.BLOCKED:
        return max(verdict.wait_s, BLOCKED_S)
    if verdict.outcome is ResponseOutcome.THROTTLED or verdict.usage_percent >= 100:
        low, high = THROTTLED_S
        return verdict.wait_s or low + chance * (high - low)
    return 0.0
