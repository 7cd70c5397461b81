"""What Meta gets instead of a personal value."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.decision import WarningCode
from consumer.mapping.normalize import hashing
from consumer.mapping.normalize.fields import NORMALISERS, NormalizationContext
from consumer.mapping.normalize.hashing import BatchHasher, FieldDigests, SharedDigestCache, sha256
from consumer.mapping.rules import BirthdateOrder, MappingOptions

TODAY = datetime.date(2026, 3, 1)
NOWHERE = NormalizationContext(None, None, None, TODAY)
FRANCE = NormalizationContext("fr", None, None, TODAY)

# printf '%s' 'john_smith@gmail.com' | sha256sum
JOHN = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"
ANNA = "a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3"
VALERY = "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"
OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
SENT = re.compile(r"[0-9a-f]{64}(\.([A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg))?")


@pytest.fixture
def hasher() -> BatchHasher:
    return BatchHasher()


@pytest.fixture
def hashings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The texts that were hashed, in order."""
    texts: list[Any] = []

    def noted(text: Any) -> Any:
        texts.append(text)
        return sha256(text)

    monkeypatch.setattr(hashing, "sha256", noted)
    return texts


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("em", None, WarningCode.WRONG_TYPE),
        ("em", True, WarningCode.WRONG_TYPE),
        ("em", {}, WarningCode.WRONG_TYPE),
        ("em", "", WarningCode.MISSING),
        ("em", [], WarningCode.MISSING),
        ("em", "a@b", WarningCode.MALFORMED),
        ("em", OF_NOTHING, WarningCode.MALFORMED),
        ("fn", "!!!", WarningCode.MALFORMED),
        ("fn", "null", WarningCode.PLACEHOLDER),
        ("external_id", 0, WarningCode.PLACEHOLDER),
        ("ph", "0612345678", WarningCode.NO_COUNTRY),
        ("db", "02/03/1997", WarningCode.AMBIGUOUS),
    ],
)
def test_what_cannot_be_used_is_not_hashed_and_leaves_a_note(
    hasher: BatchHasher, key: str, value: Any, word: Any
) -> None:
    assert hasher.hashed(key, value, NOWHERE) == FieldDigests(None, (word,))


@pytest.mark.parametrize(
    ("key", "value", "circumstances", "digest"),
    [
        ("em", " John_Smith@Gmail.com ", NOWHERE, JOHN),
        ("ph", "06 12 34 56 78", FRANCE, "8a3e7886c9335e82e02299fa3e87b46e2de3b0c63d56003e30a5029394a47661"),
        ("ph", 33612345678, NOWHERE, "8a3e7886c9335e82e02299fa3e87b46e2de3b0c63d56003e30a5029394a47661"),
        ("ge", "Mme", NOWHERE, "252f10c83610ebca1a059c0bae8255eba2f95be4d1d7bcfa89d7248a82d9f111"),
        ("db", "2/16/1997", NOWHERE, "01acdbf6ec7b4f478a225f1a246e5d6767eeab1a7ffa17f025265b5b94f40f0c"),
        ("ln", "O’Brien", NOWHERE, "b4cb6cb33fe4b865868de825023a1e2790dc12ac01ecc8d7c5afe8254071c8ba"),
        ("fn", "Vale\u0301ry", NOWHERE, "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"),
        ("fn", "Jean-Pierre", NOWHERE, "fbcc8fa66b9a007dc3649ee989950d38f12ed91b9f18a3d215b04ff77546dca0"),
        ("fn", "정", NOWHERE, "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14"),
        ("ct", "Saint-Étienne", NOWHERE, "bb35a91d6f2bd7ba807fdd240cc838bdd3b20fe1a6fdedba60d941fbe8d5c10f"),
        ("st", "US-CA", NOWHERE, "6959097001d10501ac7d54c0bdb8db61420f658f2922cc26e46d536119a31126"),
        ("st", "Île-de-France", FRANCE, "7f2f97f2a36f4cae0d099b382c08f83ec00532733befa7a2831942ab70360a48"),
        ("zp", "F-75001", FRANCE, "3f089dbdff98360a35193e7d401b76b21f5c0d5d6fb76a28660aaaed83a4c3e3"),
        ("zp", 1000, FRANCE, "e0b96ef61f099f34011402befffdbac429df0578de5a66489bb4704109b56bca"),
        (
            "country",
            "Royaume-Uni",
            NOWHERE,
            "0b407281768f0e833afef47ed464b6571d01ca4d53c12ce5c51d1462f4ad6677",
        ),
        (
            "external_id",
            " User-123 ",
            NOWHERE,
            "fcdec6df4d44dbc637c7c5b58efface52a7f8a88535423430255be0bb89bedd8",
        ),
    ],
)
def test_a_value_is_normalised_and_hashed(
    hasher: BatchHasher, key: str, value: int | str, circumstances: Any, digest: Any
) -> None:
    assert hasher.hashed(key, value, circumstances) == FieldDigests(digest, ())


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        (JOHN, JOHN),
        (f" {JOHN.upper()}\n", JOHN),
        (f"{JOHN.upper()}.Ag", f"{JOHN}.Ag"),
        (f"{JOHN}.AQECAQIA", f"{JOHN}.AQECAQIA"),
    ],
)
@pytest.mark.parametrize("key", sorted(NORMALISERS))
@pytest.mark.parametrize("digests_only", [False, True])
def test_a_digest_is_never_hashed_again(
    hasher: BatchHasher, key: Any, text: Any, sent: Any, digests_only: bool
) -> None:
    assert hasher.hashed(key, text, NOWHERE, digests_only=digests_only) == FieldDigests(sent, ())


