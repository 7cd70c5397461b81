"""
How each command of a page is held to the truth, by the program that it begins with.

    FAMILIES         program -> what finds its mistakes, and which tests do what it does
    unknown_in(words)  what of a command is not so

A program that has no row is unknown as a whole, so a page shows no command that is
not looked at. A row without tests is only read: its names and options are looked
up, and nothing here runs it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from chart_commands import of_helm, of_kubectl
from click.core import ParameterSource
from deploy.compose import services
from faults.__main__ import chosen as faults_chosen
from shown_commands import commands
from typer.main import get_command

import consumer
from benchmarks.__main__ import chosen as benchmarks_chosen
from consumer.cli import app
from consumer.load_settings import known_names

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
SESSIONS = "tests/test_sessions.py::test_a_session_runs_as_it_stands"


class Family(NamedTuple):
    mistakes: Callable[[list[str]], list[str]]
    tests: tuple[str, ...] = ()


def unknown_in(words: Sequence[str]) -> list[str]:
    """What of a command is not known, or not so."""
    first, *rest = words
    if name := re.fullmatch(r"([A-Z_]+)=.*", first, re.DOTALL):
        return [*_unknown_settings([name[1]]), *(unknown_in(rest) if rest else [])]
    program = Path(first).name
    if first.startswith(".venv/bin/") and not (BIN / program).exists():
        return [first]
    family = FAMILIES.get(program)
    return family.mistakes(rest) if family else [first]


def _nothing(arguments: list[str]) -> list[str]:
    return []


# The program itself


class Call(NamedTuple):
    verb: str
    options: frozenset[str]


def call_of(arguments: Sequence[str]) -> Call:
    """Which command it is, and what was given to it. Raises what the program's own parser raises."""
    command = get_command(app)
    context = command.make_context("capi-consumer", list(arguments))
    while hasattr(command, "resolve_command"):
        left = [*context._protected_args, *context.args]
        if not left:
            break
        name, command, left = command.resolve_command(context, left)
        context = command.make_context(name, left, parent=context)
    given = {
        name
        for name in context.params
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE and context.params[name]
    }
    return Call(context.command_path.removeprefix("capi-consumer").strip(), frozenset(given))


def _capi_consumer(arguments: list[str]) -> list[str]:
    """As the program's own parser reads it: what it says is wrong."""
    try:
        call_of(arguments)
    except SystemExit as ended:  # --help, --version
        return [] if not ended.code else [" ".join(arguments)]
    except Exception as wrong:
        if type(wrong).__name__ == "Exit" and wrong.exit_code == 0:
            return []
        return [f"{type(wrong).__name__}: {getattr(wrong, 'message', '')}"]
    return []


def _unknown_settings(names: list[str]) -> list[str]:
    return [name for name in names if name.startswith("CAPI_") and name not in known_names()]


def _export(arguments: list[str]) -> list[str]:
    return _unknown_settings([word.partition("=")[0] for word in arguments])


def _env(arguments: list[str]) -> list[str]:
    """`-u NAME` and `NAME=value` before the command."""
    names, rest = [], list(arguments)
    while rest and (rest[0] == "-u" or "=" in rest[0]):
        word = rest.pop(0)
        names.append(rest.pop(0) if word == "-u" else word.partition("=")[0])
    return [*_unknown_settings(names), *(unknown_in(rest) if rest else [])]


def _sh(arguments: list[str]) -> list[str]:
    return [what for words in commands(arguments[1]) for what in unknown_in(words)]


# What this repository makes

# Target -> what does in a test, or in continuous integration, what it does. Nothing: it is only read.
TARGETS = {
    "": (".ci/run",),
    "bench": (
        "tests/benchmarking/test_short_run.py::test_a_backlog_is_drained_and_the_oracle_has_nothing_against_it",
    ),
    "bench-docs": (
        "tests/benchmarking/test_results.py"
        "::test_the_pages_get_what_a_run_of_all_parts_found_between_their_markers",
    ),
    "bench-plot": (),  # some minutes
    "chart": ("tests/deploy/test_chart.py::test_schema_and_tables_say_what_the_settings_and_the_values_say",),
    "check": (".ci/run",),
    "coverage": (".ci/run",),
    "demo": ("tests/test_readme.py::test_the_demo_prints_what_the_readme_shows",),
    "docs": ("tests/test_generated_pages.py::test_they_are_as_they_would_be_written",),
    "faults": ("tests/faults/test_faults.py::test_the_bar_of_each_scenario_is_met",),
    "lint": (".ci/run",),
    "lock": (),  # needs uv, and an index of packages
    "mutants": (),  # some minutes, and a tool that is not among the locked requirements
    "system": (".ci/run",),
    "test": (".ci/run",),
    "types": (".ci/run",),
    "wheel": ("tests/deploy/test_dockerfile.py::test_the_build_stage_makes_a_command_that_runs_elsewhere",),
}
CHOSEN = {"benchmarks": benchmarks_chosen, "faults": faults_chosen}
IN_CI = ("check", "coverage", "lint", "test", "types")


