"""
A page of the documentation, and what can be held against the program: its commands and its links.

    PAGE = Page("docs/delivery.md")
    PAGE.commands     each command of its shell blocks, and each that stands in a sentence
    PAGE.sessions     the blocks that a test runs, each with what it must print, if the page shows it
    PAGE.settings     the names of settings, as PAGE.metrics those of metrics
    PAGE.links        where it points to

A block that begins with ```sh is looked at, one with ```sh run is run, one with
```sh run until stopped is interrupted when it is at work. What follows the second
as ```text is what it prints.
"""

from __future__ import annotations

import re
import textwrap
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from support.shell_blocks import commands

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    *sorted(page.relative_to(ROOT).as_posix() for page in (ROOT / "docs").glob("*.md")),
    "helm/capi-consumer/README.md",
    "schemas/README.md",
)
BLOCK = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
OURS = "capi-consumer|docker|helm|kubectl|make|pip|python"
# Also with a variable before it, whatever it is then.
IN_A_SENTENCE = re.compile(rf"`((?:_?[A-Z_]+=[^\s`]+ [^\s`]|(?:{OURS}) )[^`\n]*)`")


UNTIL_STOPPED = "sh run until stopped"


class Session(NamedTuple):
    block: str
    printed: str | None  # None where the page does not show it
    is_stopped: bool  # by an interrupt: it would not end


class Page:
    def __init__(self, path: str) -> None:
        self.file = ROOT / path
        self.text = self.file.read_text(encoding="utf-8")

    def blocks(self, language: str) -> list[str]:
        """The fenced blocks whose first line is this."""
        return [body for info, body in self.all_blocks if info == language]

    @cached_property
    def all_blocks(self) -> list[tuple[str, str]]:
        """The first line of each block, without its fence, and what is in it."""
        return [(info, textwrap.dedent(body)) for _, info, body in BLOCK.findall(self.text)]

    @cached_property
    def prose(self) -> str:
        """The page without its blocks."""
        return BLOCK.sub("", self.text)

    @cached_property
    def commands(self) -> list[tuple[str, ...]]:
        """Every command that the page shows."""
        shown = [body for info, body in self.all_blocks if info.partition(" ")[0] in ("sh", "console")]
        return list(dict.fromkeys(words for text in (*shown, *self.in_sentences) for words in commands(text)))

    @cached_property
    def in_sentences(self) -> list[str]:
        """Those that stand in a sentence."""
        return IN_A_SENTENCE.findall(self.prose)

    @cached_property
    def sessions(self) -> list[Session]:
        """What is to be run, in order."""
        return [
            Session(body, printed if then == "text" else None, info == UNTIL_STOPPED)
            for (info, body), (then, printed) in pairwise([*self.all_blocks, ("", "")])
            if info in ("sh run", UNTIL_STOPPED)
        ]

    @cached_property
    def settings(self) -> list[str]:
        """The names of settings, as the environment has them."""
        return sorted(set(re.findall(r"\bCAPI_[A-Z_]+\b", self.text)) - {"CAPI_"})

    @cached_property
    def metrics(self) -> list[str]:
        """The names of metrics, as /metrics has them."""
        return sorted(set(re.findall(r"`(capi_[a-z_]+)", self.text)))

    @cached_property
    def links(self) -> list[str]:
        """Where it points to."""
        return sorted(set(re.findall(r"\]\(\s*([^)\s]+)\s*\)", self.prose)))

    def leads_somewhere(self, link: str) -> bool:
        """Whether the file is there, and in a page the heading."""
        path, _, anchor = link.partition("#")
        file = self.file.parent / path if path else self.file
        if not file.exists():
            return False
        return not anchor or file.suffix != ".md" or anchor in anchors(file.read_text(encoding="utf-8"))


def anchors(text: str) -> list[str]:
    """The headings of a page, as links have them."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", text), re.MULTILINE)
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in plain]
