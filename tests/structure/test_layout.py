"""A reader who knows nothing finds things: few packages, few files, none of them long."""

from __future__ import annotations

import ast

from support.package_tree import PACKAGE, file_of, imports, trees

PACKAGES_MAX = 17
TOP_LEVEL_MODULES_MAX = 7
FILES_MAX = 150
LINES_MAX = 400


def test_there_are_few_packages_and_top_level_modules() -> None:
    packages = [path for path in PACKAGE.iterdir() if (path / "__init__.py").exists()]
    modules = [path for path in PACKAGE.glob("*.py") if path.name != "__init__.py"]
    assert len(packages) <= PACKAGES_MAX
    assert len(modules) <= TOP_LEVEL_MODULES_MAX


def test_there_are_few_files_and_none_is_long() -> None:
    files = list(PACKAGE.rglob("*.py"))
    assert len(files) <= FILES_MAX
    long = {str(f): n for f in files if (n := len(f.read_text(encoding="utf-8").splitlines())) > LINES_MAX}
    assert not long


def test_the_sandbox_reads_metas_rules_independently_of_the_mapping() -> None:
    """A wrong reading of Meta's documentation must be made twice to go unnoticed."""
    sandbox = {one.imported for one in imports() if one.importer.startswith("consumer.sandbox")}
    assert not {name for name in sandbox if name.startswith(("consumer.mapping", "consumer.meta"))}


def test_kafka_messages_become_records_in_one_module() -> None:
    """confluent-kafka's `headers()` raises on a name that isn't UTF-8; only `as_record` handles that."""
    callers = {
        file_of(module).as_posix()
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "headers"
    }
    assert callers == {"consumer/kafka/conversion.py"}


def test_telemetry_does_not_import_the_status_page() -> None:
    observability = {one.imported for one in imports() if one.importer.startswith("consumer.observability")}
    assert not {name for name in observability if name.startswith("consumer.status_page")}


def test_a_method_is_found_by_its_name() -> None:
    """A name that says little may be a method of one class only; grep would find too many."""
    classes = [node for tree in trees().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    for name in ("add", "answer", "begin", "take"):
        owners = [one.name for one in classes if name in {getattr(part, "name", "") for part in one.body}]
        assert len(owners) <= 1, (name, owners)
