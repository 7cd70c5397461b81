"""Waiting in tests, the one way there is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_S = 0.02


def eventually(predicate: Callable[[], T], deadline_s: float, saying: str = "", poll_s: float = POLL_S) -> T:
    """
    The first true value of `predicate`, asked every `poll_s` for `deadline_s` seconds.

    Raises AssertionError with `saying` and the last value when the time is over.
    """
    deadline = time.monotonic() + deadline_s
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {deadline_s} s: {saying or predicate}; last value {value!r}")
        time.sleep(poll_s)