def test_letters_that_only_look_like_a_digest_once_normalised_are_hashed(hasher: BatchHasher) -> None:
    # printf '%s' "$JOHN" | sha256sum
    digest = "29b45a42acdb9b41b6d2e0e23c81d239c3c7c1dce8628aca267a590d1ab1c35e"
    assert hasher.hashed("fn", JOHN[:32] + "-" + JOHN[32:], NOWHERE).sent == digest


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("john_smith@gmail.com", WarningCode.MALFORMED),
        ("null", WarningCode.MALFORMED),
        (JOHN[:32], WarningCode.MALFORMED),
        (OF_NOTHING, WarningCode.MALFORMED),
        (" ", WarningCode.MISSING),
        (123, WarningCode.MALFORMED),
        (None, WarningCode.WRONG_TYPE),
    ],
)
def test_a_source_of_digests_takes_nothing_else(hasher: BatchHasher, value: Any, word: Any) -> None:
    assert hasher.hashed("em", value, NOWHERE, digests_only=True) == FieldDigests(None, (word,))


def test_a_list_is_judged_one_by_one_in_order_without_repeats(hasher: BatchHasher) -> None:
    values = [
        "nobody",
        "John_Smith@gmail.com",
        None,
        ANNA,
        " john_smith@gmail.com",
        JOHN.upper(),
        "null",
        ["x"],
        "nobody",
    ]
    assert hasher.hashed("em", values, NOWHERE) == FieldDigests(
        [JOHN, ANNA], (WarningCode.MALFORMED, WarningCode.WRONG_TYPE, WarningCode.PLACEHOLDER)
    )


def test_a_list_with_one_usable_value_is_that_value(hasher: BatchHasher) -> None:
    assert hasher.hashed("em", ["", JOHN, JOHN], NOWHERE) == FieldDigests(JOHN, (WarningCode.MISSING,))


def test_a_list_without_a_usable_value_is_nothing(hasher: BatchHasher) -> None:
    assert hasher.hashed("em", ["nobody", "x"], NOWHERE) == FieldDigests(None, (WarningCode.MALFORMED,))


