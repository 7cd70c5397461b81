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
from consumer.core.normalise import KEYS_OF_PLACE, Place, normalise
from consumer.core.values import EMPTY, WRONG_TYPE, Unusable


class Hashed(NamedTuple):
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
        self._plain: dict[tuple[str, str, Place | None], Hashed] = {}
        self._digests: dict[tuple[str, str, Place | None], Hashed] = {}

    def hashed(self, key: str, value: object, place: Place, *, digests_only: bool = False) -> Hashed:
        """
        The digest or digests of a source of `user_data.<key>`.

        Of a list each element is judged alone, order kept, repeats removed.
        `digests_only` is for the sources that must already be hashed.
        """
        if isinstance(value, str):
            memory = self._digests if digests_only else self._plain
            remembered_as = (key, value, place if key in KEYS_OF_PLACE else None)
            known = memory.get(remembered_as)
            if known is None:
                known = memory[remembered_as] = _hashed(
                    digest_of(key, value, place, digests_only=digests_only)
                )
            return known
        if isinstance(value, list):
            return _joined([self._element(key, element, place, digests_only) for element in value])
        # Numbers are rare, and 1 == 1.0 == True: they are not remembered.
        return _hashed(digest_of(key, value, place, digests_only=digests_only))

    def _element(self, key: str, element: object, place: Place, digests_only: bool) -> Hashed:
        # A list in a list is no value, and could be nested deeper than a stack.
        if isinstance(element, list):
            return _hashed(WRONG_TYPE)
        return self.hashed(key, element, place, digests_only=digests_only)


def digest_of(key: str, value: object, place: Place, *, digests_only: bool = False) -> str | Unusable:
    """The digest of one scalar: the one it already is, else of its normalised text."""
    normalised = normalise(key, value, place, digests_only=digests_only)
    if isinstance(normalised, Unusable):
        return normalised
    return normalised.text if normalised.is_digest else sha256(normalised.text)


def sha256(text: str) -> str:
    """64 lower-case hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _hashed(digest: str | Unusable) -> Hashed:
    return Hashed(None, (digest.note,)) if isinstance(digest, Unusable) else Hashed(digest)


def _joined(elements: list[Hashed]) -> Hashed:
    if not elements:
        return Hashed(None, (EMPTY.note,))
    digests = list(dict.fromkeys(element.sent for element in elements if isinstance(element.sent, str)))
    notes = tuple(dict.fromkeys(note for element in elements for note in element.notes))
    if not digests:
        return Hashed(None, notes)
    return Hashed(digests[0] if len(digests) == 1 else digests, notes)
