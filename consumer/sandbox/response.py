"""
What goes back over the wire: Meta's success, a refusal, or what a fault makes of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from consumer.sandbox.error import TOO_LARGE, MetaError
from consumer.sandbox.faults import Fault, FaultKind

JSON = "application/json"
HTML = "text/html"
PAGE = "<!DOCTYPE html><html><body><h1>Sorry, something went wrong.</h1></body></html>"
HEADER_LENGTH_MAX = 500


class HttpResponse(NamedTuple):
    """An HTTP answer; `outcome` is what the counters call it, `event_ids` what the answers file gets."""

    outcome: str
    status: int
    body: bytes
    content_type: str
    headers: dict[str, str]
    event_ids: Sequence[str] = ()


def success(events: int | None, trace_id: str) -> HttpResponse:
    """All taken; `events_received` is left out for None."""
    body: dict[str, object] = {} if events is None else {"events_received": events}
    body |= {"messages": [], "fbtrace_id": trace_id}
    return HttpResponse("accepted", 200, orjson.dumps(body), JSON, {})


def refused(refusal: MetaError, trace_id: str) -> HttpResponse:
    """
    A refusal; its text stands in a header too, as Meta puts it there.

    Header bytes are one line of ASCII, whatever was sent.
    """
    text = refusal.message.encode("ascii", "replace").decode()
    line = "".join(char if char.isprintable() and char != '"' else " " for char in text)[:HEADER_LENGTH_MAX]
    headers = {"WWW-Authenticate": f'OAuth "Facebook Platform" "invalid_request" "{line}"'}
    return HttpResponse(f"refused:{refusal.label}", refusal.status, refusal.body(trace_id), JSON, headers)


def page(outcome: str, status: int) -> HttpResponse:
    """A status and a proxy's page, which says nothing more."""
    return HttpResponse(outcome, status, PAGE.encode(), HTML, {})


def too_large() -> HttpResponse:
    """A body over the limit. How Meta says so is unknown: the status speaks."""
    return page("too_large", TOO_LARGE)


def faulty(fault: Fault, answer: HttpResponse | None, trace_id: str) -> HttpResponse:
    """What `fault` makes of the right answer, which is None when the request took no effect."""
    base = _base(fault, answer, trace_id)
    headers = {**base.headers, **fault.headers}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    return base._replace(
        outcome=f"fault:{fault.kind}",
        status=fault.status or base.status,
        body=base.body if fault.body is None else fault.body.encode(),
        content_type=fault.content_type or base.content_type,
        headers=headers,
    )


def _base(fault: Fault, answer: HttpResponse | None, trace_id: str) -> HttpResponse:
    match fault.kind:
        case FaultKind.ERROR:
            return _error(fault, trace_id)
        case FaultKind.HTML:
            return page("", 502)
        case FaultKind.NOT_JSON:
            return HttpResponse("", 200, b"OK", "text/plain", {})
        case FaultKind.UNAVAILABLE:
            return HttpResponse("", 200, b"Service Unavailable", HTML, {})
        case FaultKind.PARTIAL if answer is not None and answer.outcome == "accepted":
            return success(fault.events_received, trace_id)
        case _:  # late, or partial about a request that was refused anyway
            return answer or page("", 500)


def _error(fault: Fault, trace_id: str) -> HttpResponse:
    error = {
        "message": f"(#{fault.code}) An error that was asked for.",
        "type": "OAuthException",
        "code": fault.code,
        "error_subcode": fault.subcode,
        "is_transient": fault.is_transient,
        "fbtrace_id": trace_id,
    }
    body = {"error": {key: value for key, value in error.items() if value is not None}}
    return HttpResponse("", 400, orjson.dumps(body), JSON, {})