def test_a_list_in_a_list_is_no_value_however_deep(hasher: BatchHasher) -> None:
    nested: Any = JOHN
    for _ in range(10_000):
        nested = [nested]
    assert hasher.hashed("em", nested, NOWHERE) == FieldDigests(None, (WarningCode.WRONG_TYPE,))


def test_a_list_of_digests_only_drops_plain_values(hasher: BatchHasher) -> None:
    sent = hasher.hashed("em", ["john_smith@gmail.com", ANNA], NOWHERE, digests_only=True)
    assert sent == FieldDigests(ANNA, (WarningCode.MALFORMED,))


def test_a_value_is_hashed_once_in_a_batch(hasher: BatchHasher, hashings: list[Any]) -> None:
    for _ in range(3):
        hasher.hashed("em", "john_smith@gmail.com", NOWHERE)
    assert hashings == ["john_smith@gmail.com"]


@pytest.mark.parametrize(
    ("key", "value"), [("em", "john_smith@gmail.com"), ("ph", "33612345678"), ("external_id", "user-123")]
)
def test_what_is_one_persons_own_is_forgotten_with_the_batch(
    hashings: list[Any], key: str, value: str
) -> None:
    shared = SharedDigestCache()
    for _ in range(2):
        BatchHasher(shared).hashed(key, value, NOWHERE)
    assert hashings == [value, value]
    assert len(shared) == 0


def test_what_many_people_share_is_remembered_for_the_next_batches(hashings: list[Any]) -> None:
    shared = SharedDigestCache()
    for _ in range(2):
        assert BatchHasher(shared).hashed("fn", "Valéry", NOWHERE).sent == VALERY
    assert hashings == ["valéry"]
    assert len(shared) == 1


def test_a_hasher_without_anything_shared_starts_anew(hashings: list[Any]) -> None:
    for _ in range(2):
        BatchHasher().hashed("fn", "Valéry", NOWHERE)
    assert hashings == ["valéry", "valéry"]


def test_what_is_shared_is_forgotten_when_it_is_more_than_its_limit(hashings: list[Any]) -> None:
    shared = SharedDigestCache(values_max=2)
    for name in ("Ann", "Bob"):
        BatchHasher(shared).hashed("fn", name, NOWHERE)
    BatchHasher(shared).hashed("fn", "Cem", NOWHERE)
    assert len(shared) == 3
    BatchHasher(shared).hashed("fn", "Ann", NOWHERE)
    assert len(shared) == 1
    assert hashings == ["ann", "bob", "cem", "ann"]


def test_neither_an_address_nor_the_values_of_a_list_are_kept() -> None:
    shared = SharedDigestCache()
    hasher = BatchHasher(shared)
    hasher.hashed("fn", "ann@example.com", NOWHERE)
    hasher.hashed("fn", ["Ann", "Bob"], NOWHERE)
    assert len(shared) == 0


def test_columns_are_made_once_for_a_country_settings_and_a_day() -> None:
    hasher, rules, day_ms = BatchHasher(), MappingOptions(), 86_400_000
    first = hasher.field_caches("FR", rules, 20_000 * day_ms)
    assert hasher.field_caches("FR", rules, 20_000 * day_ms + 1) is first
    assert hasher.field_caches("France", rules, 20_000 * day_ms) is not first
    assert hasher.field_caches("FR", rules, 20_001 * day_ms) is not first


def test_a_long_text_is_not_what_people_share() -> None:
    shared = SharedDigestCache()
    hasher = BatchHasher(shared)
    hasher.hashed("fn", "n" * 64, NOWHERE)
    hasher.hashed("fn", "n" * 65, NOWHERE)
    assert len(shared) == 1


