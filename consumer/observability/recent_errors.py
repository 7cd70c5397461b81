"""
The last answers of Meta's that were no acceptance: what no metric can hold, a trace id and a time.

One entry for each kind, code and subcode, the latest first, and a bounded
number of them. The sentences are ours: nothing of Meta's text is kept, and
nothing of an event.
"""

from __future__ import annotations

from dataclasses import dataclass

from consumer.meta.response import Response, ResponseOutcome

# Meta has about forty codes that matter here; a person reads the first few.
KEPT_MAX = 24


@dataclass(slots=True)
class ErrorResponse:
    """Answers of one kind, code and subcode. `at_s` (unix seconds) and the trace id are the last one's."""

    kind: ResponseOutcome
    code: int | None
    subcode: int | None
    says: str
    answers: int = 0
    at_s: float = 0.0
    fbtrace_id: str | None = None


class RecentErrors:
    """Written by the event loop at each answer, read by the page in the same thread."""

    def __init__(self) -> None:
        self._by_code: dict[tuple[ResponseOutcome, int | None, int | None, str], ErrorResponse] = {}

    def record_error(self, verdict: Response, now_s: float) -> None:
        """Remember an answer, unless it was an acceptance. The one that was heard longest ago gives way."""
        if verdict.outcome is ResponseOutcome.ACCEPTED:
            return
        key = (verdict.outcome, verdict.code, verdict.subcode, verdict.summary)
        known = self._by_code.pop(key, None) or ErrorResponse(*key)
        known.answers += 1
        known.at_s = now_s
        known.fbtrace_id = verdict.fbtrace_id
        self._by_code[key] = known
        if len(self._by_code) > KEPT_MAX:
            del self._by_code[next(iter(self._by_code))]

    def latest(self) -> list[ErrorResponse]:
        """Those that are remembered, the latest first."""
        return list(reversed(self._by_code.values()))
