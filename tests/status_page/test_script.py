"""What the page's script and document say of the process is so: they have no other way to know it."""

from __future__ import annotations

import re
from importlib.resources import files

from consumer.domain.state import State
from consumer.observability import filter_alarm
from consumer.status_page import history

STATIC = files("consumer.status_page") / "static"
SCRIPT = (STATIC / "page.js").read_text()


def test_the_plots_are_as_long_as_the_history() -> None:
    assert history.SPAN_S == 900
    assert "const SPAN_S = 900;" in SCRIPT
    assert "The last 15 minutes" in (STATIC / "page.html").read_text()


def test_each_state_has_a_colour() -> None:
    (kinds,) = re.findall(r"const KINDS = \{(.+)\};", SCRIPT)
    assert set(re.findall(r"(\w+): ", kinds)) == set(State)


def test_the_alarm_of_the_filters_says_when_it_is_raised() -> None:
    assert (filter_alarm.ON_ABOVE, filter_alarm.RECORDS) == (500, 1_000)
    assert "More than half of the last 1,000 records are filtered: " in SCRIPT
