"""
A Dockerfile read, and one stage of it carried out without Docker.

Enough of the format for the Dockerfile of this project: instructions over
several lines, comments, stages, and the words FROM, ENV, WORKDIR, COPY and RUN
of a stage that starts from a plain Python. An absolute path of the image is a
path under a folder of the test.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

RUN_S_MAX = 300.0


class Instruction(NamedTuple):
    """`RUN`, and what follows it on its line and the lines that continue it."""

    word: str
    rest: str


def instructions(text: str) -> list[Instruction]:
    """The instructions in order, without comments."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", lines)
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def stages(text: str) -> list[list[Instruction]]:
    """The instructions of each stage, FROM first."""
    found: list[list[Instruction]] = []
    for instruction in instructions(text):
        if instruction.word == "FROM":
            found.append([])
        found[-1].append(instruction)
    return found


def copies(stage: list[Instruction]) -> Iterator[tuple[list[str], str]]:
    """What the stage copies from the project: the sources, and where to."""
    for word, rest in stage:
        if word == "COPY" and not rest.startswith("--from"):
            *sources, target = shlex.split(rest)
            yield sources, target


def assigned(rest: str) -> dict[str, str]:
    """The names and values of an ENV or a LABEL."""
    return dict(part.split("=", 1) for part in shlex.split(rest))


def is_left_out(path: str, ignored: str) -> bool:
    """Whether the .dockerignore of this text keeps a path from the build: the last line that fits decides."""
    left_out = False
    for line in ignored.splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#") and _fits(path, pattern):
            left_out = not line.startswith("!")
    return left_out


def _fits(path: str, pattern: str) -> bool:
    """A pattern fits a path, or a folder above it; `**/` is any folder, or none."""
    parts = path.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    if pattern.startswith("**/"):
        return any(fnmatch.fnmatch(part, pattern[3:]) for part in parts)
    return any(each.count("/") == pattern.count("/") and fnmatch.fnmatch(each, pattern) for each in above)


@dataclass(slots=True)
class Stage:
    """
    A stage under `root`, where `python` stands for the base image's Python.

    RUN gets this machine's environment besides the stage's own: the registry
    and its cache are the machine's.
    """

    root: Path
    python: Path
    project: Path
    ignored: str
    folder: Path = field(init=False)
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.root
        self.environment = {**os.environ, "PATH": f"{self.python.parent}:{os.environ['PATH']}"}
        self.environment.pop("PYTHONPATH", None)  # what lies there would count as installed

    def carry_out(self, stage: list[Instruction]) -> None:
        """Each instruction in order. Raises AssertionError with the output of a RUN that failed."""
        for word, rest in stage:
            match word:
                case "FROM":
                    pass
                case "ENV":
                    self.environment |= assigned(rest)
                    self.environment.pop("PIP_NO_CACHE_DIR", None)
                case "WORKDIR":
                    self.folder = self.root / rest.lstrip("/")
                    self.folder.mkdir(parents=True)
                case "COPY":
                    self._copy(rest)
                case "RUN":
                    self._run(rest)
                case _:
                    raise AssertionError(f"no test knows how to carry out {word}")

    def _copy(self, rest: str) -> None:
        *sources, target = shlex.split(rest)
        into = self.folder / target
        for source in (self.project / source for source in sources):
            if source.is_dir():
                into.mkdir(parents=True)  # a folder's content is copied, not the folder
                top = source
            else:
                top = source.parent
            for path in self._files(source):
                copy = into / path.relative_to(top)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)

    def _files(self, source: Path) -> Iterator[Path]:
        for path in source.rglob("*") if source.is_dir() else [source]:
            if path.is_file() and not is_left_out(str(path.relative_to(self.project)), self.ignored):
                yield path

    def _run(self, command: str) -> None:
        here = command.replace(" /opt/", f" {self.root}/opt/")
        done = subprocess.run(
            ["/bin/sh", "-c", here],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_S_MAX,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
