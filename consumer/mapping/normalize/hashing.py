"""
What Meta gets instead of a personal value: its SHA-256.

Values repeat: countries, cities, genders, the visitor who looks at ten pages.
Each distinct one is normalised and hashed once, and remembered:

    e-mail, phone, id    for the batch: these are one person's own
    all others           for the next batches too, in `SharedDigestCache`, which is bounded:
                         first names, birthdays, postal codes are many people's

A hasher is made for one batch and forgotten with it, and with it whatever tells
who somebody is. This is the only module of the core that knows how to hash.

Hashers for events that come in no batch, as from a file.

A hasher remembers what it hashed, personal values among it. So it serves as
many events as a batch of `run` may hold, and is forgotten for the next one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import repeat
from typing import NamedTuple

from consumer.domain.decision import WarningCode
from consumer.mapping.event_fields import DAY_MS
from consumer.mapping.normalize.fields import (
    KEYS_OF_CIRCUMSTANCES,
    NormalizationContext,
    given_digest,
    no_digest,
    normalization_context,
    normalized_text,
    text_for,
)
from consumer.mapping.rules import MappingOptions
from consumer.mapping.tables import HASHED
from consumer.mapping.values import EMPTY, WRONG_TYPE, InvalidValue


class FieldDigests(NamedTuple):
    """
    What is sent for one source, and what was lost of it.

    `sent` is one digest, a list of two or more, or None when nothing of the
    source can be used. Each of `notes` stands there once.
    """

    sent: str | list[str] | None
    notes: tuple[WarningCode, ...] = ()


# Text -> its digest; or, where there is none, what was lost.
DigestCache = dict[str, "str | FieldDigests"]

# Of one key, in one place, of values or of digests only.
_Kind = tuple[str, NormalizationContext | None, bool]

# Never kept beyond a batch: what is one person's own.
KEYS_OF_ONE_PERSON = frozenset({"em", "ph", "external_id"})
SHARED_VALUES_MAX = 50_000
SHARED_LENGTH_MAX = 64


class SharedDigestCache:
    """
    Digests of values that many people share, kept from batch to batch.

    At most `values_max` of them and a batch's, about 300 bytes each: then all
    are forgotten, and collected anew. A long text is nothing that people share,
    nor is an e-mail address that stands in a wrong place.
    """

    def __init__(self, values_max: int = SHARED_VALUES_MAX) -> None:
        self._values_max = values_max
        self._kinds: dict[_Kind, DigestCache] = {}

    def __len__(self) -> int:
        return sum(map(len, self._kinds.values()))

    def start_batch(self) -> None:
        """Forget everything when it has become too much."""
        if len(self) > self._values_max:
            self._kinds.clear()

    def cache_for(self, kind: _Kind) -> DigestCache:
        """What is known of a kind of values."""
        return self._kinds.setdefault(kind, {})


class FieldCache(NamedTuple):
    """
    A key of `user_data` in a batch.

    Property with the plain value, property with its digest, and what is
    remembered of either.
    """

    key: str
    plain_property: str
    digest_property: str
    known: DigestCache
    known_digests: DigestCache

    def __repr__(self) -> str:
        """Without what is remembered, which is somebody's."""
        return f"Column({self.key})"


class FieldCaches(NamedTuple):
    """All hashed keys of the people of one country."""

    context: NormalizationContext
    fields: tuple[FieldCache, ...]


