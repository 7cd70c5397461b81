"""
What Meta gets instead of a personal value: its SHA-256.

The values of a batch repeat: countries, cities, genders, the visitor who looks
at ten pages. So the hasher is made for one batch, normalises and hashes each
distinct value once, and is forgotten with the batch: no plain value outlives it.

This is the only module of the core that knows how to hash.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from consumer.core.decision import NoteWord
from consumer.core.normalise import KEYS_OF_CIRCUMSTANCES, Circumstances, normalise
from consumer.core.values import EMPTY, WRONG_TYPE, Unusable


class Digests(NamedTuple):
    """
    What is sent for one source, and what was lost of it.

    `sent` is one digest, a list of two or more, or None when nothing of the
    source can be used. Each of `notes` stands there once.
    """

    sent: str | list[str] | None
    notes: tuple[NoteWord, ...] = ()


class BatchHasher:
    """Each distinct value of a batch is normalised and hashed once; forgotten with the batch."""

    def __init__(self) -> None:
        self._plain: dict[tuple[str, str, Circumstances | None], Digests] = {}
        self._digests: dict[tuple[str, str, Circumstances | None], Digests] = {}

    def hashed(
        self, key: str, value: object, circumstances: Circumstances, *, digests_only: bool = False
    ) -> Digests:
        """
        The digest or digests of a source of `user_data.<key>`.

        Of a list each element is judged alone, order kept, repeats removed.
        `digests_only` is for the sources that must already be hashed.
        """
        if isinstance(value, str):
            memory = self._digests if digests_only else self._plain
            remembered_as = (key, value, circumstances if key in KEYS_OF_CIRCUMSTANCES else None)
            known = memory.get(remembered_as)
            if known is None:
                known = memory[remembered_as] = _hashed(
                    digest_of(key, value, circumstances, digests_only=digests_only)
                )
            return known
        if isinstance(value, list):
            return _joined([self._element(key, element, circumstances, digests_only) for element in value])
        # Numbers are rare, and 1 == 1.0 == True: they are not remembered.
        return _hashed(digest_of(key, value, circumstances, digests_only=digests_only))

    def _element(
        self, key: str, element: object, circumstances: Circumstances, digests_only: bool
    ) -> Digests:
        # A list in a list is no value, and could be nested deeper than a stack.
        if isinstance(element, list):
            return _hashed(WRONG_TYPE)
        return self.hashed(key, element, circumstances, digests_only=digests_only)


def digest_of(
    key: str, value: object, circumstances: Circumstances, *, digests_only: bool = False
) -> str | Unusable:
    """The digest of one scalar: the one it already is, else of its normalised text."""
    normalised = normalise(key, value, circumstances, digests_only=digests_only)
    if isinstance(normalised, Unusable):
        return normalised
    return normalised.text if normalised.is_digest else sha256(normalised.text)


def sha256(text: str) -> str:
    """64 lower-case hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _hashed(digest: str | Unusable) -> Digests:
    return Digests(None, (digest.note,)) if isinstance(digest, Unusable) else Digests(digest)


def _joined(elements: list[Digests]) -> Digests:
    if not elements:
        return Digests(None, (EMPTY.note,))
    digests = list(dict.fromkeys(element.sent for element in elements if isinstance(element.sent, str)))
    notes = tuple(dict.fromkeys(note for element in elements for note in element.notes))
    if not digests:
        return Digests(None, notes)
    return Digests(digests[0] if len(digests) == 1 else digests, notes)
