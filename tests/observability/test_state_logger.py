"""Each change of state is one line, with how long Meta asks us to wait where it does."""

from __future__ import annotations

from typing import Any

from structlog.testing import capture_logs

from consumer.domain.state import State
from consumer.observability.periodic_logs import StateLogger


def told(*states: Any, throttled_s: float = 0.0) -> list[Any]:
    """The lines of a teller that sees these states, one at each look."""
    seen = iter(states)
    teller = StateLogger(lambda: next(seen), lambda: throttled_s)
    with capture_logs() as lines:
        for _ in states:
            teller.poll()
    return lines


def test_a_state_that_stays_is_said_once() -> None:
    assert told(State.STARTING, State.STARTING, State.RUNNING, State.RUNNING) == [
        {"event": "state", "state": "running", "before": "starting", "wait_s": None, "log_level": "info"}
    ]


def test_what_wants_somebody_is_an_error_and_its_end_is_not() -> None:
    lines = told(State.RUNNING, State.MISCONFIGURED, State.RUNNING, State.PAUSED)
    assert [(line["state"], line["log_level"]) for line in lines] == [
        ("running", "info"),
        ("misconfigured", "error"),
        ("running", "info"),
        ("paused", "error"),
    ]


def test_while_meta_asks_for_patience_it_is_said_for_how_long() -> None:
    (line,) = told(State.THROTTLED, throttled_s=61.7)
    assert (line["state"], line["wait_s"]) == ("throttled", 62)
