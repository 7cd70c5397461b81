"""
A page's address without personal data, and otherwise byte for byte.

    https://ann:secret@shop.example.com/account/ann@example.com?ref=1&email=x#top
    https://shop.example.com/account/*****?ref=1#top

User name and password go. A parameter goes when it is named like personal
data or holds an e-mail address; a path segment or fragment that holds one
becomes `*****`. What is looked at is also decoded, twice at most, because
addresses travel encoded and sometimes encoded again. Nothing that stays is
rewritten: no lower case, no sorting, no new encoding.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote, unquote_plus

from consumer.mapping.redaction import PERSONAL_NAMES, contains_email, is_personal_name
from consumer.mapping.values import MALFORMED, PERSONAL_DATA, WRONG_TYPE, InvalidValue

MASK = "*****"
DECODINGS_MAX = 2

_URL = re.compile(
    r"(?P<scheme>https?://)(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?P<fragment>#.*)?",
    re.IGNORECASE | re.DOTALL,
)
_NO_HOST = re.compile(r"\s|^(:|$)")

# Most addresses are seen at one glance: nothing in them is encoded, nothing can be an e-mail
# address, and no parameter is named like personal data. Whatever else goes the long way.
_PLAIN = re.compile(r"https?://[^/?#@%+\s\\:][^/?#@%+\s\\]*(?:[/?#][^@%+\s]*)?")
_BETWEEN = "[-_ ]*"
_NAMED_PERSONALLY = re.compile(
    f"[?&]{_BETWEEN}(?:{'|'.join(map(_BETWEEN.join, sorted(PERSONAL_NAMES)))}){_BETWEEN}(?:[=&#]|$)",
    re.IGNORECASE,
)


def clean_url(value: object) -> tuple[str, bool] | InvalidValue:
    """An absolute http(s) address without personal data, and whether anything was taken out."""
    if not isinstance(value, str):
        return WRONG_TYPE
    if _PLAIN.fullmatch(value) and not _NAMED_PERSONALLY.search(value):
        return value, False
    url = value.strip()
    parts = _URL.fullmatch(url)
    if parts is None:
        return MALFORMED
    authority = parts["authority"]
    host = authority.rpartition("@")[2]
    # A backslash ends a host in browsers and does not elsewhere: such an address has no one meaning.
    if "\\" in authority or _NO_HOST.search(host):
        return MALFORMED
    if _shows_address(host):
        return PERSONAL_DATA
    cleaned = "".join(
        (
            parts["scheme"],
            host,
            _clean_path(parts["path"]),
            _clean_query(parts["query"] or ""),
            _clean_fragment(parts["fragment"] or ""),
        )
    )
    return cleaned, cleaned != url


def click_id(url: str) -> str | None:
    """The first `fbclid` parameter of an address, percent-decoded once; None when there is none."""
    if "fbclid" not in url:
        return None
    query = url.partition("#")[0].partition("?")[2]
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        if name == "fbclid":
            return unquote(value)
    return None


def _clean_path(path: str) -> str:
    if not _shows_address(path):
        return path
    return "/".join(MASK if _shows_address(segment) else segment for segment in path.split("/"))


def _clean_query(query: str) -> str:
    if not query:
        return query
    parameters = query[1:].split("&")
    kept = [parameter for parameter in parameters if not _is_personal(parameter)]
    if len(kept) == len(parameters):
        return query
    return "?" + "&".join(kept) if kept else ""


def _clean_fragment(fragment: str) -> str:
    return "#" + MASK if _shows_address(fragment[1:]) else fragment


def _is_personal(parameter: str) -> bool:
    name = parameter.partition("=")[0]
    return any(map(is_personal_name, _readings(name))) or _shows_address(parameter)


def _shows_address(text: str) -> bool:
    # Most texts have neither, and no decoding makes an @ of anything else.
    return ("@" in text or "%" in text) and any(map(contains_email, _readings(text)))


def _readings(text: str) -> Sequence[str]:
    """The text, and what it decodes to, for as long as there is something to decode."""
    readings = [text]
    while len(readings) <= DECODINGS_MAX and ("%" in text or "+" in text):
        text = unquote_plus(text)
        readings.append(text)
    return readings
