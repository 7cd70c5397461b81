"""
What to do when something a test needs cannot be had here.

Some tests need more than Python: a real broker, Helm, Prometheus, a browser. On a machine
without it they are skipped with the reason, and pytest counts them. Where they
must run, TESTS_REQUIRE names the kinds and a skip becomes a failure:

    TESTS_REQUIRE=kafka,chart,prometheus,browser make test
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from typing import Any, NoReturn

import pytest

VARIABLE = "TESTS_REQUIRE"
NEEDS = "needs "


def required_kinds() -> frozenset[str]:
    """The kinds of test that may not be skipped in this run."""
    return frozenset(kind.strip() for kind in os.environ.get(VARIABLE, "").split(",") if kind.strip())


def require(kind: str, reason: str) -> NoReturn:
    """Give up this test: skipped with the reason, or failed where `kind` is required."""
    if kind in required_kinds():
        pytest.fail(f"{VARIABLE} names {kind}, and it cannot be had: {reason}", pytrace=False)
    pytest.skip(f"{NEEDS}{kind}: {reason}")


def skipped_lines(skips: Iterable[Any]) -> list[str]:
    """One line a kind and reason, with the number of tests, from pytest's reports of skipped tests."""
    reasons = Counter(skip.longrepr[2].removeprefix("Skipped: ") for skip in skips)
    needs = ((reason, count) for reason, count in sorted(reasons.items()) if reason.startswith(NEEDS))
    return [f"{count} skipped: {reason}" for reason, count in needs]
