"""The clock of this machine, in the unit that Kafka and the core have."""

from __future__ import annotations

import time


def now_ms() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)  # time.time, as everywhere here: one clock, which a test may set