class BatchHasher:
    """Each distinct value of a batch is normalised and hashed once. `shared` outlives it."""

    def __init__(self, shared: SharedDigestCache | None = None) -> None:
        self._shared = SharedDigestCache() if shared is None else shared
        self._shared.start_batch()
        self._kinds: dict[_Kind, DigestCache] = {}
        self._columns: dict[str | None, FieldCaches] = {}
        self._columns_of: tuple[MappingOptions, int] | None = None

    def field_caches(self, country: str | None, rules: MappingOptions, now_ms: int) -> FieldCaches:
        """For people whose `country` is written like this."""
        of, day = self._columns_of, now_ms // DAY_MS
        if of is None or of[0] is not rules or of[1] != day:
            self._columns_of, self._columns = (rules, day), {}
        found = self._columns.get(country)
        if found is None:
            found = self._columns[country] = self._new_field_caches(
                normalization_context(country, rules, now_ms)
            )
        return found

    def _new_field_caches(self, circumstances: NormalizationContext) -> FieldCaches:
        return FieldCaches(
            circumstances,
            tuple(
                FieldCache(
                    row.key,
                    row.plain.key,
                    row.digest.key,
                    self.cache_of(row.key, circumstances),
                    self.cache_of(row.key, circumstances, digests_only=True),
                )
                for row in HASHED
            ),
        )

    def cache_of(
        self, key: str, circumstances: NormalizationContext, *, digests_only: bool = False
    ) -> DigestCache:
        """Text -> digests: what is known of one key so far. It fills as `hashed` is asked."""
        kind = (key, circumstances if key in KEYS_OF_CIRCUMSTANCES else None, digests_only)
        known = self._kinds.get(kind)
        if known is None:
            known = self._kinds[kind] = {} if key in KEYS_OF_ONE_PERSON else self._shared.cache_for(kind)
        return known

    def hashed(
        self, key: str, value: object, circumstances: NormalizationContext, *, digests_only: bool = False
    ) -> FieldDigests:
        """
        The digest or digests of a source of `user_data.<key>`.

        Of a list each element is judged alone, order kept, repeats removed.
        `digests_only` is for the sources that must already be hashed.
        """
        if isinstance(value, str):
            remembered = self.cache_of(key, circumstances, digests_only=digests_only)
            known = remembered.get(value) or compute(
                remembered, key, value, circumstances, digests_only=digests_only
            )
            return FieldDigests(known) if isinstance(known, str) else known
        if isinstance(value, list):
            return _joined([self._element(key, element, circumstances, digests_only) for element in value])
        # Numbers are rare, and 1 == 1.0 == True: they are not remembered.
        return _as_digests(digest_of(key, value, circumstances, digests_only=digests_only))

    def _element(
        self, key: str, element: object, circumstances: NormalizationContext, digests_only: bool
    ) -> FieldDigests:
        # A list in a list is no value, and could be nested deeper than a stack.
        if isinstance(element, list):
            return _as_digests(WRONG_TYPE)
        # Nor are the values of a list remembered: there may be any number of them.
        return _as_digests(digest_of(key, element, circumstances, digests_only=digests_only))


def compute(
    remembered: DigestCache, key: str, text: str, circumstances: NormalizationContext, *, digests_only: bool
) -> str | FieldDigests:
    """Normalise and hash a text that is not remembered yet."""
    digest = _digest_of_text(key, text, circumstances, digests_only=digests_only)
    found = digest if type(digest) is str else _as_digests(digest)
    if key in KEYS_OF_ONE_PERSON or (len(text) <= SHARED_LENGTH_MAX and "@" not in text):
        remembered[text] = found
    return found


def digest_of(
    key: str, value: object, circumstances: NormalizationContext, *, digests_only: bool = False
) -> str | InvalidValue:
    """The digest of one scalar: the one it already is, else of its normalised text."""
    text = text_for(key, value, circumstances)
    if isinstance(text, InvalidValue):
        return text
    return _digest_of_text(key, text, circumstances, digests_only=digests_only)


def _digest_of_text(
    key: str, text: str, circumstances: NormalizationContext, *, digests_only: bool
) -> str | InvalidValue:
    digest = given_digest(text)
    if digest is not None:
        return digest
    plain = no_digest(text) if digests_only else normalized_text(key, text, circumstances)
    return plain if isinstance(plain, InvalidValue) else sha256(plain)


def sha256(text: str) -> str:
    """64 lower-case hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _as_digests(digest: str | InvalidValue) -> FieldDigests:
    return FieldDigests(None, (digest.note,)) if isinstance(digest, InvalidValue) else FieldDigests(digest)


def _joined(elements: list[FieldDigests]) -> FieldDigests:
    if not elements:
        return FieldDigests(None, (EMPTY.note,))
    digests = list(dict.fromkeys(element.sent for element in elements if isinstance(element.sent, str)))
    notes = tuple(dict.fromkeys(note for element in elements for note in element.notes))
    if not digests:
        return FieldDigests(None, notes)
    return FieldDigests(digests[0] if len(digests) == 1 else digests, notes)


EVENTS_OF_A_HASHER = 500


def hashers() -> Iterator[BatchHasher]:
    """One for each event, without end: the same for some hundred events, then another."""
    while True:
        yield from repeat(BatchHasher(), EVENTS_OF_A_HASHER)
