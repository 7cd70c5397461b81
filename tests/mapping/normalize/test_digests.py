"""Whether a text is already a digest."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.mapping.normalize.fields import given_digest
from consumer.mapping.values import MALFORMED

DIGEST = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"
OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anna@example.com",
        DIGEST[:32],
        DIGEST[:63],
        DIGEST + "0",
        "g" + DIGEST[1:],
        DIGEST[:62] + " 2f",
        DIGEST + ".",
        DIGEST + ".aq",
        DIGEST + ".AX",
        DIGEST + ".1234567",
        DIGEST + ".123456789",
        DIGEST + ".1234.678",
        DIGEST + ".1234:678",
        DIGEST + ".1234@678",
        DIGEST + "-AQ",
        "sha256:" + DIGEST,
        # 64 digits, but of another script
        "٣" * 64,
    ],
)
def test_what_is_not_64_hex_digits_is_no_digest(text: Any) -> None:
    assert given_digest(text) is None


@pytest.mark.parametrize(
    "text", [OF_NOTHING, OF_NOTHING.upper(), f" {OF_NOTHING}\n", OF_NOTHING + ".AQ", OF_NOTHING + ".Abc_-123"]
)
def test_the_digest_of_nothing_is_unusable(text: Any) -> None:
    assert given_digest(text) is MALFORMED


@pytest.mark.parametrize("text", [DIGEST, DIGEST.upper(), f"\t{DIGEST} \n", f"\ufeff{DIGEST}\x00"])
def test_a_digest_is_kept_in_lower_case_and_trimmed(text: Any) -> None:
    assert given_digest(text) == DIGEST


@pytest.mark.parametrize("appendix", ["AQ", "Ag", "Aw", "BA", "BQ", "Bg", "AQECAQIA", "a_c-E123"])
def test_an_appendix_is_kept_as_it_is(appendix: str) -> None:
    assert given_digest(f"{DIGEST.upper()}.{appendix}") == f"{DIGEST}.{appendix}"
