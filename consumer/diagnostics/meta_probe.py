"""
Does Meta take our token and our pixel? Asked without sending an event, unless one is asked for.

What is posted is a request as every other one, with no event in it. It needs
the right that sending needs, which no other call does: reading the pixel's node
(a GET) asks for a permission that a token made for the Conversions API need
not have, so it would refuse tokens with which sending works.

    refused as setup (190, 100/33, 10, 200 ...)     the token, the pixel or the version
    refused for having no event (100)               token and pixel were taken
    accepted, with 0 events received                likewise

Known, from Meta's documentation and reports: the codes of a refused token and
of an unknown pixel. Assumed: that these are looked at before the list of
events is, and that an empty list is refused with code 100. Were it otherwise, a
wrong token could pass here; `run` would then say it with the first event.

How far our clock is from Meta's, by the `Date` header of an answer.

    asked at ──────── Date: ...:05 GMT ──────── answered at
                   (…:05 to …:06)

Meta's clock is taken to have been read halfway, and half a second after the
second that the header names: that is right to a second or so. By our clock an event
is too old, or ahead of its time; some minutes let good events fall out.

One clearly made-up event, for `check --send-test-event`: a page view of nobody, on example.com.

It goes the way of every other event, with the settings' own rules and the
consent that they ask for, so that what Meta takes of it, it takes of others.
The address and the host are those that are reserved for documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import orjson

from consumer.clock import now_ms
from consumer.config.settings import Settings
from consumer.console import pluralize
from consumer.delivery.batcher import envelope_end, request_body
from consumer.delivery.meta_client import AccessToken, MetaClient
from consumer.diagnostics.preflight import CheckResult
from consumer.domain.decision import Decision, Deliverable
from consumer.domain.record import Partition, Record
from consumer.mapping.decide import decide
from consumer.mapping.event_fields import AHEAD_MS_MAX
from consumer.mapping.normalize.hashing import BatchHasher
from consumer.meta.response import WRONG_PIXEL, Response, ResponseOutcome, no_tunnel

CLOCK = "clock"
# Less than a slow answer may feign.
SKEW_S_GOOD = 10
# What is further ahead is a dead letter: the core's own bound.
SKEW_S_MAX = AHEAD_MS_MAX // 1000
NOT_COMPARED = CheckResult(CLOCK, None, "not known (no answer to compare it with)")
SET_IT = "let NTP set this machine's clock: by it events are too old, or ahead of their time"


class ServerTime(NamedTuple):
    """One answer: its `Date` header, and when it was asked for and came, in milliseconds of our clock."""

    date: str
    asked_ms: int
    came_ms: int


def clock_finding(answered: ServerTime) -> CheckResult:
    """Whether our clock is well. A header that is no date leaves it unknown."""
    try:
        theirs_s = parsedate_to_datetime(answered.date).timestamp() + 0.5
    except (ValueError, OverflowError):
        return CheckResult(CLOCK, None, "not known (the answer has no Date that can be read)")
    ahead_s = round((answered.asked_ms + answered.came_ms) / 2000 - theirs_s)
    way = "ahead of" if ahead_s > 0 else "behind"
    says = f"{pluralize(abs(ahead_s), 'second')} {way} Meta's (its Date header)"
    if abs(ahead_s) <= SKEW_S_GOOD:
        return CheckResult(CLOCK, True, says if abs(ahead_s) > 1 else "as Meta's (its Date header)")
    return CheckResult(CLOCK, None if abs(ahead_s) <= SKEW_S_MAX else False, says, SET_IT)


EVENT_NAME = "capi-consumer-check"


def event_id(now_ms: int) -> str:
    """By which it is found in Events Manager."""
    return f"{EVENT_NAME}-{now_ms}"


def synthetic_event(settings: Settings, now_ms: int) -> Decision:
    """What becomes of it; anything but a Deliverable means settings that let hardly anything through."""
    category = settings.user_consent_category
    event = {
        "event_name": "page_view",
        "consent_categories": [category] if category else [],
        "context": {
            "event_id": event_id(now_ms),
            "event_timestamp": datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(),
        },
        "url": f"https://www.example.com/{EVENT_NAME}",
        "user": {
            "id": EVENT_NAME,
            "email": f"{EVENT_NAME}@example.com",
            "country": "FR",
            "city": "Paris",
            "zipcode": "75001",
        },
        "browser": {"ip": "192.0.2.1", "user_agent": f"Mozilla/5.0 ({EVENT_NAME})"},
    }
    record = Record(Partition(EVENT_NAME, 0), 0, now_ms, orjson.dumps(event))
    return decide(record, settings.mapping_options, BatchHasher(), now_ms)


NAME = "Meta"
TEST_EVENT = "test event"
PARAMETER = 100

MAKE_ANOTHER = (
    "make a new token in Events Manager (Settings, Conversions API) "
    "for CAPI_ACCESS_TOKEN or CAPI_ACCESS_TOKEN_FILE"
)
RIGHT_PIXEL = "check CAPI_PIXEL_ID, and that the token was made for this pixel"
TRY_AGAIN = "try again in some minutes: nothing is wrong with your settings as far as can be seen"
REFUSED_TOKEN = frozenset({190, 102, 104})
DEAD_VERSION = frozenset({12, 2635})


async def probe(settings: Settings, test_event_code: str = "") -> list[CheckResult]:
    """
    What Meta answers to a request without an event, and how its clock is; with a code, to a test event.

    Raises BadSettings for a file without certificates.
    """
    body = b'{"data":[' + envelope_end(settings.partner_agent, "")
    answers: list[ServerTime] = []
    asked_ms = now_ms()

    def on_headers(headers: Mapping[str, str]) -> None:
        answers.append(ServerTime(headers.get("date", ""), asked_ms, now_ms()))

    async with MetaClient(settings, AccessToken(settings), on_headers=on_headers) as sink:
        found = [finding(await sink.send(body, 0), settings.pixel_id)]
        found += [clock_finding(answer) for answer in answers] or [NOT_COMPARED]
        if test_event_code:
            found.append(await _test_event(settings, sink, test_event_code, is_taken=found[0].ok is True))
    return found


async def _test_event(settings: Settings, sink: MetaClient, code: str, *, is_taken: bool) -> CheckResult:
    if not is_taken:
        return CheckResult(TEST_EVENT, False, "not sent", "mend first what is wrong with Meta, above")
    at_ms = now_ms()
    event = synthetic_event(settings, at_ms)
    if not isinstance(event, Deliverable):
        says = f"not sent: with these settings it is not deliverable ({event.reason})"
        return CheckResult(TEST_EVENT, False, says, "look at CAPI_MATCH_RULE and CAPI_EVENT_BYTES_MAX")
    verdict = await sink.send(request_body([event], envelope_end(settings.partner_agent, code)), 1)
    if verdict.outcome is not ResponseOutcome.ACCEPTED:
        return CheckResult(TEST_EVENT, False, f"{verdict.summary}{_numbers(verdict)}", _what_to_do(verdict))
    says = f"Meta answers that it received {pluralize(verdict.received, 'event')}{_numbers(verdict)}"
    return CheckResult(TEST_EVENT, True, f"{says}; look for {event_id(at_ms)} in Events Manager, Test events")


def finding(verdict: Response, pixel_id: str) -> CheckResult:
    """What the verdict on a request without an event says of token and pixel."""
    is_for_no_event = verdict.outcome is ResponseOutcome.REJECTED and verdict.code == PARAMETER
    if verdict.outcome is ResponseOutcome.ACCEPTED or is_for_no_event:
        return CheckResult(NAME, True, f"takes the token for pixel {pixel_id} (no event was sent)")
    says = f"{verdict.summary}{_numbers(verdict)}"
    if _is_away(verdict):
        return CheckResult(NAME, False, f"Meta is unavailable: {says}", TRY_AGAIN)
    return CheckResult(NAME, False, says, _what_to_do(verdict))


def _is_away(verdict: Response) -> bool:
    """Whether whoever answered is not well itself: it says nothing of what we sent."""
    status = verdict.http_status
    if verdict.outcome is not ResponseOutcome.TRANSIENT or status is None or verdict == no_tunnel(status):
        return False
    return verdict.code is not None or status >= 500


def _numbers(verdict: Response) -> str:
    subcode = f"/{verdict.subcode}" if verdict.subcode is not None else ""
    told = {
        "code": f"{verdict.code}{subcode}" if verdict.code is not None else None,
        "HTTP": verdict.http_status,
        "trace": verdict.fbtrace_id,
    }
    written = ", ".join(f"{name} {value}" for name, value in told.items() if value is not None)
    return f" ({written})" if written else ""


def _what_to_do(verdict: Response) -> str:
    if verdict.outcome in (ResponseOutcome.THROTTLED, ResponseOutcome.BLOCKED):
        wait = f"{verdict.wait_s:.0f} seconds" if verdict.wait_s else "some minutes"
        return f"try again in {wait}: whether token and pixel are taken is not known yet"
    if verdict.outcome in (ResponseOutcome.REJECTED, ResponseOutcome.TOO_LARGE):
        return "the event is the same for everybody: please report it, with the trace"
    if verdict.outcome is not ResponseOutcome.MISCONFIGURED:
        return "check the network, CAPI_GRAPH_URL, CAPI_PROXY and CAPI_CA_FILE, or try again"
    if verdict.code in REFUSED_TOKEN:
        return MAKE_ANOTHER
    if verdict.code in DEAD_VERSION:
        return "set CAPI_GRAPH_VERSION to a version that lives"
    if verdict.code is None:
        return "check CAPI_GRAPH_URL and CAPI_PROXY: this is not how Meta refuses"
    if (verdict.code, verdict.subcode) == WRONG_PIXEL:
        return RIGHT_PIXEL
    return f"{RIGHT_PIXEL}; or {MAKE_ANOTHER}"
