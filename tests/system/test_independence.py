"""What judges the consumer shares no code with it, and what the tests need is named without an address."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SYSTEM = Path(__file__).parent
NAMES = (
    "certificates",
    "children",
    "events",
    "kafka_cluster",
    "kafka_jars",
    "kafka_node",
    "oracle",
    "ports",
    "processes",
    "load",
    "replays",
    "secured_kafka",
    "scenario",
    "token_issuer",
    "topics",
    "requirements",
)
MODULES = [*SYSTEM.glob("*.py"), *(SYSTEM.parent / "support" / f"{name}.py" for name in NAMES)]


def imported(path: Any) -> Iterator[Any]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def test_nothing_here_imports_the_package_under_test() -> None:
    assert len(MODULES) > 10
    assert [
        (path.name, name) for path in MODULES for name in imported(path) if name.split(".")[0] == "consumer"
    ] == []


def test_the_pom_names_no_address_but_its_own_form() -> None:
    pom = (SYSTEM.parent / "support" / "pom.xml").read_text()
    assert re.findall(r"\w+://[^\"<\s]+", pom) == ["http://maven.apache.org/POM/4.0.0"]
