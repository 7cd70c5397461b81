"""Imports point one way: each package may import only those to its left in ORDER."""

from __future__ import annotations

from support.package_tree import PACKAGE, Import, imports

# Names on one line of the same rank may not import each other.
ORDER = (
    ("domain", "meta", "errors", "console", "clock", "signals", "schemas_loader"),
    ("sandbox", "mapping"),
    ("event_files", "config"),
    ("messages",),
    ("observability",),
    ("kafka", "status_page"),
    ("dead_letters",),
    ("delivery",),
    ("publish", "diagnostics"),
    ("explain",),
    ("runtime",),
    ("demo",),
    ("cli",),
)
RANKS = {name: rank for rank, names in enumerate(ORDER) for name in names}


def part_of(module: str) -> str:
    """The package or top-level module that a module belongs to: `kafka` for `consumer.kafka.lag`."""
    return module.split(".")[1] if "." in module else ""


def is_upward(one: Import) -> bool:
    importer, imported = part_of(one.importer), part_of(one.imported)
    return importer != imported and bool(imported) and RANKS[imported] >= RANKS[importer]


def test_every_package_has_its_place_in_the_order() -> None:
    found = {
        path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert found - {"__init__"} == set(RANKS)


def test_imports_point_one_way() -> None:
    """Imports inside functions and those for type checking count too."""
    upward = [
        f"{one.file}:{one.line} imports {one.imported}: {part_of(one.importer)} may not import"
        f" {part_of(one.imported)}"
        for one in imports()
        if part_of(one.importer) and is_upward(one)
    ]
    assert not upward, "\n" + "\n".join(upward)
