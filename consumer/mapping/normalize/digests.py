"""
Whether a text is already a digest.

Producers may send SHA-256 instead of the plain value, and Meta's parameter
builder appends to a digest a dot and a few letters that name its language. Both
are sent on, never hashed again.

    64 hex digits             sent in lower case
    64 hex digits.appendix    the same, appendix as it is
    32 hex digits             no digest of ours: MD5 says nothing to Meta
    the digest of nothing     unusable: somebody hashed an empty field
"""

from __future__ import annotations

import re

from consumer.mapping.normalize.text import strip_invisible
from consumer.mapping.values import EMPTY, MALFORMED, InvalidValue

# Of Meta's parameter builder, as its source has it (read in November 2026): eight letters, or two.
APPENDIX = r"(?:[A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg)"

_DIGITS = 64
_LENGTHS = frozenset({_DIGITS, _DIGITS + 3, _DIGITS + 9})
_DIGEST = re.compile(rf"[0-9a-fA-F]{{{_DIGITS}}}(?:\.{APPENDIX})?")
_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def given_digest(text: str) -> str | InvalidValue | None:
    """The digest a text already is, hex in lower case; None when it is not one."""
    if len(text) < _DIGITS:
        return None
    trimmed = strip_invisible(text).strip()
    # Most long texts are none: the length is a cheaper question than the pattern.
    if len(trimmed) not in _LENGTHS or _DIGEST.fullmatch(trimmed) is None:
        return None
    digest = trimmed[:_DIGITS].lower()
    return MALFORMED if digest == _OF_NOTHING else digest + trimmed[_DIGITS:]


def no_digest(text: str) -> InvalidValue:
    """Why a text that should have been a digest is of no use."""
    return MALFORMED if text.strip() else EMPTY