def test_a_remembered_value_is_one_of_its_key_its_place_and_its_kind(hasher: BatchHasher) -> None:
    # printf '%s' 1000 | sha256sum, and of 01000
    plain = "40510175845988f13f6162ed8526f0b09f73384467fa855e1e79b44a56562a58"
    padded = "e0b96ef61f099f34011402befffdbac429df0578de5a66489bb4704109b56bca"
    assert hasher.hashed("zp", "1000", FRANCE).sent == plain
    assert hasher.hashed("zp", 1000, FRANCE).sent == padded
    assert hasher.hashed("zp", 1000, NOWHERE).sent == plain
    assert hasher.hashed("ct", "1000", FRANCE).sent is None
    assert hasher.hashed("zp", "1000", FRANCE, digests_only=True).sent is None
    assert hasher.hashed("ph", "0612345678", NOWHERE).sent is None
    assert hasher.hashed("ph", "0612345678", FRANCE).sent is not None


# The digests are of 33612345678; 19970302, 19970203; california, ca; 940351234, 94035.
@pytest.mark.parametrize(
    ("key", "value", "digests"),
    [
        (
            "ph",
            "0612345678",
            {
                FRANCE: "8a3e7886c9335e82e02299fa3e87b46e2de3b0c63d56003e30a5029394a47661",
                NOWHERE: None,
            },
        ),
        (
            "db",
            "02/03/1997",
            {
                FRANCE._replace(birthdate_order=BirthdateOrder.DMY): (
                    "f12806f67d69c71c7b627ae055406ddc2b0c38a13fcd3239a4d4fcce08a225a4"
                ),
                FRANCE._replace(birthdate_order=BirthdateOrder.MDY): (
                    "d55cbfb3bedf70aee8ee8a8bbe73903e7340b3baa0680233b69531c48061efff"
                ),
                FRANCE: None,
            },
        ),
        (
            "st",
            "California",
            {
                FRANCE: "7e8eea5cc60980270c9ceb75ce8c087d48d726110fd3d17921f774eefd8e18d8",
                NOWHERE: "6959097001d10501ac7d54c0bdb8db61420f658f2922cc26e46d536119a31126",
            },
        ),
        (
            "zp",
            "94035-1234",
            {
                FRANCE: "52eb93d6f8cdc91927d84b057e0a76eb508a59a795f75ac7f26ee9859ebc618d",
                NOWHERE: "1794327a4d443904421f5ca1f3d72d0a62ba2f0770d80755ec2220fc0efb052e",
            },
        ),
    ],
)
def test_a_value_of_one_place_is_not_remembered_for_another(
    hasher: BatchHasher, key: str, value: str, digests: Any
) -> None:
    assert {
        circumstances: hasher.hashed(key, value, circumstances).sent for circumstances in digests
    } == digests


def test_true_is_not_the_number_one(hasher: BatchHasher) -> None:
    one = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    assert hasher.hashed("external_id", 1, NOWHERE).sent == one
    assert hasher.hashed("external_id", True, NOWHERE).sent is None
    assert hasher.hashed("external_id", 1.0, NOWHERE).sent == one


def test_the_hash_is_sha_256_of_utf_8() -> None:
    assert sha256("müller") == "2dbd218072117713f2d5996a726a9b216ed791ffd0783b6ba4ab6d61b8333192"


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.just(OF_NOTHING)
)
JSON = (
    SCALARS
    | st.lists(SCALARS | st.lists(SCALARS, max_size=2), max_size=4)
    | st.dictionaries(st.text(), SCALARS)
)


@given(st.sampled_from(sorted(NORMALISERS)), JSON, st.sampled_from([NOWHERE, FRANCE]), st.booleans())
def test_any_json_value_becomes_digests_or_notes_and_never_the_digest_of_nothing(
    key: Any, value: Any, circumstances: Any, digests_only: Any
) -> None:
    hashed = BatchHasher().hashed(key, value, circumstances, digests_only=digests_only)
    digests = (
        hashed.sent if isinstance(hashed.sent, list) else [hashed.sent] if hashed.sent is not None else []
    )
    assert digests or hashed.notes
    assert len(digests) == len(set(digests))
    assert not isinstance(hashed.sent, list) or len(hashed.sent) > 1
    assert all(SENT.fullmatch(digest) and not digest.startswith(OF_NOTHING) for digest in digests)
