"""The sandbox is a second reading of Meta's rules: it shares nothing with the first."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import consumer.sandbox

MODULES = sorted(Path(consumer.sandbox.__file__).parent.glob("*.py"))


def imported(source: Any) -> set[str]:
    """Every module that Python text imports, `from a import b` as a and a.b."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def of_the_core(source: Any) -> set[Any]:
    return {name for name in imported(source) if name == "consumer.core" or name.startswith("consumer.core.")}


def test_an_import_of_the_core_is_found_in_every_form() -> None:
    for planted in (
        "import consumer.core.hashing",
        "from consumer import core",
        "from consumer.core import consent",
        "def f():\n    from consumer.core.decision import Reason",
    ):
        assert of_the_core(planted), planted


def test_no_module_of_the_sandbox_imports_the_core() -> None:
    assert len(MODULES) > 10
    assert {path.name: names for path in MODULES if (names := of_the_core(path.read_text()))} == {}


def test_nothing_of_the_core_is_loaded_with_the_sandbox() -> None:
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
