"""
A page of the documentation, and what can be held against the program: its commands and its links.

    PAGE = Page("docs/delivery.md")
    PAGE.commands     each `capi-consumer …` line of its shell blocks
    unknown_in(line)  what of such a line the program does not know
"""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parent.parent
COMMAND = Path(sys.executable).parent / "capi-consumer"


class Page:
    def __init__(self, path: str) -> None:
        self.file = ROOT / path
        self.text = self.file.read_text(encoding="utf-8")

    def blocks(self, language: str) -> list[str]:
        """The fenced blocks of a language."""
        return re.findall(rf"```{language}\n(.*?)```", self.text, re.DOTALL)

    @cached_property
    def commands(self) -> list[str]:
        """The calls of the program, each part of a pipe by itself, without what a comment says."""
        lines = [line.split("#")[0] for block in self.blocks("sh") for line in block.splitlines()]
        parts = [part.strip() for line in lines for part in line.split("|")]
        return sorted({part for part in parts if part.startswith("capi-consumer ")})

    @cached_property
    def settings(self) -> list[str]:
        """The names of settings, as the environment has them."""
        return sorted(set(re.findall(r"\bCAPI_[A-Z_]+\b", self.text)))

    @cached_property
    def links(self) -> list[str]:
        """Where it points to."""
        return sorted(set(re.findall(r"\]\(([^)]+)\)", self.text)))

    def leads_somewhere(self, link: str) -> bool:
        """Whether the file is there, and in a page the heading."""
        path, _, anchor = link.partition("#")
        file = self.file.parent / path if path else self.file
        if not file.exists():
            return False
        return not anchor or file.suffix != ".md" or anchor in _anchors(file.read_text(encoding="utf-8"))


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def unknown_in(line: str) -> list[str]:
    """Verbs and options of a call that the program's own help does not have."""
    words = line.split()[1:]
    verbs = [word for word in words[:2] if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")]
    shown = _help_of(*verbs)
    if shown is None:
        return verbs
    options = [word for word in words if word.startswith("--")]
    return [option for option in options if not re.search(rf"{option}\b", shown)]


@cache
def _help_of(*verbs: str) -> str | None:
    """What `--help` says, asked once; None where there is no such command."""
    shown = subprocess.run([COMMAND, *verbs, "--help"], capture_output=True, text=True, timeout=60)
    return shown.stdout if shown.returncode == 0 else None