def _make(arguments: list[str]) -> list[str]:
    """Targets and variables that are not there, and what make itself would run and is not there."""
    targets = [word for word in arguments if "=" not in word]
    variables = [word.partition("=")[0] for word in arguments if "=" in word]
    unknown = [target for target in targets if target not in TARGETS]
    unknown += [name for name in variables if f"$({name})" not in _makefile()]
    if unknown or not all(TARGETS[target] for target in targets):
        return unknown
    return [what for words in _would_run(tuple(arguments)) for what in unknown_in(words)]


@cache
def _makefile() -> str:
    return (ROOT / "Makefile").read_text(encoding="utf-8")


@cache
def _would_run(arguments: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The commands of `.venv/bin` that make says it would run."""
    done = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return [words for words in commands(done.stdout) if ".venv/bin/" in " ".join(words[:2])]


def _python(arguments: list[str]) -> list[str]:
    """`-m MODULE ARGUMENTS`, or a file."""
    if arguments[0] != "-m":
        return _missing(arguments[:1])
    module, *rest = arguments[1:]
    if module == "pytest":
        return _missing([word for word in rest if word.startswith("tests/")])
    if module in CHOSEN:
        return _parts(module, rest)
    folders = [folder / module.replace(".", "/") for folder in (ROOT, ROOT / "tests")]
    is_ours = any(f.with_suffix(".py").exists() or (f / "__main__.py").exists() for f in folders)
    return [] if is_ours or module in ("hatchling", "pip", "venv") else [module]


def _parts(module: str, arguments: list[str]) -> list[str]:
    """`--only` names parts, or scenarios, that there are."""
    only = arguments[arguments.index("--only") + 1] if "--only" in arguments else ""
    try:
        CHOSEN[module](only)
    except SystemExit as unknown:
        return [str(unknown)]
    return []


def _missing(paths: list[str]) -> list[str]:
    return [path for path in paths if not (ROOT / path.partition("::")[0]).exists()]


def _pip(arguments: list[str]) -> list[str]:
    """The wheel that `make wheel` makes."""
    return [] if arguments == ["install", "dist/capi_consumer-*.whl"] else [" ".join(arguments)]


# What others make


def _kubectl(arguments: list[str]) -> list[str]:
    inside = arguments[arguments.index("--") + 1 :] if "--" in arguments else []
    return [*of_kubectl(arguments), *(unknown_in(inside) if inside else [])]


def _docker(arguments: list[str]) -> list[str]:
    """The Dockerfile, the version of an image, the services of the compose file."""
    verb, *rest = arguments
    if verb == "compose":
        scaled = [word.partition("=")[0] for word in rest if re.fullmatch(r"\w+=\d+", word)]
        known = {"up", "--scale"} | {word for word in rest if "=" in word}
        return [*(word for word in rest if word not in known), *(set(scaled) - set(services()))]
    images = [word for word in rest if ":" in word]
    wrong = [image for image in images if not image.endswith(f"/capi-consumer:{consumer.__version__}")]
    wrong = [image for image in wrong if image != f"capi-consumer:{consumer.__version__}"]
    return wrong if verb in ("build", "push") and (ROOT / "Dockerfile").exists() else [verb, *wrong]


KAFKA_GROUPS = {
    *("--bootstrap-server", "--group", "--topic", "--describe", "--members"),
    *("--reset-offsets", "--to-datetime", "--dry-run", "--execute"),
}


def _kafka_groups(arguments: list[str]) -> list[str]:
    return [word for word in arguments if word.startswith("-") and word not in KAFKA_GROUPS]


def _schemas(arguments: list[str]) -> list[str]:
    return _missing([word for word in arguments if word.startswith("schemas/")])


OF_THE_SHELL = ("cat", "cd", "date", "done", "echo", "for", "head", "kill", "tail", "$")
FAMILIES = {
    **dict.fromkeys(OF_THE_SHELL, Family(_nothing, (SESSIONS,))),
    "capi-consumer": Family(_capi_consumer, (SESSIONS,)),
    "env": Family(_env, (SESSIONS,)),
    "export": Family(_export, (SESSIONS,)),
    "sh": Family(_sh, (SESSIONS,)),
    "check-jsonschema": Family(_schemas, ("tests/test_pages.py::test_the_schema_takes_an_event_as_shown",)),
    "docker": Family(
        _docker,
        (
            "tests/deploy/test_dockerfile.py::test_the_build_stage_makes_a_command_that_runs_elsewhere",
            "tests/deploy/test_compose_runs.py::test_three_consumers_of_one_service_stand_side_by_side",
        ),
    ),
    "helm": Family(of_helm, ("tests/test_pages.py::test_each_command_exists_with_its_options",)),
    "make": Family(_make, tuple({test for tests in TARGETS.values() for test in tests})),
    "pip": Family(_pip, TARGETS["wheel"]),
    "python": Family(_python, (".ci/run",)),
    "ruff": Family(_nothing, (".ci/run",)),
    "mypy": Family(_nothing, (".ci/run",)),
    # Only read: there is no cluster here, Kafka's own tools are not among the jars of the tests, and the
    # command line of AsyncAPI is npm's.
    "asyncapi": Family(_schemas),
    "kafka-consumer-groups.sh": Family(_kafka_groups),
    "kubectl": Family(_kubectl),
}
