"""The Dockerfile: what its linter says, what it copies, and its build stage carried out without Docker."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
import tomllib
import venv
from pathlib import Path
from typing import Any

import pytest
from support.dockerfile import Stage, assigned, copies, instructions, is_left_out, stages

import consumer

PROJECT = Path(__file__).parents[2]
DOCKERFILE = PROJECT / "Dockerfile"
TEXT = DOCKERFILE.read_text(encoding="utf-8")
IGNORED = (PROJECT / ".dockerignore").read_text(encoding="utf-8")
BUILD, LAST = stages(TEXT)


def words(stage: Any, word: Any) -> list[Any]:
    return [rest for found, rest in stage if found == word]


def hadolint(path: Any) -> list[Any]:
    command = Path(sysconfig.get_path("scripts")) / "hadolint"
    done = subprocess.run(
        [command, "--no-color", "--format", "json", str(path)], capture_output=True, text=True, timeout=60
    )
    return [(found["code"], found["line"]) for found in json.loads(done.stdout)]


def test_hadolint_finds_nothing() -> None:
    assert hadolint(DOCKERFILE) == []


def test_hadolint_would_find_something(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python:latest\nCMD run\n")
    assert ("DL3007", 1) in hadolint(bad)


def test_both_stages_start_from_one_pinned_python() -> None:
    bases = {rest.split()[0] for rest in words(BUILD, "FROM") + words(LAST, "FROM")}
    (base,) = bases
    assert re.fullmatch(r"python:3\.13\.\d+-slim-trixie", base)


def test_the_process_is_a_numbered_user_and_no_shell() -> None:
    assert words(LAST, "USER") == ["10001:10001"]
    assert words(LAST, "ENTRYPOINT") == ['["capi-consumer"]']
    assert words(LAST, "CMD") == ['["run"]']


def test_nothing_is_run_in_the_last_stage() -> None:
    assert words(LAST, "RUN") == []
    assert [rest for rest in words(LAST, "COPY") if not rest.startswith("--from=build ")] == []


def test_the_image_writes_no_bytecode_and_finds_the_command() -> None:
    environment = assigned(words(LAST, "ENV")[0])
    assert environment["PYTHONDONTWRITEBYTECODE"] == "1"
    assert environment["PATH"].split(":")[0] == "/opt/capi-consumer/bin"


def test_the_label_has_the_version_of_the_program() -> None:
    labels = assigned(words(LAST, "LABEL")[0])
    assert labels["org.opencontainers.image.version"] == consumer.__version__


def test_what_is_installed_from_a_registry_is_locked_by_hash() -> None:
    installs = [part for rest in words(BUILD, "RUN") for part in rest.split("&&") if " install " in part]
    assert len(installs) == 3
    for command in installs:
        assert "--require-hashes" in command or "--no-index" in command
        assert "--no-deps" in command


def test_each_source_of_a_copy_is_there_and_not_left_out() -> None:
    sources = [source for sources, _ in copies(BUILD) for source in sources]
    assert sources
    for source in sources:
        assert (PROJECT / source).exists(), source
        assert not is_left_out(source, IGNORED), source


@pytest.mark.parametrize(
    ("path", "left_out"),
    [
        ("consumer/mapping/decide.py", False),
        ("schemas/event.schema.json", False),
        ("requirements/run.txt", False),
        ("requirements/dev.txt", True),
        (".git/config", True),
        (".env", True),
        ("tests/support/requirements.py", True),
        ("consumer/__pycache__/run.pyc", True),
    ],
)
def test_the_build_gets_the_program_and_nothing_else(path: str, left_out: bool) -> None:
    assert is_left_out(path, IGNORED) is left_out


def test_the_copied_files_are_all_that_the_wheel_is_made_of() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {
        "pyproject.toml",
        project["project"]["readme"],
        *project["project"]["license-files"],
        *wheel["only-include"],
        *wheel["force-include"],
    }
    copied = {source for sources, _ in copies(BUILD) for source in sources}
    assert copied - {"requirements/run.txt", "requirements/build.txt"} == needed


def test_the_build_tools_are_locked_as_for_development() -> None:
    pins = {
        name: set(re.findall(r"^(\S+==\S+)", (PROJECT / "requirements" / name).read_text(), re.M))
        for name in ("build.txt", "dev.txt")
    }
    assert pins["build.txt"]
    assert pins["build.txt"] <= pins["dev.txt"]


@pytest.mark.timeout(400)
def test_the_build_stage_makes_a_command_that_runs_elsewhere(tmp_path: Path) -> None:
    """The base image's Python is here a bare virtual environment of the one that runs this test."""
    base = tmp_path / "base"
    venv.create(base, with_pip=True, symlinks=True)
    stage = Stage(tmp_path / "image", base / "bin" / "python", PROJECT, IGNORED)
    stage.carry_out(BUILD)
    made = tmp_path / "image" / "opt" / "capi-consumer"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def said(*command: Any) -> tuple[int, str, str]:
        environment = {"PATH": os.environ["PATH"]}
        done = subprocess.run(
            [made / "bin" / command[0], *command[1:]],
            cwd=elsewhere,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout, done.stderr

    assert said("capi-consumer", "--version") == (0, f"capi-consumer {consumer.__version__}\n", "")
    where = "import consumer; print(consumer.__file__)"
    assert str(made) in said("python", "-c", where)[1]
    assert "No module named pip" in said("python", "-m", "pip", "--version")[2]
    assert said("capi-consumer", "run")[0] == 2  # no pixel, no token: the settings are read


def test_the_reader_of_dockerfiles_joins_lines_and_skips_comments() -> None:
    text = "# a\nFROM a\nRUN one && \\\n    # b\n    two\nENV A=1 \\\n    B='2 3'\n"
    assert instructions(text) == [("FROM", "a"), ("RUN", "one && two"), ("ENV", "A=1 B='2 3'")]
    assert assigned("A=1 B='2 3'") == {"A": "1", "B": "2 3"}
