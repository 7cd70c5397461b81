"""Prometheus and its tool, as Debian's package `prometheus` has them; without them the test is given up."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from support.requirements import require

CHECK_S_MAX = 60.0


def program(name: str) -> str:
    """The path of `prometheus` or `promtool`."""
    return shutil.which(name) or require("prometheus", f"there is no {name} on PATH")


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The tool, run to its end."""
    command = [program("promtool"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=CHECK_S_MAX, check=False)
