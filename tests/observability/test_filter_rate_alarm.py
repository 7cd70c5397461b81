"""The filter alarm is said once, shown as a gauge, and said again when it comes again."""

from __future__ import annotations

from structlog.testing import capture_logs

from consumer.domain.decision import FILTERED_REASONS, Reason
from consumer.observability.filter_alarm import FilterRateAlarm

NO_CONSENT = Reason.NO_CONSENT


def test_it_is_said_once_and_again_when_it_comes_again() -> None:
    watch = FilterRateAlarm()
    with capture_logs() as lines:
        watch.record_decisions([NO_CONSENT] * 501)
        watch.record_decisions([NO_CONSENT] * 10_000)
        watch.record_decisions([None] * 1_000)
        watch.record_decisions([NO_CONSENT] * 501)
    assert [(line["log_level"], line["reason"]) for line in lines] == [
        ("warning", "no_consent"),
        ("info", "no_consent"),
        ("warning", "no_consent"),
    ]
    assert (lines[0]["filtered"], lines[0]["of_last"]) == (501, 1_000)


def test_the_gauge_has_every_reason_from_the_start() -> None:
    watch = FilterRateAlarm()
    assert watch.gauge() == {(reason.value,): 0.0 for reason in FILTERED_REASONS}
    watch.record_decisions([Reason.TOMBSTONE] * 501)
    assert {reason for (reason,), is_on in watch.gauge().items() if is_on} == {"tombstone"}
