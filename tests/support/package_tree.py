"""The modules of the package and what each of them imports, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "consumer"


class Import(NamedTuple):
    """An import of our own code: `importer` and `imported` are full module names."""

    importer: str
    imported: str
    file: str
    line: int


def module_of(file: Path) -> str:
    """`consumer.kafka.lag` for its file."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def trees() -> dict[str, ast.Module]:
    """Each module of the package, parsed."""
    return {module_of(file): ast.parse(file.read_text(encoding="utf-8")) for file in PACKAGE.rglob("*.py")}


def file_of(module: str) -> Path:
    """The file of a module, from the root of the repository."""
    path = ROOT.joinpath(*module.split("."))
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).relative_to(ROOT)


def imported_names(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Full names that an import statement brings in: `from a import b` gives `a.b`."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, node.lineno) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


@cache
def imports() -> tuple[Import, ...]:
    """Every import of one module of the package by another."""
    found = []
    for module, tree in trees().items():
        for node in ast.walk(tree):
            for name, line in imported_names(node):
                target = name if name in trees() else name.rpartition(".")[0]
                if target in trees() and target != module:
                    found.append(Import(module, target, file_of(module).as_posix(), line))
    return tuple(found)
