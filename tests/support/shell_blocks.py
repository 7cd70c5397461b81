"""
The commands that a page shows, each as its words.

    commands(block)    each simple command of a shell block, in order
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

HERE_DOCUMENT = re.compile(r"<<'?(\w+)'?(.*)\n(?:.*\n)*?\s*\1$", re.MULTILINE)
SEPARATORS = frozenset("|;&()")
REDIRECTIONS = frozenset({">", "<", ">>"})
KEYWORDS = frozenset({"do", "then", "else"})


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
        elif token and set(token) <= SEPARATORS:
            if words:
                yield tuple(words)
            words = []
        elif words or token not in KEYWORDS:
            words.append(token)
