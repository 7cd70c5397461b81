"""`--help` teaches: examples that can be copied, and what each exit code means."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from consumer.cli.help_examples import EXAMPLES, EXIT_CODES
from consumer.cli.main import app

WIDTH = 80


def help_of(*verbs: Any, columns: Any = WIDTH) -> str:
    done = CliRunner().invoke(
        app, [*verbs, "--help"], prog_name="capi-consumer", env={"COLUMNS": str(columns)}
    )
    assert done.exit_code == 0
    return done.stdout


def commands() -> Iterator[Any]:
    """Every command, as its words."""
    listed = re.compile(r"^│ ([a-z-]+) ", re.MULTILINE)
    for verb in listed.findall(help_of().split("Commands")[1]):
        group = help_of(verb).split("─ Commands")
        yield from ([f"{verb} {under}" for under in listed.findall(group[1])] if len(group) > 1 else [verb])


def test_every_command_has_examples_and_exit_codes() -> None:
    assert sorted(["", *commands()]) == sorted(EXAMPLES) == sorted(EXIT_CODES)


@pytest.mark.parametrize("verb", EXAMPLES)
def test_the_help_ends_with_examples_and_exit_codes_on_lines_of_their_own(verb: Any) -> None:
    lines = [line.strip() for line in help_of(*verb.split()).splitlines()]
    for example in EXAMPLES[verb]:
        assert lines[lines.index(f"# {example.when}") + 1] == example.call
    ok, not_all, mistake, interrupted = lines[lines.index("Exit codes") + 1 :][:4]
    assert (ok, not_all) == (f"0 {EXIT_CODES[verb].ok}", f"1 {EXIT_CODES[verb].partial}")
    assert (mistake[:2], interrupted) == ("2 ", f"130 {EXIT_CODES[verb].interrupted}")


def test_those_that_go_on_until_they_are_stopped_say_that_it_is_their_end() -> None:
    assert {verb for verb, ends in EXIT_CODES.items() if "Ctrl-C" in ends.ok} == {"run", "sandbox"}


@pytest.mark.parametrize("call", sorted({one.call for many in EXAMPLES.values() for one in many}))
def test_each_example_is_a_call_that_exists(call: Any) -> None:
    for part in call.partition(" > ")[0].split(" | "):
        program, *words = shlex.split(part)
        verb = next((words[:n] for n in (2, 1) if " ".join(words[:n]) in EXAMPLES), [])
        shown = help_of(*verb, columns=200)
        options = [word for word in words if word.startswith("--")]
        assert program == "capi-consumer"
        assert all(re.search(rf"{option}\b", shown) for option in options)


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("verb", ["check", "publish", "dead-letters list"])
def test_the_help_is_as_wide_as_the_terminal(verb: str, columns: int) -> None:
    assert max(len(line.rstrip()) for line in help_of(*verb.split(), columns=columns).splitlines()) <= columns


@pytest.mark.parametrize("verb", EXAMPLES)
def test_an_option_that_takes_no_value_shows_none(verb: Any) -> None:
    shown = help_of(*verb.split())
    assert "<bool>" not in shown
    assert re.search(r"--help +-h +Show this message", shown)
