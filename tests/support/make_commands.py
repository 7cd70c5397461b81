"""
Commands of make and Python: what they name is there, and something does what a target does.

    TARGETS            target -> which tests do what it does, or what continuous integration runs
    PROGRAMS           module or file -> the same, for Python
    of_make(words)     targets and variables that are not there
    would_run(words)   the commands that make itself says it would run
    of_python(words)   modules, files and parts that are not there
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from faults.__main__ import chosen as faults_chosen
from support.shell_blocks import commands

from benchmarks.__main__ import chosen as benchmarks_chosen

ROOT = Path(__file__).parents[2]

# Target -> what does in a test, or in continuous integration, what it does. Nothing: it is only read.
TARGETS = {
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
    "demo": ("tests/documentation/test_readme.py::test_the_demo_prints_what_the_readme_shows",),
    "docs": ("tests/documentation/test_generated_pages.py::test_they_are_as_they_would_be_written",),
    "faults": ("tests/faults/test_faults.py::test_the_bar_of_each_scenario_is_met",),
    "lint": (".ci/run",),
    "lock": (),  # needs uv, and an index of packages
    "mutants": (),  # some minutes, and a tool that is not among the locked requirements
    "page": (),  # a minute, with Chromium
    "system": (".ci/run",),
    "test": (".ci/run",),
    "trace": ("tests/structure/test_trace.py::test_an_accepted_record_visits_these_files_in_order",),
    "types": (".ci/run",),
    "wheel": ("tests/deploy/test_dockerfile.py::test_the_build_stage_makes_a_command_that_runs_elsewhere",),
}
# Module or file -> the same.
PROGRAMS = {
    "benchmarks": TARGETS["bench"],
    "benchmarks.fields": (),  # a minute or two, and what it finds depends on the machine
    "benchmarks/memory.py": (),  # likewise
    "docs/generate.py": TARGETS["docs"],
    "faults": TARGETS["faults"],
    "hatchling": TARGETS["wheel"],
    "helm/generate.py": TARGETS["chart"],
    "pip": TARGETS["wheel"],
    "pytest": (".ci/run",),
    "tools.trace_record": TARGETS["trace"],
    "venv": TARGETS["wheel"],
}
CHOSEN = {"benchmarks": benchmarks_chosen, "faults": faults_chosen}
IN_CI = ("check", "coverage", "lint", "test", "types")


def of_make(arguments: Sequence[str]) -> list[str]:
    """Targets and variables of `make …` that are not there."""
    variables = [word.partition("=")[0] for word in arguments if "=" in word]
    unknown = [
        target for target in _targets(arguments) if target not in TARGETS or f"\n{target}:" not in _makefile()
    ]
    return unknown + [name for name in variables if f"$({name})" not in _makefile()]


def would_run(arguments: Sequence[str]) -> list[tuple[str, ...]]:
    """The commands of `.venv/bin` that make says it would run for targets that are not only read."""
    if of_make(arguments) or not all(TARGETS[target] for target in _targets(arguments)):
        return []
    return [words for words in commands(_said(tuple(arguments))) if ".venv/bin/" in " ".join(words[:2])]


def _targets(arguments: Sequence[str]) -> list[str]:
    return [word for word in arguments if "=" not in word]


@cache
def _makefile() -> str:
    return (ROOT / "Makefile").read_text(encoding="utf-8")


@cache
def _said(arguments: tuple[str, ...]) -> str:
    done = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def of_python(arguments: Sequence[str]) -> list[str]:
    """What of `python …` is not so: `-m MODULE ARGUMENTS`, or a file."""
    program, rest = arguments[0], arguments[1:]
    if program == "-m":
        program, rest = rest[0], rest[1:]
    if program not in PROGRAMS:
        return [program]
    if program in CHOSEN:
        return _parts(program, rest)
    return missing([word for word in (program, *rest) if "/" in word])


def _parts(module: str, arguments: Sequence[str]) -> list[str]:
    """`--only` names parts, or scenarios, that there are."""
    only = arguments[arguments.index("--only") + 1] if "--only" in arguments else ""
    try:
        CHOSEN[module](only)
    except SystemExit as unknown:
        return [str(unknown)]
    return []


def missing(paths: Sequence[str]) -> list[str]:
    """Those that are no file of this repository."""
    return [path for path in paths if not (ROOT / path.partition("::")[0]).exists()]
