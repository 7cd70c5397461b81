"""What Meta refused last: by code, the latest first, a bounded number."""

from __future__ import annotations

from consumer.meta.response import Response, ResponseOutcome
from consumer.observability.telemetry import KEPT_MAX, ErrorResponse, RecentErrors

BAD = Response(
    ResponseOutcome.REJECTED, 400, 100, 2804003, "trace-1", summary="the event is older than Meta takes"
)
TOKEN = Response(
    ResponseOutcome.MISCONFIGURED, 400, 190, None, "trace-2", summary="the access token is refused"
)


def test_an_acceptance_is_no_refusal() -> None:
    refusals = RecentErrors()
    refusals.record_error(Response(ResponseOutcome.ACCEPTED, 200, fbtrace_id="t"), 1.0)
    assert refusals.latest() == []


def test_answers_of_one_code_are_one_entry_with_the_last_trace_id() -> None:
    refusals = RecentErrors()
    refusals.record_error(BAD, 1.0)
    refusals.record_error(BAD._replace(fbtrace_id="trace-3"), 5.0)
    assert refusals.latest() == [
        ErrorResponse(ResponseOutcome.REJECTED, 100, 2804003, BAD.summary, 2, 5.0, "trace-3")
    ]


def test_an_answer_without_trace_id_has_not_the_one_of_an_answer_before() -> None:
    refusals = RecentErrors()
    refusals.record_error(BAD, 1.0)
    refusals.record_error(BAD._replace(fbtrace_id=None), 2.0)
    assert refusals.latest() == [
        ErrorResponse(ResponseOutcome.REJECTED, 100, 2804003, BAD.summary, 2, 2.0, None)
    ]


def test_the_latest_stands_first() -> None:
    refusals = RecentErrors()
    for verdict, at_s in ((BAD, 1.0), (TOKEN, 2.0), (BAD, 3.0)):
        refusals.record_error(verdict, at_s)
    assert [refusal.code for refusal in refusals.latest()] == [100, 190]


def test_what_was_heard_longest_ago_gives_way() -> None:
    refusals = RecentErrors()
    for code in range(KEPT_MAX + 5):
        refusals.record_error(BAD._replace(code=code), float(code))
    assert [refusal.code for refusal in refusals.latest()] == list(range(KEPT_MAX + 4, 4, -1))


def test_nothing_of_metas_own_text_is_kept() -> None:
    refusals = RecentErrors()
    refusals.record_error(BAD._replace(title="Jane, this is yours"), 1.0)
    assert "Jane" not in repr(refusals.latest())
