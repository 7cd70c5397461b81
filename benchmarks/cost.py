"""What a process has cost so far, as Linux counts it: processor time of all its threads, and peak memory."""

from __future__ import annotations

import os
import re
from pathlib import Path

TICKS_S = os.sysconf("SC_CLK_TCK")


def processor_s(pid: int) -> float:
    """Seconds of any core, user and system. Of a process that has ended too, until it is reaped."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_S


def peak_mb(pid: int) -> float:
    """The most that was ever resident (VmHWM), in megabytes."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024 / 1e6


def wait_for_end(pid: int) -> None:
    """Wait until a child has ended, and leave it to be asked what it cost."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
