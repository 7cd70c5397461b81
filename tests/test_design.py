"""docs/design.md speaks of code that is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "consumer"


def names_of(file: Any) -> set[str]:
    """Functions, classes and methods of a module: `f`, `C`, `C.m`."""
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = (m for m in node.body if isinstance(m, ast.FunctionDef | ast.AsyncFunctionDef))
            found |= {f"{node.name}.{method.name}" for method in methods}
    return found


def every_name() -> set[Any]:
    return {name for file in PACKAGE.rglob("*.py") for name in names_of(file)}


@pytest.mark.parametrize("step", sorted(set(re.findall(r"`(consumer/[\w/]+\.py::[\w.]+)`", DESIGN))))
def test_each_step_of_a_records_path_exists(step: Any) -> None:
    file, name = step.split("::")
    assert name in names_of(ROOT / file)


def test_the_path_of_a_record_has_its_steps() -> None:
    assert len(re.findall(r"`consumer/[\w/]+\.py::", DESIGN)) >= 15


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([A-Z]\w+\.\w+)`", DESIGN))))
def test_each_method_that_is_spoken_of_exists(name: Any) -> None:
    assert name in every_name()


def first_sentence(file: Any) -> str:
    """How a module's docstring begins: its job."""
    return " ".join(ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))).split("\n\n")[0].split())


def test_the_file_map_names_every_file_once_by_its_first_sentence() -> None:
    mapped = re.findall(r"^\| `(consumer/[\w/]+\.py)` \| (.*) \|$", DESIGN, re.MULTILINE)
    files = {file.relative_to(ROOT).as_posix(): first_sentence(file) for file in PACKAGE.rglob("*.py")}
    del files["consumer/__init__.py"]
    assert sorted(name for name, _ in mapped) == sorted(files)
    assert {name: says for name, says in mapped if says != files[name]} == {}
