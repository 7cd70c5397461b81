"""Our clock beside Meta's Date header."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.diagnostics.meta_probe import ServerTime, clock_finding

DATE = "Thu, 01 Jan 2026 00:00:10 GMT"
AT_MS = 1_767_225_610_500  # half a second later

SKEWS = [
    (0, True, "as Meta's (its Date header)"),
    (1, True, "as Meta's (its Date header)"),
    (-3, True, "3 seconds behind Meta's (its Date header)"),
    (10, True, "10 seconds ahead of Meta's (its Date header)"),
    (11, None, "11 seconds ahead of Meta's (its Date header)"),
    (-300, None, "300 seconds behind Meta's (its Date header)"),
    (301, False, "301 seconds ahead of Meta's (its Date header)"),
]


@pytest.mark.parametrize(("ahead_s", "ok", "says"), SKEWS)
def test_a_clock_that_is_minutes_off_is_not_well_and_one_some_seconds_off_a_warning(
    ahead_s: Any, ok: Any, says: Any
) -> None:
    at_ms = AT_MS + 1000 * ahead_s
    found = clock_finding(ServerTime(DATE, at_ms - 400, at_ms + 400))
    assert (found.ok, found.message) == (ok, says)
    assert bool(found.remedy) == (ok is not True)


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Jan 2026 00:00:10 GMT"])
def test_without_a_date_the_skew_is_not_known(date: str) -> None:
    found = clock_finding(ServerTime(date, AT_MS, AT_MS))
    assert (found.ok, found.remedy) == (None, "")
