"""
Two rows of tests at once: those on a broker are one of them, the others go file by file.

    one worker      system . faults . prometheus . . . . . . .
    the other       file . file . file . file . file . file

Those on a broker begin first: they take longest.

A worker may end in the middle of a test (`overdue.py`), and xdist 3.8 loses its way then: it hands out again
what is done, and what ended the worker, and a worker that was handed nothing to do waits for ever. So here
what is done is done, the test that ended a worker is not tried again, and each worker has two tests at hand
as long as there are any: it begins with one only when it knows the next.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

# Where tests share a broker, or have some of their own.
ON_KAFKA = ("system/", "faults/", "benchmarking/test_short_run.py", "prometheus/test_a_run.py")
AT_HAND = 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The row of those on a broker comes first."""
    items.sort(key=lambda item: not _is_on_kafka(item.nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TwoRows:
    """How the tests are shared out."""
    return TwoRows(config, log)


def _is_on_kafka(nodeid: str) -> bool:
    return nodeid.removeprefix("tests/").startswith(ON_KAFKA)


class TwoRows(LoadScopeScheduling):
    """Hands out one row as a whole, and of the other a file at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return "kafka" if _is_on_kafka(nodeid) else nodeid.partition("::")[0]

    def remove_node(self, node: WorkerController) -> str | None:
        """A worker has ended: the test that it was at, if any. What it has left is for the others."""
        ended_at = None
        for scope, tests in self.assigned_work.pop(node).items():
            left = [test for test, is_done in tests.items() if not is_done]
            if left and ended_at is None:
                ended_at = left.pop(0)
                tests[ended_at] = True
            if left:
                self.workqueue[scope] = tests
        for other in self.assigned_work:
            self._reschedule(other)
        return ended_at

    def _reschedule(self, node: WorkerController) -> None:
        if node not in self.registered_collections:  # it does not know the tests yet, and is asked again then
            return
        super()._reschedule(node)
        while self.workqueue and not node.shutting_down and self._at_hand(node) < AT_HAND:
            self._assign_work_unit(node)

    def _at_hand(self, node: WorkerController) -> int:
        return self._pending_of(self.assigned_work[node])
