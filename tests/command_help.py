"""What `capi-consumer VERBS --help` says, asked once for each of them in a run."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from pathlib import Path

COMMAND = Path(sys.executable).parent / "capi-consumer"


@functools.cache
def help_of(*verbs: str) -> str:
    """The text; fails when there is no such command."""
    shown = subprocess.run([COMMAND, *verbs, "--help"], capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


def must_exist(line: str) -> None:
    """Fails when a command line of a page has a command or an option that is not there."""
    words = line.split()[1:]
    verbs = [word for word in words[:2] if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")]
    for option in (word for word in words if word.startswith("--")):
        assert re.search(rf"{option}\b", help_of(*verbs)), option
    assert help_of(*verbs)
