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


class Kind(StrEnum):
    """The seven things an answer can mean. Public: metric attribute and log word."""

    ACCEPTED = "accepted"
    TRANSIENT = "transient"
    THROTTLED = "throttled"
    BLOCKED = "blocked"
    SETUP = "setup"
    TOO_LARGE = "too_large"
    REFUSED = "refused"


class Verdict(NamedTuple):
    """
    What an answer means.

    `received` is Meta's count of events taken. `event_index` is the place in
    the batch that Meta's message names. `wait_s` is what Meta asks for, 0 when
    it asks for nothing. `usage_percent` is the highest of the usage headers.
    `says` is our own sentence; `title` is Meta's, masked.
    """

    kind: Kind
    http_status: int | None = None
    code: int | None = None
    subcode: int | None = None
    fbtrace_id: str | None = None
    received: int = 0
    event_index: int | None = None
    wait_s: float = 0.0
    usage_percent: int = 0
    says: str = ""
    title: str = ""


THROTTLED_CODES = frozenset({4, 17, 32, 341, 613, *BUSINESS_LIMITS})
TRANSIENT_CODES = frozenset({1, 2, 5000, 21009})
BLOCKED_CODES = frozenset({368})
SETUP_CODES = frozenset({3, 10, 12, 102, 104, 190, 294, 2500, 2635, *RIGHTS})
REFUSED_CODES = frozenset({100, 105})
WRONG_PIXEL = (100, 33)

NO_RECEIPT = "the answer does not say what was received"
NONE_RECEIVED = "Meta received none of the events that were sent"

SETUP_STATUS = frozenset({401, 403, 404, 407})

# A header that asks for more than this is a mistake of somebody's.
WAIT_S_MAX = 3600.0
EVENT_INDEX = re.compile(r"\$\['data'\]\[(\d{1,4})\]")
TRACE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_answer(status: int, headers: Mapping[str, str], body: bytes, sent: int) -> Verdict:
    """The verdict on `sent` events. `headers` has lower-case names. Never raises."""
    answer = _object(body)
    error = answer.get("error") if answer is not None else None
    if isinstance(error, dict):
        verdict = _of_error(status, error, sent)
    elif answer is not None and "error" not in answer and 200 <= status < 300:
        verdict = _of_success(status, answer, sent)
    else:
        verdict = Verdict(_by_status(status), status, says=sentence(None, None, status))
    return _with_headers(verdict, headers)


def unanswered(says: str) -> Verdict:
    """No answer: a broken connection, or none in time. What was sent may have been processed."""
    return Verdict(Kind.TRANSIENT, says=says)


def no_tunnel(status: int) -> Verdict:
    """A proxy did not let us through to Meta: whatever its status, it says nothing of the events."""
    is_passing = status >= 500 or status in (408, 429)
    says = f"the proxy opens no connection to Meta (HTTP {status})"
    return Verdict(Kind.TRANSIENT if is_passing else Kind.SETUP, status, says=says)


def _object(body: bytes) -> dict[str, object] | None:
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return read if isinstance(read, dict) else None


def _of_success(status: int, answer: dict[str, object], sent: int) -> Verdict:
    received = answer.get("events_received")
    trace = _trace(answer.get("fbtrace_id"))
    if not isinstance(received, int) or isinstance(received, bool):
        return Verdict(Kind.TRANSIENT, status, fbtrace_id=trace, says=NO_RECEIPT)
    if received <= 0 < sent:
        return Verdict(Kind.SETUP, status, fbtrace_id=trace, says=NONE_RECEIVED)
    return Verdict(Kind.ACCEPTED, status, fbtrace_id=trace, received=received)


def _of_error(status: int, error: dict[str, object], sent: int) -> Verdict:
    code, subcode = _int(error.get("code")), _int(error.get("error_subcode"))
    return Verdict(
        _kind(status, code, subcode, error.get("is_transient") is True),
        status,
        code,
        subcode,
        _trace(error.get("fbtrace_id")),
        event_index=_event_index(error, sent),
        says=sentence(code, subcode, status),
        title=masked(error.get("error_user_title")),
    )


def _kind(status: int, code: int | None, subcode: int | None, is_transient: bool) -> Kind:
    """Throttling goes before `is_transient`, which may be set on it too: all of the pixel must wait."""
    if code in THROTTLED_CODES:
        return Kind.THROTTLED
    if code in BLOCKED_CODES:
        return Kind.BLOCKED
    if is_transient or code in TRANSIENT_CODES or (code is not None and code < 0):
        return Kind.TRANSIENT
    if code in SETUP_CODES or (code, subcode) == WRONG_PIXEL:
        return Kind.SETUP
    # Both are about the events, and 413 says more.
    if code in REFUSED_CODES and status != 413:
        return Kind.REFUSED
    return _by_status(status)


def _by_status(status: int) -> Kind:
    if status == 413:
        return Kind.TOO_LARGE
    if status == 429:
        return Kind.THROTTLED
    if status in SETUP_STATUS or 300 <= status < 400:
        return Kind.SETUP
    if 400 <= status < 500 and status != 408:
        return Kind.REFUSED
    # 5xx, 408, and a 2xx that is no success by its body.
    return Kind.TRANSIENT


def _with_headers(verdict: Verdict, headers: Mapping[str, str]) -> Verdict:
    usage, regain_s = _usage(headers)
    wait_s = _retry_after_s(headers) or regain_s
    asks = verdict.kind in (Kind.THROTTLED, Kind.BLOCKED, Kind.TRANSIENT) or usage >= 100
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


def pixel_wait_s(verdict: Verdict, chance: float) -> float:
    """How long the whole pixel waits: what Meta asks for, else minutes; 0 when it need not wait."""
    if verdict.kind is Kind.BLOCKED:
        return max(verdict.wait_s, BLOCKED_S)
    if verdict.kind is Kind.THROTTLED or verdict.usage_percent >= 100:
        low, high = THROTTLED_S
        return verdict.wait_s or low + chance * (high - low)
    return 0.0
