"""
The last answers of Meta's that were no acceptance: what no metric can hold, a trace id and a time.

One entry for each kind, code and subcode, the latest first, and a bounded
number of them. The sentences are ours: nothing of Meta's text is kept, and
nothing of an event.
"""

from __future__ import annotations

from dataclasses import dataclass

from consumer.meta.response import Kind, Verdict

# Meta has about forty codes that matter here; a person reads the first few.
KEPT_MAX = 24


@dataclass(slots=True)
class Refusal:
    """Answers of one kind, code and subcode. `at_s` (unix seconds) and the trace id are the last one's."""

    kind: Kind
    code: int | None
    subcode: int | None
    says: str
    answers: int = 0
    at_s: float = 0.0
    fbtrace_id: str | None = None


class Refusals:
    """Written by the event loop at each answer, read by the page in the same thread."""

    def __init__(self) -> None:
        self._by_code: dict[tuple[Kind, int | None, int | None, str], Refusal] = {}

    def hear(self, verdict: Verdict, now_s: float) -> None:
        """Remember an answer, unless it was an acceptance. The one that was heard longest ago gives way."""
        if verdict.kind is Kind.ACCEPTED:
            return
        key = (verdict.kind, verdict.code, verdict.subcode, verdict.says)
        known = self._by_code.pop(key, None) or Refusal(*key)
        known.answers += 1
        known.at_s = now_s
        known.fbtrace_id = verdict.fbtrace_id
        self._by_code[key] = known
        if len(self._by_code) > KEPT_MAX:
            del self._by_code[next(iter(self._by_code))]

    def latest(self) -> list[Refusal]:
        """Those that are remembered, the latest first."""
        return list(reversed(self._by_code.values()))
