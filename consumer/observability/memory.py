"""How much memory does this process hold? What Linux says of it."""

from __future__ import annotations

import os
from pathlib import Path

STATM = Path("/proc/self/statm")


def resident_bytes() -> dict[tuple[str, ...], float]:
    """Resident bytes, as a reading of a gauge without attributes; nothing where the system does not say."""
    try:
        pages = int(STATM.read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return {}
    return {(): float(pages * os.sysconf("SC_PAGE_SIZE"))}
