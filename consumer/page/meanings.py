"""
What each reason, note and state means, for who looks at the page, and what to do.

The sentences are those of `advice`, as HTML: a setting or a property stays in
its letters, and a link becomes the name of the page that it leads to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from consumer import advice
from consumer.advice import Advice
from consumer.core.decision import FILTERED_REASONS
from consumer.state import State

# The one that is written from the same sentences: where a link names no page.
OWN_PAGE = "reasons.md"
LINK = re.compile(r"\[([^]]+)\]\(([\w-]+\.md)?[^)]*\)")
LETTERS = re.compile(r"`([^`]+)`")


def state(word: State) -> Advice:
    """What this process is doing, and what to do, in plain text."""
    return Advice(*(LETTERS.sub(r"\1", _without_links(text)) for text in advice.STATES[word]))


def as_html() -> str:
    """The lists of the page's last section: one entry has the id by which the tables link to it."""
    reasons = advice.REASONS.items()
    filtered = [(word, said) for word, said in reasons if word in FILTERED_REASONS]
    letters = [(word, said) for word, said in reasons if word not in FILTERED_REASONS]
    return "".join(
        [
            _list("Why a record is filtered", "reason", filtered),
            _list("Why a record is a dead letter", "reason", letters),
            _list("What happened to a value", "note", advice.NOTES.items()),
            _list("What this process is doing", "state", advice.STATES.items()),
        ]
    )


def _list(title: str, kind: str, register: Iterable[tuple[str, Advice]]) -> str:
    entries = "".join(_entry(f"{kind}-{word}", word, said) for word, said in register)
    return f"<h3>{escape(title)}</h3>\n<dl>\n{entries}</dl>\n"


def _entry(anchor: str, word: str, said: Advice) -> str:
    means, to_do = map(_html, said)
    return f'<dt id="{escape(anchor)}">{escape(word)}</dt><dd>{means}</dd><dd class="do">{to_do}</dd>\n'


def _html(markdown: str) -> str:
    return LETTERS.sub(r"<code>\1</code>", escape(_without_links(markdown), quote=False))


def _without_links(markdown: str) -> str:
    """`[Setup](operations.md#setup)` is `Setup (docs/operations.md)`: the docs are not on the page."""
    return LINK.sub(lambda link: f"{link[1]} (docs/{link[2] or OWN_PAGE})", markdown)
