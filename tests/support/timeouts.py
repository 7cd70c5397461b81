"""
A test that is past its time ends, also where nothing of Python can end it.

    its time                pytest-timeout raises an exception in the main thread: the test fails
    GRACE_S after that      the main thread has heard nothing, it is somewhere in C: the stacks of all threads
                            are printed, and the process ends; xdist names the test and starts another one

The line of the summary says where the first kind stood: of a long run often nothing else is kept.

Closing a Consumer, for example, may wait for ever, and lets Python handle no signal meanwhile. What the
process has started ends with it (`system/children.py`).

A failure puts an end to both clocks. Whatever takes the test down begins with a new one.
"""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

GRACE_S = 30.0
CALLS_SHOWN = 8
RUNNERS = {"_pytest", "pluggy", "pytest_timeout.py"}  # whose calls are in every traceback

_TIMEOUT_S = pytest.StashKey[float]()
_STDERR = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """The stream as it is before tests are captured."""
    assert sys.__stderr__ is not None
    config.stash[_STDERR] = os.dup(sys.__stderr__.fileno())


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> None:
    """Its time, be it the test's own or everybody's. None of our business beyond that."""
    item.stash[_TIMEOUT_S] = settings.timeout


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Setup, call and teardown together. pytest-timeout's own wrapper comes first, and tells the time."""
    _begin(item)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """What the summary says of a test that is past its time: the innermost calls too, the innermost first."""
    report: Any = yield
    crash = getattr(report.longrepr, "reprcrash", None)
    if call.excinfo and crash and "from pytest-timeout" in crash.message:
        calls = [
            one for one in reversed(call.excinfo.traceback) if not RUNNERS.intersection(Path(one.path).parts)
        ]
        stood = [f"{Path(one.path).name}:{one.lineno + 1} {one.name}" for one in calls]
        crash.message += " It stood at " + ", ".join(stood[:CALLS_SHOWN])
    return report


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> None:
    """After a failure, when pytest has cancelled every clock."""
    if isinstance(node, pytest.Item):
        _begin(node)


def _begin(item: pytest.Item) -> None:
    if timeout_s := item.stash.get(_TIMEOUT_S, None):
        faulthandler.dump_traceback_later(timeout_s + GRACE_S, exit=True, file=item.config.stash[_STDERR])
