"""
How a sandbox starts, and its limits.

What a sandbox knows and takes where nobody says otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from consumer.sandbox.faults import Behavior, behaviour

PIXEL_ID = "1234567890"
ACCESS_TOKEN = "sandbox-token"  # noqa: S105 - no secret, it opens nothing
BODY_BYTES_MAX = 8 * 1024 * 1024  # twice what the consumer sends at most; Meta's limit is unknown


ACCEPTED_KEPT_MAX = 20_000
IDS_KEPT_MAX = 200_000  # about 80 MB


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """
    What a sandbox is told at its start.

    Port 0 is a free one. `behave` is what the behaviour starts with, as
    `Sandbox.behave` takes it. `strict` adds what this project promises to what Meta
    asks for. `fast` answers without looking: it checks nothing, counts events
    by their bytes, and writes no accepted file but, when asked, `answers_file`. `now` gives unix seconds. The
    `..._kept_max` bound what stays in memory: whole accepted events, raw
    bodies, ids by which repeats are known. ValueError when they do not fit.
    """

    host: str = "127.0.0.1"
    port: int = 0
    pixel_id: str = PIXEL_ID
    access_token: str = field(default=ACCESS_TOKEN, repr=False)
    accepted_file: Path | None = None
    answers_file: Path | None = None
    latency_ms: float = 0
    behave: Mapping[str, object] = field(default_factory=dict, repr=False)
    fast: bool = False
    strict: bool = True
    body_bytes_max: int = BODY_BYTES_MAX
    accepted_kept_max: int = ACCEPTED_KEPT_MAX
    bodies_kept_max: int = 0
    ids_kept_max: int = IDS_KEPT_MAX
    now: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        if self.fast and self.accepted_file is not None:
            raise ValueError("fast mode reads no events, so it cannot write an accepted file")
        if self.answers_file is not None and not self.fast:
            raise ValueError("an answers file is what fast mode writes; otherwise there is the accepted file")
        self.first_behaviour()

    def first_behaviour(self) -> Behavior:
        """The behaviour at the start and after a reset; raises BadBehaviour."""
        words = {
            "access_token": self.access_token,
            "pixel_id": self.pixel_id,
            "latency_ms": self.latency_ms,
        }
        return behaviour({**words, **self.behave})
