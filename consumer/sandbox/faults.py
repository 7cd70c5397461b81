"""
How the sandbox misbehaves.

A behaviour is a few lasting settings and a queue of faults. Each request takes
the first fault that has any of its `times` left; when the queue is empty,
requests are answered as Meta answers them.

    {"latency_ms": 50, "faults": [
        {"kind": "error", "status": 400, "code": 4, "times": 3},
        {"kind": "drop", "processed": true}]}

A fault that is `processed` happens after the request took effect: its events
are accepted and written down, and only the sender does not learn it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class FaultKind(StrEnum):
    """What goes wrong with one request."""

    ERROR = "error"  # an error in Meta's JSON: status, code, subcode, is_transient
    HTML = "html"  # a proxy's page, or any `body`, under any status
    NOT_JSON = "not_json"  # 200 and no JSON
    UNAVAILABLE = "unavailable"  # 200 and "Service Unavailable" [Meta's source]
    PARTIAL = "partial"  # accepted, but `events_received` is another number, or missing when null
    DROP = "drop"  # the connection closes without an answer
    CUT = "cut"  # the connection closes in the middle of the answer
    LATE = "late"  # the right answer, after `latency_ms`


class Fault(BaseModel):
    """One kind of misbehaviour, for `times` requests; `times: null` is for ever."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: FaultKind
    times: int | None = Field(default=1, ge=0)
    processed: bool = False
    latency_ms: float | None = Field(default=None, ge=0)
    status: int | None = Field(default=None, ge=200, le=599)
    code: int = 1
    subcode: int | None = None
    is_transient: bool | None = None
    retry_after: str | int | None = None
    headers: dict[str, str] = {}
    body: str | None = None
    content_type: str | None = None
    events_received: int | None = Field(default=None, ge=0)

    @property
    def takes_effect(self) -> bool:
        """Whether the request's events are accepted all the same."""
        return self.processed or self.kind in (FaultKind.PARTIAL, FaultKind.LATE, FaultKind.CUT)


class Behavior(BaseModel):
    """Everything that can be changed while the sandbox runs."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    access_token: str = Field(min_length=1, repr=False)
    pixel_id: str = Field(min_length=1)
    latency_ms: float = Field(default=0, ge=0)
    headers: dict[str, str] = {}
    faults: tuple[Fault, ...] = ()


class InvalidBehavior(ValueError):
    """A behaviour that cannot be had; the message names the settings, never their values."""


def behaviour(words: Mapping[str, Any]) -> Behavior:
    """The behaviour that `words` describe; raises BadBehaviour with every mistake."""
    try:
        return Behavior.model_validate(dict(words))
    except ValidationError as error:
        mistakes = error.errors(include_input=False, include_url=False, include_context=False)
        raise InvalidBehavior("; ".join(f"{_place(one['loc'])}: {one['msg']}" for one in mistakes)) from None


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location))


def changed(now: Behavior, changes: Mapping[str, Any]) -> Behavior:
    """`now` with `changes`; raises BadBehaviour."""
    return behaviour({**now.model_dump(), **changes})


class FaultQueue:
    """Which fault the next request takes."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self._faults = list(faults)
        self._taken = 0  # how often the first one was

    def next_fault(self) -> Fault | None:
        """The first fault that has any of its times left, or None."""
        while self._faults:
            fault = self._faults[0]
            if fault.times is None or self._taken < fault.times:
                self._taken += 1
                return fault
            self._faults.pop(0)
            self._taken = 0
        return None
