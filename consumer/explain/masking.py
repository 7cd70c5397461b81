"""
Personal values without what is personal in them: what is left is their shape.

    ann@example.com    ->    xxx@xxxxxxx.xxx
    33612345678        ->    99999999999
    71d4f55f72fa128…   ->    71d4f5…

A shape shows whether normalising did what was meant. Of a digest the first
digits are left, enough to compare with another by eye, too few to find the
person by trying all telephone numbers.
"""

from __future__ import annotations

import re
from unicodedata import category

DIGEST_DIGITS = 6
SHAPE_LENGTH_MAX = 40

_DIGEST = re.compile(rf"\b([0-9a-f]{{{DIGEST_DIGITS}}})[0-9a-f]{{{64 - DIGEST_DIGITS}}}\b")


def mask(text: str) -> str:
    """Letters as `x`, digits as `9`, the rest as it is; cut when it is long."""
    cut = text if len(text) <= SHAPE_LENGTH_MAX else text[: SHAPE_LENGTH_MAX - 1]
    shown = "".join(filter(None, map(_shape_of, cut)))
    return shown if cut is text else shown + "…"


def short_digests(text: str) -> str:
    """The text with each digest cut to its first digits."""
    return _DIGEST.sub(r"\1…", text)


def _shape_of(character: str) -> str:
    if character.isdecimal():
        return "9"
    kind = category(character)[0]
    if kind == "L":
        return "x"
    return "" if kind == "M" else character  # a mark belongs to the letter before it
