"""The sandbox loads nothing of the mapping: it reads Meta's rules for itself."""

from __future__ import annotations

import subprocess
import sys


def test_the_sandbox_loads_none_of_the_consumers_code_but_its_errors() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, consumer.sandbox.command\n"
            "print(sorted(name for name in sys.modules if name.startswith('consumer.') "
            "and not name.startswith('consumer.sandbox')))",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert told.stdout.strip() == "['consumer.errors']"
