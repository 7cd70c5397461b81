"""Imports point one way, and the core knows nothing of the world."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "consumer"

# What a pure function may not ask: the time, chance, the environment, the network, a thread.
WORLD = {
    "asyncio",
    "io",
    "logging",
    "os",
    "pathlib",
    "queue",
    "random",
    "secrets",
    "select",
    "shutil",
    "signal",
    "socket",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib.request",
    "uuid",
}
LIBRARIES_OF_THE_CORE = {"orjson", "babel", "phonenumbers", "pycountry"}
CLOCKS = {"now", "today", "utcnow"}

# What the core remembers from one batch to the next. It is the world's, never a customer's, and there is
# an end to it: no arguments, a region, or the three digits at most that may be a calling code.
REMEMBERED = {
    "consumer.mapping.normalize.places._alpha_3",
    "consumer.mapping.normalize.places._names",
    "consumer.mapping.normalize.places._other_names",
    "consumer.mapping.normalize.places.codes",
    "consumer.mapping.numbers._codes",
    "consumer.mapping.normalize.phones._plans",
    "consumer.mapping.normalize.phones.plan",
}

# What talks to the world, each by itself: none knows another.
ADAPTERS = {
    "consumer.kafka.consumer",
    "consumer.delivery.meta_client",
    "consumer.dead_letters.writer",
    "consumer.observability.health",
}
# What they are made of, or what is handed over: these know no adapter at all.
PARTS = {
    "consumer.kafka.assignment",
    "consumer.kafka.committer",
    "consumer.runtime.loop_bridge",
    "consumer.kafka.assignment",
    "consumer.runtime.process_poll",
}


def module_of(file: Any) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_for_types_only(node: Any) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports_of(tree: Any) -> Iterator[Any]:
    """Full names of what a module imports when it runs, `from a import b` as `a` and `a.b`."""
    for node in ast.iter_child_nodes(tree):
        if is_for_types_only(node):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imports_of(node)


TREES = {module_of(file): ast.parse(file.read_text(encoding="utf-8")) for file in PACKAGE.rglob("*.py")}
IMPORTS = {module: set(imports_of(tree)) for module, tree in TREES.items()}
CORE = sorted(module for module in TREES if module.startswith("consumer.core"))


def test_what_is_looked_at_is_there() -> None:
    assert len(CORE) > 30
    assert set(TREES) >= ADAPTERS | PARTS


@pytest.mark.parametrize("module", CORE)
def test_the_core_asks_nothing_of_the_world(module: Any) -> None:
    assert not IMPORTS[module] & WORLD
    called = {node.func for node in ast.walk(TREES[module]) if isinstance(node, ast.Call)}
    assert not {f.attr for f in called if isinstance(f, ast.Attribute)} & CLOCKS
    assert not {f.id for f in called if isinstance(f, ast.Name)} & {"open", "print", "input"}


@pytest.mark.parametrize("module", CORE)
def test_the_core_imports_itself_the_standard_library_and_four_libraries(module: Any) -> None:
    tops = {name.split(".")[0] for name in IMPORTS[module]}
    assert tops <= LIBRARIES_OF_THE_CORE | set(sys.stdlib_module_names) | {"consumer"}
    ours = {name for name in IMPORTS[module] if name.startswith("consumer.")}
    assert all(name.startswith("consumer.core") for name in ours)


def test_the_core_remembers_nothing_of_a_record() -> None:
    """An address may stand in the name of a parameter: what is remembered would outlive its batch."""
    from_functools = {name for module in CORE for name in IMPORTS[module] if name.startswith("functools")}
    assert from_functools == {"functools", "functools.cache"}
    functions = [
        (module, node) for module in CORE for node in ast.walk(TREES[module]) if hasattr(node, "name")
    ]
    remembered = {
        f"{module}.{node.name}"
        for module, node in functions
        if isinstance(node, ast.FunctionDef) and "cache" in map(ast.unparse, node.decorator_list)
    }
    assert remembered == REMEMBERED
    named = [
        node for module in CORE for node in ast.walk(TREES[module]) if getattr(node, "id", "") == "cache"
    ]
    assert len(named) == len(REMEMBERED)  # it stands before these functions and nowhere else


def test_only_hashing_hashes() -> None:
    assert [module for module in CORE if "hashlib" in IMPORTS[module]] == [
        "consumer.mapping.normalize.hashing"
    ]


def test_no_two_modules_import_each_other_by_any_way() -> None:
    graph = {module: {name for name in names if name in TREES} for module, names in IMPORTS.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(TREES)


@pytest.mark.parametrize("module", sorted(ADAPTERS | PARTS))
def test_no_adapter_knows_another(module: Any) -> None:
    assert not IMPORTS[module] & ADAPTERS


WORK = {
    "consumer.runtime.app",
    "consumer.diagnostics.check",
    "consumer.publish.command",
    "consumer.explain.command",
    "consumer.cli.replay",
    "consumer.cli.topics",
    "consumer.cli.dead_letters",
    "consumer.sandbox.command",
    "consumer.demo.command",
}
VERBS = {"run", "check", "publish", "explain", "replay", "topics", "dead_letters", "sandbox", "demo"}


def test_only_the_command_line_knows_every_verb() -> None:
    calls = {f"consumer.cli.commands.{verb}" for verb in VERBS}
    assert calls | {"consumer.cli.options", "consumer.cli.options"} == {
        module for module in TREES if module.startswith("consumer.cli.commands.")
    }
    assert {name for name in IMPORTS["consumer.cli.main"] if name in TREES} >= calls
    assert not [
        module for module, names in IMPORTS.items() if module != "consumer.cli.main" and names & calls
    ]


def test_a_command_is_called_in_one_place_and_does_its_work_in_another() -> None:
    """Its work is imported when it is called, and by nobody else but the demo, which runs a consumer."""
    importers = {(name, module) for module, names in IMPORTS.items() for name in names & WORK}
    assert {name for name, module in importers if module.startswith("consumer.cli.commands.")} == WORK
    others = {pair for pair in importers if not pair[1].startswith("consumer.cli.commands.")}
    assert others == {("consumer.runtime.app", "consumer.demo.environment")}
    at_once = {
        name
        for module, tree in TREES.items()
        if module.startswith("consumer.cli.commands.")
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in imports_of(ast.Module([node], []))
    }
    assert not at_once & WORK


def test_messages_become_records_in_one_place() -> None:
    """confluent-kafka's `headers()` raises on a name that is not UTF-8: only `as_record` knows."""
    asks = {
        module
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "headers"
    }
    assert asks == {"consumer.kafka.conversion"}


def test_the_sandbox_reads_metas_rules_for_itself() -> None:
    sandbox = {name for module in TREES if module.startswith("consumer.sandbox") for name in IMPORTS[module]}
    assert not {name for name in sandbox if name.startswith("consumer.core")}
