"""Mapping, domain and meta are pure: what they compute depends on their arguments alone."""

from __future__ import annotations

import ast
import sys

import pytest
from support.package_tree import imported_names, trees

PURE_PACKAGES = ("consumer.domain", "consumer.mapping", "consumer.meta")
# Pure modules of other packages: they are given the time and the randomness that they need.
PURE_MODULES = (
    "consumer.delivery.batcher",
    "consumer.delivery.delay_queue",
    "consumer.delivery.poison_detection",
    "consumer.dead_letters.headers",
    "consumer.kafka.backpressure",
    "consumer.kafka.offset_tracker",
    "consumer.observability.filter_alarm",
)
# Modules that read time, randomness, the environment, files or the network, or that start threads.
IMPURE = {
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
    "tempfile",
    "threading",
    "time",
    "urllib.request",
    "uuid",
}
CLOCKS = {"now", "today", "utcnow"}
LIBRARIES = {"babel", "orjson", "phonenumbers", "pycountry"}

# What the mapping remembers from one batch to the next. It is never a customer's, and it is bounded: it has
# no arguments, or a region, or at most three digits that may be a calling code.
CACHED = {
    "_alpha_3",
    "_codes",
    "_names",
    "_other_names",
    "_plans",
    "country_codes",
    "plan",
}


def is_pure(module: str) -> bool:
    return module.startswith(PURE_PACKAGES) or module in PURE_MODULES


PURE = sorted(filter(is_pure, trees()))


def imported_by(module: str) -> set[str]:
    """Full names and their modules, without imports for type checking."""
    names: set[str] = set()
    tree = trees()[module]
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) not in for_types:
            names |= {name for name, _ in imported_names(node)}
    return names | {name.rpartition(".")[0] for name in names}


def test_each_pure_module_exists() -> None:
    assert set(PURE_MODULES) <= set(trees())
    assert len(PURE) > 25


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_reads_no_clock_no_environment_and_no_file(module: str) -> None:
    assert not imported_by(module) & IMPURE
    called = [node.func for node in ast.walk(trees()[module]) if isinstance(node, ast.Call)]
    assert not {func.attr for func in called if isinstance(func, ast.Attribute)} & CLOCKS
    assert not {func.id for func in called if isinstance(func, ast.Name)} & {"open", "print", "input"}


@pytest.mark.parametrize("module", [module for module in PURE if module.startswith(PURE_PACKAGES)])
def test_a_pure_package_needs_the_standard_library_and_four_others(module: str) -> None:
    tops = {name.split(".")[0] for name in imported_by(module)} - {""}
    assert tops <= LIBRARIES | set(sys.stdlib_module_names) | {"consumer"}


def test_the_mapping_caches_nothing_of_a_customer() -> None:
    """The name of a parameter may hold an address, and a cache would keep it longer than its batch."""
    functions = [
        node
        for module in PURE
        for node in ast.walk(trees()[module])
        if isinstance(node, ast.FunctionDef)
        and {"cache", "lru_cache"} & set(map(ast.unparse, node.decorator_list))
    ]
    assert {function.name for function in functions} == CACHED
    uses = [
        node for module in PURE for node in ast.walk(trees()[module]) if getattr(node, "id", "") == "cache"
    ]
    assert len(uses) == len(functions)


def test_only_one_module_hashes() -> None:
    assert [module for module in PURE if "hashlib" in imported_by(module)] == [
        "consumer.mapping.normalize.hashing"
    ]
