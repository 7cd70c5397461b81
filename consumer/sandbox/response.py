"""
What goes back over the wire: Meta's success, a refusal, or what a fault makes of them.

A refusal in Meta's manner.

Meta answers with one error for the whole request. The HTTP status, the code
and the subcode say what it is; the free text may echo what was sent, and here
it does, so that a reader which logs or shows it is found out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from consumer.sandbox.faults import Fault, FaultKind

BAD_REQUEST = 400
UNAUTHORIZED = 401
TOO_LARGE = 413

INVALID_PARAMETER = 100
INVALID_TOKEN = 190
NO_TOKEN = 104
UNKNOWN_PATH = 2500
DEAD_VERSION = 2635
UNKNOWN_OBJECT_SUBCODE = 33

ECHO_LENGTH_MAX = 200


class MetaError(NamedTuple):
    """
    Why the whole request is refused.

    `title` and `detail` are what Meta means for a person to read; answers that
    have them say `is_transient` too.
    """

    status: int
    code: int
    subcode: int | None
    message: str
    title: str | None = None
    detail: str | None = None
    data: str | None = None

    @property
    def label(self) -> str:
        """`100/2804003` or `190`: what the counters call it."""
        return f"{self.code}/{self.subcode}" if self.subcode is not None else str(self.code)

    def body(self, trace_id: str) -> bytes:
        """The JSON body, with the keys that Meta leaves out left out."""
        error = {
            "message": self.message,
            "type": "OAuthException",  # for everything, throttling too: it says nothing
            "code": self.code,
            "error_subcode": self.subcode,
            "is_transient": False if self.title else None,
            "error_user_title": self.title,
            "error_user_msg": self.detail,
            "error_data": self.data,
            "fbtrace_id": trace_id,
        }
        return orjson.dumps({"error": {key: value for key, value in error.items() if value is not None}})


def echo(value: object) -> str:
    """What was sent, as text for a message; JSON may be too deep to be shown."""
    try:
        return str(value)[:ECHO_LENGTH_MAX]
    except RecursionError:
        return "..."


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
