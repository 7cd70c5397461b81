"""
How each command of a page is held to the truth, by the program that it begins with.

    FAMILIES         program -> what finds its mistakes, and which tests do what it does
    unknown_in(words)  what of a command is not so

A program that has no row is unknown as a whole, so a page shows no command that is
not looked at. A row without tests is only read: its names and options are looked
up, and nothing here runs it.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from support.chart_commands import of_helm, of_kubectl
from support.compose import services
from support.make_commands import PROGRAMS, TARGETS, missing, of_make, of_python, would_run
from support.shell_blocks import commands
from typer import Exit
from typer.main import get_command

import consumer
from consumer.cli.main import app
from consumer.config.loading import known_names

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SESSIONS = "tests/documentation/test_sessions.py::test_a_session_runs_as_it_stands"


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

NAMES = ("capi-consumer", ".venv/bin/capi-consumer")
# What the parser itself would do, one of them in the home of whoever runs the tests.
ABOUT_THE_SHELL = ("--install-completion", "--show-completion")


class Call(NamedTuple):
    verb: str
    options: frozenset[str]


def call_of(arguments: Sequence[str]) -> Call:
    """Which command it is, and what was given to it. Raises what the program's own parser raises."""
    if arguments[0] in ABOUT_THE_SHELL:
        return Call("", frozenset(arguments))
    command = get_command(app)
    context = command.make_context("capi-consumer", list(arguments))
    while hasattr(command, "resolve_command"):
        left = [*context._protected_args, *context.args]
        if not left:
            break
        name, command, left = command.resolve_command(context, left)
        context = command.make_context(name, left, parent=context)
    sources = {name: context.get_parameter_source(name) for name in context.params}
    given = {name for name, source in sources.items() if source and source.name == "COMMANDLINE"}
    return Call(context.command_path.removeprefix("capi-consumer").strip(), frozenset(given))


def _capi_consumer(arguments: list[str]) -> list[str]:
    """As the program's own parser reads it: what it says is wrong."""
    try:
        if arguments:
            call_of(arguments)
    except (SystemExit, Exit):  # --help, --version
        return []
    except Exception as wrong:
        return [f"{type(wrong).__name__}: {getattr(wrong, 'message', '')}"]
    return []


def calls_in(words: Sequence[str]) -> Iterator[Call]:
    """The calls of the program in a command: itself, behind variables, in a pod, in a shell."""
    for place, word in enumerate(words):
        if word in NAMES and words[place + 1 :]:
            with contextlib.suppress(SystemExit, Exit):  # --help, --version
                yield call_of(words[place + 1 :])
            return
    if words[-3:-1] == ("sh", "-c"):
        yield from (call for inside in commands(words[-1]) for call in calls_in(inside))


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


def _make(arguments: list[str]) -> list[str]:
    return [*of_make(arguments), *(what for words in would_run(arguments) for what in unknown_in(words))]


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
    return missing([word for word in arguments if word.startswith("schemas/")])


OF_THE_SHELL = ("cat", "cd", "date", "done", "echo", "for", "head", "kill", "tail", "umask", "$")
FAMILIES = {
    **dict.fromkeys(OF_THE_SHELL, Family(_nothing, (SESSIONS,))),
    "capi-consumer": Family(_capi_consumer, (SESSIONS,)),
    "env": Family(_env, (SESSIONS,)),
    "export": Family(_export, (SESSIONS,)),
    "sh": Family(_sh, (SESSIONS,)),
    "check-jsonschema": Family(
        _schemas, ("tests/documentation/test_pages.py::test_the_schema_takes_an_event_as_shown",)
    ),
    "docker": Family(
        _docker,
        (
            "tests/deploy/test_dockerfile.py::test_the_build_stage_makes_a_command_that_runs_elsewhere",
            "tests/deploy/test_compose_runs.py::test_three_consumers_of_one_service_stand_side_by_side",
        ),
    ),
    "helm": Family(
        of_helm, ("tests/documentation/test_pages.py::test_each_command_exists_with_its_options",)
    ),
    "make": Family(_make, tuple({test for tests in TARGETS.values() for test in tests})),
    "pip": Family(_pip, TARGETS["wheel"]),
    "python": Family(of_python, tuple({test for tests in PROGRAMS.values() for test in tests})),
    "ruff": Family(_nothing, (".ci/run",)),
    "mypy": Family(_nothing, (".ci/run",)),
    # Only read: there is no cluster here, Kafka's own tools are not among the jars of the tests, and the
    # command line of AsyncAPI is npm's.
    "asyncapi": Family(_schemas),
    "kafka-consumer-groups.sh": Family(_kafka_groups),
    "kubectl": Family(_kubectl),
}
