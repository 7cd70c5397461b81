"""When most records are filtered for one reason."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.domain.decision import FILTERED_REASONS, INVALID_REASONS, Reason
from consumer.observability.filter_alarm import FilterRate

SENT = None
NO_CONSENT, TOO_OLD = Reason.NO_CONSENT, Reason.EVENT_TOO_OLD

STEPS: list[tuple[str, list[Reason | None], bool]] = [
    # records that come, and: is it on
    ("exactly half of a thousand is not over half", [SENT] * 500 + [NO_CONSENT] * 500, False),
    ("one more", [NO_CONSENT], True),
    ("back at half: not said twice", [SENT], True),
    ("401 are left", [SENT] * 598 + [NO_CONSENT] * 401, True),
    ("400 are left", [SENT] * 600 + [NO_CONSENT] * 400, False),
    ("half again", [SENT] * 500 + [NO_CONSENT] * 500, False),
    ("all of them", [NO_CONSENT] * 1_000, True),
]


def test_it_comes_on_over_half_and_goes_off_at_four_tenths() -> None:
    alarm = FilterRate()
    for says, records, is_on in STEPS:
        alarm.update(records)
        assert alarm.on == ({NO_CONSENT} if is_on else set()), says


def test_few_records_say_nothing() -> None:
    alarm = FilterRate()
    alarm.update([NO_CONSENT] * 500)
    assert alarm.on == set()
    alarm.update([NO_CONSENT])
    assert alarm.on == {NO_CONSENT}


@pytest.mark.parametrize("reason", sorted(FILTERED_REASONS))
def test_each_reason_of_a_filter_counts_by_itself(reason: Any) -> None:
    alarm = FilterRate()
    alarm.update([reason] * 501)
    assert alarm.on == {reason}
    assert alarm.count(reason) == 501


def test_two_reasons_that_are_most_together_are_none_alone() -> None:
    alarm = FilterRate()
    alarm.update([NO_CONSENT, TOO_OLD] * 2_000)
    assert alarm.on == set()


@pytest.mark.parametrize("reason", sorted(INVALID_REASONS))
def test_dead_letters_are_the_brake_s_business(reason: Any) -> None:
    alarm = FilterRate()
    alarm.update([reason] * 1_000)
    assert alarm.on == set()
