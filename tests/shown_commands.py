"""
The commands that a page shows, and what of them does not exist.

    commands(block)    each simple command of a shell block, as words
    unknown_in(words)  what of it this repository, or the program's own command line, does not know

A command that nobody here knows is unknown as a whole, so that a page shows none that is not looked at.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml
from typer.main import get_command

from consumer.cli import app
from consumer.load_settings import known_names

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
HERE_DOCUMENT = re.compile(r"<<'?(\w+)'?(.*)\n(?:.*\n)*?\s*\1$", re.MULTILINE)
SEPARATORS = frozenset("|;&()")
REDIRECTIONS = frozenset({">", "<", ">>"})
KEYWORDS = frozenset({"do", "then", "else"})
# What every machine has, and what is said of nothing here.
OF_THE_SHELL = frozenset({"cat", "cd", "date", "done", "echo", "for", "head", "kill", "tail", "$"})
KUBECTL = frozenset(
    {"annotate", "apply", "create", "exec", "get", "logs", "patch", "port-forward", "rollout", "run", "scale"}
)
HELM = frozenset({"install", "test", "upgrade"})
KAFKA_GROUPS = frozenset(
    {
        *("--bootstrap-server", "--group", "--topic", "--describe", "--members"),
        *("--reset-offsets", "--to-datetime", "--dry-run", "--execute"),
    }
)


def commands(block: str) -> list[tuple[str, ...]]:
    """The simple commands of a block, in order."""
    text = HERE_DOCUMENT.sub(r"\2", block).replace("\\\n", " ")
    return [words for line in text.splitlines() for words in _of_line(line)]


def _of_line(line: str) -> Iterator[tuple[str, ...]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>()")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] = []
    tokens = iter([*lexer, ";"])
    for token in tokens:
        if token in REDIRECTIONS:
            next(tokens)
        elif set(token) <= SEPARATORS:
            if words:
                yield tuple(words)
            words = []
        elif words or token not in KEYWORDS:
            words.append(token)


def unknown_in(words: tuple[str, ...]) -> list[str]:
    """What of a command is not known."""
    first, *rest = words
    if name := re.fullmatch(r"([A-Z_]+)=.*", first, re.DOTALL):
        return [*_unknown_settings([name[1]]), *(unknown_in(tuple(rest)) if rest else [])]
    name = Path(first).name
    if first.startswith(".venv/bin/") and not (BIN / name).exists():
        return [first]
    if name in OF_THE_SHELL:
        return []
    known = COMMANDS.get(name)
    return known(rest) if known else [first]


def _unknown_settings(names: list[str]) -> list[str]:
    return [name for name in names if name.startswith("CAPI_") and name not in known_names()]


def _capi_consumer(arguments: list[str]) -> list[str]:
    """As the program's own parser reads it: what it says is wrong."""
    try:
        command = get_command(app)
        context = command.make_context("capi-consumer", list(arguments))
        while hasattr(command, "resolve_command"):
            left = [*context._protected_args, *context.args]
            name, command, left = command.resolve_command(context, left)
            context = command.make_context(name, left, parent=context)
    except SystemExit as ended:  # --help, --version
        return [] if not ended.code else [" ".join(arguments)]
    except Exception as wrong:
        if type(wrong).__name__ == "Exit" and wrong.exit_code == 0:
            return []
        return [f"{type(wrong).__name__}: {getattr(wrong, 'message', '')}"]
    return []


@cache
def _make_targets() -> frozenset[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, re.MULTILINE))


def _make(arguments: list[str]) -> list[str]:
    return [word for word in arguments if "=" not in word and word not in _make_targets()]


def _export(arguments: list[str]) -> list[str]:
    return _unknown_settings([word.partition("=")[0] for word in arguments])


def _after_dashes(arguments: list[str]) -> list[str]:
    return unknown_in(tuple(arguments[arguments.index("--") + 1 :])) if "--" in arguments else []


def _kubectl(arguments: list[str]) -> list[str]:
    return [*([] if arguments[0] in KUBECTL else arguments[:1]), *_after_dashes(arguments)]


def _helm(arguments: list[str]) -> list[str]:
    """The chart's folder, and each value that is set."""
    charts = [word for word in arguments if re.fullmatch(r"(\./)?helm/.*", word)]
    values = yaml.safe_load((ROOT / "helm/capi-consumer/values.yaml").read_text(encoding="utf-8"))
    given = [arguments[place + 1] for place, word in enumerate(arguments) if word == "--set"]
    return [
        *([] if arguments[0] in HELM else arguments[:1]),
        *(chart for chart in charts if not (ROOT / chart / "Chart.yaml").exists()),
        *(setting for setting in given if not _is_value(values, setting.partition("=")[0].split("."))),
    ]


def _is_value(values: object, path: list[str]) -> bool:
    for key in path:
        if not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return True


def _docker(arguments: list[str]) -> list[str]:
    needed = {"build": "Dockerfile", "compose": "docker-compose.yml"}.get(arguments[0])
    if needed is None:
        return [] if arguments[0] == "push" else arguments[:1]
    return [] if (ROOT / needed).exists() else [needed]


def _kafka_groups(arguments: list[str]) -> list[str]:
    return [word for word in arguments if word.startswith("-") and word not in KAFKA_GROUPS]


def _python(arguments: list[str]) -> list[str]:
    """`-m MODULE FILES`, or a file."""
    if arguments[0] != "-m":
        return _missing(arguments[:1])
    folder = ROOT / arguments[1].replace(".", "/")
    if arguments[1] == "pytest":
        return _missing([word for word in arguments[2:] if not word.startswith("-")])
    return [] if folder.with_suffix(".py").exists() or (folder / "__main__.py").exists() else [arguments[1]]


def _missing(paths: list[str]) -> list[str]:
    return [path for path in paths if not (ROOT / path.partition("::")[0]).exists()]


def _env(arguments: list[str]) -> list[str]:
    """`-u NAME` and `NAME=value` before the command."""
    names, rest = [], list(arguments)
    while rest and (rest[0] == "-u" or "=" in rest[0]):
        word = rest.pop(0)
        names.append(rest.pop(0) if word == "-u" else word.partition("=")[0])
    return [*_unknown_settings(names), *(unknown_in(tuple(rest)) if rest else [])]


def _sh(arguments: list[str]) -> list[str]:
    return [what for words in commands(arguments[1]) for what in unknown_in(words)]


def _schemas(arguments: list[str]) -> list[str]:
    return _missing([word for word in arguments if word.startswith("schemas/")])


def _pip(arguments: list[str]) -> list[str]:
    """The wheel that `make wheel` makes."""
    return [] if arguments == ["install", "dist/capi_consumer-*.whl"] else [" ".join(arguments)]


COMMANDS = {
    "asyncapi": _schemas,
    "capi-consumer": _capi_consumer,
    "check-jsonschema": _schemas,
    "docker": _docker,
    "env": _env,
    "export": _export,
    "helm": _helm,
    "kafka-consumer-groups.sh": _kafka_groups,
    "kubectl": _kubectl,
    "make": _make,
    "pip": _pip,
    "python": _python,
    "sh": _sh,
}
