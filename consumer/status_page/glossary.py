"""
What each reason, note, state and code of Meta's means, for who looks at the page, and what to do.

The sentences are those of `advice`, as HTML: a setting or a property stays in
its letters, and a link names its page: the docs are not on this one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from consumer import messages
from consumer.domain.decision import FILTERED_REASONS
from consumer.domain.state import State
from consumer.messages import Advice
from consumer.meta.error_codes import SENTENCES

LETTERS = re.compile(r"`([^`]+)`")


def state(word: State) -> Advice:
    """What this process is doing, and what to do, in plain text."""
    return Advice(*(LETTERS.sub(r"\1", messages.in_plain_text(text)) for text in messages.STATES[word]))


def as_html() -> str:
    """The lists of the page's last section. By the id of an entry the tables link to it."""
    reasons = messages.REASONS.items()
    filtered = [(word, said) for word, said in reasons if word in FILTERED_REASONS]
    letters = [(word, said) for word, said in reasons if word not in FILTERED_REASONS]
    return "".join(
        [
            _list("Why a record is filtered", "reason", filtered),
            _list("Why a record is a dead letter", "reason", letters),
            _list("What happened to a value", "note", messages.WARNINGS.items()),
            _list("What this process is doing", "state", messages.STATES.items()),
            _list("What Meta answers, by code", "code", map(_code, sorted(SENTENCES, key=_order))),
        ]
    )


def _code(pair: tuple[int, int | None]) -> tuple[str, Advice]:
    code, subcode = pair
    word = f"{code}" if subcode is None else f"{code}/{subcode}"
    return word, Advice(SENTENCES[pair], messages.CODES[pair])


def _order(pair: tuple[int, int | None]) -> tuple[int, int]:
    return pair[0], pair[1] or 0


def _list(title: str, kind: str, register: Iterable[tuple[str, Advice]]) -> str:
    entries = "".join(_entry(f"{kind}-{word}".replace("/", "-"), word, said) for word, said in register)
    return f"<h3>{escape(title)}</h3>\n<dl>\n{entries}</dl>\n"


def _entry(anchor: str, word: str, said: Advice) -> str:
    means, to_do = map(_html, said)
    return f'<dt id="{escape(anchor)}">{escape(word)}</dt><dd>{means}</dd><dd class="do">{to_do}</dd>\n'


def _html(markdown: str) -> str:
    return LETTERS.sub(r"<code>\1</code>", escape(messages.in_plain_text(markdown), quote=False))
